"""Where photos come from in a browser: its camera, or files."""

from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.visit import Visit
from enrollment.intake import PHOTO_SUFFIXES
from enrollment.photo import MAX_BYTES, Photo, photo_bytes

MOST_MEGABYTES = MAX_BYTES // 1024**2
FILE_TYPES = [suffix.removeprefix(".") for suffix in PHOTO_SUFFIXES]
RESOLUTION: Final = (
    "720p"  # the widget's own default is its size on the screen, too small for a face
)
_FILE, _CAMERA = "file", "camera"


def one_photo(visit: Visit, key: str) -> Photo | None:
    """Ask for one photo; None until there is one. The camera is off until it is asked for."""
    say = visit.say
    named = {_FILE: say("A file"), _CAMERA: say("The camera")}
    source = st.segmented_control(
        say("Photo from"),
        [_FILE, _CAMERA],
        format_func=named.__getitem__,
        default=_FILE,
        required=True,
        key=f"{key}-from",
    )
    return camera_photo(visit, key) if source == _CAMERA else file_photo(visit, key)


def camera_photo(visit: Visit, key: str) -> Photo | None:
    """One picture of the device's camera, which films from now on; None until it is taken."""
    shot = st.camera_input(visit.say("Take a picture"), resolution=RESOLUTION, key=f"{key}-camera")
    return photo_bytes("camera", shot.getvalue()) if shot else None


def file_photo(visit: Visit, key: str) -> Photo | None:
    """One file; None until it is chosen."""
    file = st.file_uploader(
        visit.say("Choose a photo"),
        FILE_TYPES,
        key=f"{key}-file",
        help=file_help(visit),
        max_upload_size=MOST_MEGABYTES,
    )
    return uploaded(file) if file else None


def file_help(visit: Visit) -> str:
    return visit.say("JPEG, PNG, WebP or HEIC, at most {most} MB each.", most=MOST_MEGABYTES)


def uploaded(file: UploadedFile) -> Photo:
    """Read when it is looked at: five hundred large files are not copied at every run."""
    return Photo(file.name, file.getvalue)
