"""Faces as pictures for people to look at: one sheet of all of them, or a file each."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from disk.whole_file import write_whole
from enrollment.errors import BadInput
from enrollment.photo import encode_jpeg

_FACE, _LABEL, _ACROSS = 200, 18, 6  # px, px, faces
_SHEET_SUFFIXES = (".jpg", ".jpeg")


def write_faces(faces: Mapping[str, NDArray[np.uint8]], to: Path) -> list[Path]:
    """Write (h, w, 3) uint8 RGB pictures by label, readable by their owner alone.

    Args:
        to: a .jpg for one sheet of all, else a folder for a file each.

    Raises:
        BadInput: it is there already, or cannot be written.
    """
    if to.suffix.lower() in _SHEET_SUFFIXES:
        files = {to: encode_jpeg(_sheet(faces), quality=90)}
    else:
        files = {to / f"{label}.jpg": encode_jpeg(face) for label, face in faces.items()}
    there = [path for path in files if path.exists()]
    if there:
        raise BadInput(f"{there[0]} is there already; choose another name, or delete it first")
    try:
        for path, data in files.items():
            write_whole(path, data, replaces=False)
    except OSError as error:
        raise BadInput(f"{to} cannot be written: {error.strerror or error}") from error
    return list(files)


def _sheet(faces: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.uint8]:
    across = min(len(faces), _ACROSS)
    down = -(-len(faces) // _ACROSS)
    sheet = Image.new("RGB", (across * _FACE, down * (_FACE + _LABEL)), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (label, face) in enumerate(faces.items()):
        left, top = i % _ACROSS * _FACE, i // _ACROSS * (_FACE + _LABEL)
        picture = Image.fromarray(face)
        picture.thumbnail((_FACE, _FACE))
        sheet.paste(picture, (left + (_FACE - picture.width) // 2, top))
        draw.text((left + 4, top + _FACE + 3), label, fill="black")
    return np.asarray(sheet, np.uint8)
