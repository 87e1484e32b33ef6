"""A picture with what was decided drawn on it, so that it is understood without colours too."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from enrollment.identifier import Identification

_WIDEST = 1280  # px; a larger picture only takes longer to reach the browser
_COLOURS = {"known": "#0b7a3b", "unknown": "#f2a900", "refused": "#5f6672"}
_INK = {"known": "white", "unknown": "black", "refused": "white"}
_PADDING = 5  # px
_DASH = {"known": 0, "unknown": 14, "refused": 4}  # px drawn and left out; 0: a solid line
_FONTS = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "Helvetica.ttc")

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def annotate(image: NDArray[np.uint8], answers: Sequence[Identification]) -> Image.Image:
    """Number every face, in the order of the answers, and box it.

    Args:
        image: (h, w, 3) uint8 RGB.
    """
    picture = Image.fromarray(image)
    scale = min(1.0, _WIDEST / picture.width)
    if scale < 1:
        picture = picture.resize((_WIDEST, max(round(picture.height * scale), 1)))
    draw = ImageDraw.Draw(picture)
    # Seen on a screen about 700 px wide: lines and letters grow with the picture.
    line = max(picture.width // 240, 2)
    font = _font(max(picture.width // 36, 12))
    for number, answer in enumerate(answers, start=1):
        if answer.box is not None:
            x, y, width, height = (round(side * scale) for side in answer.box)
            _frame(draw, (x, y, x + width, y + height), answer.decision, line)
            _label(draw, (x, y, picture.width), label(number, answer, font), answer.decision, font)
    return picture


def label(number: int, answer: Identification, font: Font) -> str:
    """Number and name; the number and the decision where the font cannot write the name."""
    if answer.name is not None and _can_write(answer.name, font):
        return f"{number} {answer.name}"
    return f"{number} {answer.decision}"


def _frame(
    draw: ImageDraw.ImageDraw, corners: tuple[int, int, int, int], decision: str, line: int
) -> None:
    left, top, right, bottom = corners
    colour, dash = _COLOURS[decision], _DASH[decision] * line // 2
    if not dash:
        draw.rectangle(corners, outline=colour, width=line)
        return
    for x in range(left, right, 2 * dash):
        for y in (top, bottom):
            draw.line((x, y, min(x + dash, right), y), fill=colour, width=line)
    for y in range(top, bottom, 2 * dash):
        for x in (left, right):
            draw.line((x, y, x, min(y + dash, bottom)), fill=colour, width=line)


def _label(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int], text: str, decision: str, font: Font
) -> None:
    """Above the box, or inside it where there is no room above.

    Args:
        box: left and top of the face's box, and the picture's width.
    """
    left, top, widest = box
    x0, y0, x1, y1 = (round(side) for side in draw.textbbox((0, 0), text, font=font))
    width, height = x1 - x0 + 2 * _PADDING, y1 - y0 + 2 * _PADDING
    left = max(0, min(left, widest - width))
    top = top - height if top >= height else top
    draw.rectangle((left, top, left + width, top + height), fill=_COLOURS[decision])
    at = (left + _PADDING - x0, top + _PADDING - y0)
    draw.text(at, text, fill=_INK[decision], font=font)


def _can_write(text: str, font: Font) -> bool:
    """Has the font a sign for each of these, and are they written one after the other?"""
    missing = bytes(font.getmask("\uffff"))
    return all(
        sign == " "
        or (
            unicodedata.bidirectional(sign) not in ("R", "AL")
            and not unicodedata.category(sign).startswith("M")
            and bytes(font.getmask(sign)) != missing
        )
        for sign in text
    )


@lru_cache(maxsize=8)
def _font(size: int) -> Font:
    """A font with many alphabets where the system has one; Pillow's own writes ASCII only."""
    for file in _FONTS:
        try:
            return ImageFont.truetype(file, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
