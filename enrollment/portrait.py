"""What is kept of a photo: the face and a margin around it, never the rest of the picture."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from enrollment.capture import QUALITY_TEMPLATE, CapturedFace
from enrollment.photo import encode_jpeg
from models.alignment import AlignmentTemplate, align

# Wide enough that another backbone can cut its own crop later, and small enough to keep many.
SIDE = 400  # px at most
_MARGIN = 2.0
# Of thumbnails: from this distance of the eyes, px, half of the picture is enough.
_LARGE_EYES = 54.0
_QUALITY = 85


@dataclass(frozen=True)
class Portrait:
    """image: JPEG bytes; details: where the landmarks are in it, and what was measured."""

    image: bytes
    details: dict[str, object]


def portrait_of(picture: NDArray[np.uint8], captured: CapturedFace, source: str) -> Portrait:
    """Cut the face out of its photo, (h, w, 3) uint8 RGB."""
    x, y, width, height = captured.face.box
    half = _MARGIN * max(width, height) / 2
    left, top = max(int(x + width / 2 - half), 0), max(int(y + height / 2 - half), 0)
    region = picture[top : int(y + height / 2 + half) + 1, left : int(x + width / 2 + half) + 1]
    scale = min(1.0, SIDE / max(region.shape[:2]))
    small = Image.fromarray(region)
    if scale < 1:
        size = (round(region.shape[1] * scale), round(region.shape[0] * scale))
        small = small.resize(size, Image.Resampling.LANCZOS)
    landmarks = (captured.face.landmarks - np.array([left, top], np.float32)) * scale
    return Portrait(
        encode_jpeg(np.asarray(small)),
        {
            "source": source,
            "landmarks": landmarks.round(2).tolist(),
            "quality": captured.quality.as_numbers(),
        },
    )


def open_portrait(image: bytes) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 RGB."""
    with Image.open(io.BytesIO(image), formats=("JPEG",)) as opened:
        return np.array(opened.convert("RGB"), np.uint8)


def crop_of(image: bytes, details: Mapping[str, object]) -> NDArray[np.uint8]:
    """The face of a kept portrait, aligned to the quality template."""
    landmarks = np.asarray(cast(list[list[float]], details["landmarks"]), np.float32)
    return align(open_portrait(image), landmarks, QUALITY_TEMPLATE)


def thumbnail_of(image: bytes, details: Mapping[str, object], side: int = 112) -> bytes:
    """As `crop_of`, quicker and less exact, as JPEG bytes: for lists of many people.

    Args:
        side: px of the square.
    """
    landmarks = np.asarray(cast(list[list[float]], details["landmarks"]), np.float32)
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    with Image.open(io.BytesIO(image), formats=("JPEG",)) as opened:
        width, height = opened.size
        if eyes >= _LARGE_EYES:
            # Half of the size costs a third of the time: JPEG leaves the fine parts out.
            opened.draft("RGB", (width // 2, height // 2))
        picture = np.array(opened.convert("RGB"), np.uint8)
    template = AlignmentTemplate((side, side), QUALITY_TEMPLATE.landmarks)
    crop = align(picture, landmarks * (picture.shape[1] / width), template)
    return encode_jpeg(crop, _QUALITY)


def yaw_of(details: Mapping[str, object]) -> float:
    """How far the head of a kept portrait is turned, in degrees."""
    return float(cast(Mapping[str, float], details["quality"])["yaw"])
