"""Small pictures of large photos, made once in a visit."""

import io

import streamlit as st
from PIL import Image, ImageOps

from enrollment.photo import FORMATS, MAX_PIXELS, Photo

_SIDE = 176  # px: twice what is shown, for dense screens
_STORE = "thumbnails"


def thumbnail(key: str, photo: Photo) -> bytes | None:
    """A JPEG of at most 176 px a side; None for what is no picture that can be read.

    Args:
        key: what the visit knows the photo by.
    """
    known: dict[str, bytes | None] = st.session_state.setdefault(_STORE, {})
    if key not in known:
        known[key] = _small(photo)
    return known[key]


def _small(photo: Photo) -> bytes | None:
    try:
        with Image.open(io.BytesIO(photo.read()), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                return None
            opened.draft("RGB", (_SIDE, _SIDE))  # a JPEG is decoded small, which is quick
            upright = ImageOps.exif_transpose(opened).convert("RGB")
            upright.thumbnail((_SIDE, _SIDE))
    except Exception:  # Pillow's decoders raise many kinds for a damaged file
        return None
    written = io.BytesIO()
    upright.save(written, "JPEG", quality=85)
    return written.getvalue()
