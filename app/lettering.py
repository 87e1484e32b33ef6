"""A few words as pixels, in whatever alphabet they are, drawn once and kept."""

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "Helvetica.ttc")
# Google's fonts are named for the alphabet; these are not.
_OF_ALPHABETS = {
    "CJK": ("NotoSansCJK-Regular.ttc", "DroidSansFallbackFull.ttf", "msyh.ttc", "PingFang.ttc"),
    "HIRAGANA": ("NotoSansCJK-Regular.ttc", "DroidSansFallbackFull.ttf", "msgothic.ttc"),
    "KATAKANA": ("NotoSansCJK-Regular.ttc", "DroidSansFallbackFull.ttf", "msgothic.ttc"),
    "HANGUL": ("NotoSansCJK-Regular.ttc", "DroidSansFallbackFull.ttf", "malgun.ttf"),
    "ARABIC": ("NotoSansArabic-Regular.ttf", "NotoNaskhArabic-Regular.ttf"),
}
_ROOM = 0.3  # of the letters' height, on every side
_LONGEST = 28  # signs: a label is no wider than the picture it lies on

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]


@lru_cache(maxsize=512)
def lettered(text: str, height: int, ink: Colour, ground: Colour) -> Picture | None:
    """`text` in letters `height` px high on a plate, (h, w, 3) RGB; read-only.

    None where no font here can write it.
    """
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    font = _font_for(text, height)
    if font is None:
        return None
    left, top, right, bottom = (round(side) for side in font.getbbox(text))
    room = round(_ROOM * height)
    size = (right - left + 2 * room, max(bottom - top, height) + 2 * room)
    plate = Image.new("RGB", size, ground)
    ImageDraw.Draw(plate).text((room - left, room - top), text, fill=ink, font=font)
    made = np.asarray(plate)
    made.setflags(write=False)
    return made


def _font_for(text: str, height: int) -> ImageFont.FreeTypeFont | None:
    shaped = features.check("raqm")
    if not shaped and any(_needs_shaping(sign) for sign in text):
        return None
    for file in (*_FONTS, *_fonts_of(text)):
        font = _font(file, height)
        if font is not None and _can_write(text, font):
            return font
    return None


def _fonts_of(text: str) -> list[str]:
    """Of the alphabets in `text`: the first word of a sign's name is its alphabet's."""
    alphabets = dict.fromkeys(unicodedata.name(s, "").partition(" ")[0] for s in text if s != " ")
    return [
        file
        for name in alphabets
        for file in _OF_ALPHABETS.get(name, (f"NotoSans{name.title()}-Regular.ttf",))
    ]


def _needs_shaping(sign: str) -> bool:
    """Written from right to left, or set on or around its neighbours."""
    backwards = unicodedata.bidirectional(sign) in ("R", "AL")
    return backwards or unicodedata.category(sign).startswith("M")


def _can_write(text: str, font: ImageFont.FreeTypeFont) -> bool:
    missing = bytes(font.getmask("\uffff"))
    return all(s == " " or bytes(font.getmask(s)) != missing for s in text)


@lru_cache(maxsize=64)
def _font(file: str, height: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(file, height)
    except OSError:
        return None
