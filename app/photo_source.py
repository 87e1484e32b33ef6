"""Where photos come from in a browser: its camera, or files."""

from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from enrollment.intake import PHOTO_SUFFIXES
from enrollment.photo import MAX_BYTES, Photo, photo_bytes

FILE_TYPES = [suffix.removeprefix(".") for suffix in PHOTO_SUFFIXES]
FILE_HELP = f"JPEG, PNG or WebP, at most {MAX_BYTES // 1024**2} MB each."
RESOLUTION: Final = (
    "720p"  # the widget's own default is its size on the screen, too small for a face
)
_FILE, _CAMERA = "A file", "The camera"


def one_photo(key: str) -> Photo | None:
    """Ask for one photo; None until there is one. The camera is off until it is asked for."""
    source = st.segmented_control(
        "Photo from", [_FILE, _CAMERA], default=_FILE, required=True, key=f"{key}-from"
    )
    if source == _CAMERA:
        shot = st.camera_input("Take a picture", resolution=RESOLUTION, key=f"{key}-camera")
        return photo_bytes("camera", shot.getvalue()) if shot else None
    file = st.file_uploader("Choose a photo", FILE_TYPES, key=f"{key}-file", help=FILE_HELP)
    return uploaded(file) if file else None


def uploaded(file: UploadedFile) -> Photo:
    return photo_bytes(file.name, file.getvalue())
