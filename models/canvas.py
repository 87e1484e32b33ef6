"""The version of an image that a detector looks at, and the way back to the original's pixels.

An image whose longest side is over 960 px is scaled down to 960; a smaller one is used as it is.
The size is fixed because it matters: the same photo detected at 250 and at 320 px gives
embeddings only 0.985 alike (traps.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.detector import Face

LONGEST_SIDE = 960  # px
SMALLEST_SIDE = 20  # px: MTCNN's smallest face; below this nothing is looked for
BORDER = 0.5  # of each side, for the second look
BORDER_GREY = 128
OVERLAP = 0.65  # of the smaller box: from here on two boxes are one face

CANVAS_DESCRIPTION = (
    f"longest side {LONGEST_SIDE} px, never upscaled, smallest side {SMALLEST_SIDE} px, "
    f"second look with a grey border of {BORDER:g}, overlap {OVERLAP:g}"
)


@dataclass(frozen=True)
class RawFace:
    """A face in the canvas's own pixels, as floats and not yet clipped."""

    corners: tuple[float, float, float, float]  # left, top, right, bottom
    landmarks: NDArray[np.float32]  # (5, 2), as Face.landmarks
    confidence: float


Look = Callable[[NDArray[np.uint8]], list[RawFace]]


def find_faces(image: NDArray[np.uint8], look: Look) -> list[Face]:
    """Run `look` on `image` (h, w, 3 RGB uint8), twice if need be, and map its faces back.

    The second look, with a border around, is for a face that fills the frame; it is taken only
    when the first found nothing. Raises ValueError for another shape or type.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"an image is (h, w, 3) uint8, not {image.shape} {image.dtype}")
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        return []
    for border in (0.0, BORDER):
        canvas, offset, scale = _canvas(image, border)
        if min(canvas.shape[:2]) < SMALLEST_SIDE:  # a strip that was scaled down
            continue
        found = [_back(raw, offset, scale, (width, height)) for raw in look(canvas)]
        faces = _distinct([face for face in found if face is not None])
        if faces:
            return sorted(faces, key=lambda face: (-_area(face), face.box))
    return []


def _canvas(
    image: NDArray[np.uint8], border: float
) -> tuple[NDArray[np.uint8], tuple[int, int], tuple[float, float]]:
    """The picture to look at, the offset of the original in it (px), and its scale (x, y)."""
    import cv2

    height, width = image.shape[:2]
    pad_x, pad_y = round(width * border), round(height * border)
    shrink = min(1.0, LONGEST_SIDE / max(width + 2 * pad_x, height + 2 * pad_y))
    new_width, new_height = max(1, round(width * shrink)), max(1, round(height * shrink))
    pixels = np.ascontiguousarray(image)
    if shrink < 1.0:
        pixels = cv2.resize(pixels, (new_width, new_height), interpolation=cv2.INTER_AREA)
    offset = (round(pad_x * shrink), round(pad_y * shrink))
    if border:
        framed = np.full(
            (new_height + 2 * offset[1], new_width + 2 * offset[0], 3), BORDER_GREY, np.uint8
        )
        framed[offset[1] : offset[1] + new_height, offset[0] : offset[0] + new_width] = pixels
        pixels = framed
    return pixels, offset, (new_width / width, new_height / height)


def _back(
    raw: RawFace, offset: tuple[int, int], scale: tuple[float, float], size: tuple[int, int]
) -> Face | None:
    """`raw` in the original's pixels, or None when it lies outside or is not a number."""
    left, top, right, bottom = raw.corners
    corners = np.array([[left, top], [right, bottom]], dtype=np.float64)
    corners = (corners - offset) / scale
    landmarks = (np.asarray(raw.landmarks, dtype=np.float64) - offset) / scale
    if not (np.isfinite(corners).all() and np.isfinite(landmarks).all()):
        return None
    clipped = np.clip(np.rint(corners), 0, size).astype(int)
    x, y = int(clipped[0, 0]), int(clipped[0, 1])
    width, height = int(clipped[1, 0]) - x, int(clipped[1, 1]) - y
    if width <= 0 or height <= 0:
        return None
    confidence = min(1.0, max(0.0, float(raw.confidence)))
    return Face((x, y, width, height), landmarks.astype(np.float32), confidence)


def _distinct(faces: list[Face]) -> list[Face]:
    """The most confident of each group of boxes that lie over one another."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: (-face.confidence, face.box)):
        if all(_overlap(face, other) < OVERLAP for other in kept):
            kept.append(face)
    return kept


def _overlap(one: Face, other: Face) -> float:
    """Shared area as a fraction of the smaller box."""
    x = max(one.box[0], other.box[0])
    y = max(one.box[1], other.box[1])
    right = min(one.box[0] + one.box[2], other.box[0] + other.box[2])
    bottom = min(one.box[1] + one.box[3], other.box[1] + other.box[3])
    return max(0, right - x) * max(0, bottom - y) / min(_area(one), _area(other))


def _area(face: Face) -> int:
    return face.box[2] * face.box[3]
