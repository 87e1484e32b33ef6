"""Small pictures of large photos, made once in a visit."""

import streamlit as st

from enrollment.photo import Photo, decode_small, encode_jpeg
from enrollment.reasons import Reason

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
    small = decode_small(photo, _SIDE)
    return None if isinstance(small, Reason) else encode_jpeg(small, quality=85)
