"""From five landmarks to a crop that always has the face in the same place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class AlignmentTemplate:
    """Where a backbone wants the landmarks.

    size: width and height of the crop, px.
    landmarks: five points as fractions of the size (x of the width, y of the height), in the
        order of `Face.landmarks`; a point at fraction f lies at pixel coordinate f * size.
    """

    size: tuple[int, int]
    landmarks: tuple[tuple[float, float], ...]


def align(
    image: NDArray[np.uint8], landmarks: NDArray[np.float32], template: AlignmentTemplate
) -> NDArray[np.uint8]:
    """The aligned crop: (height, width, 3) RGB uint8, black where the image ends.

    One similarity warp (turn, scale, shift; never a mirror), bilinear. A face that is more than
    twice as large as in the template is averaged down first, or the warp would pick single pixels.
    Raises ValueError for an image that is not (h, w, 3) uint8 or landmarks that are not five
    distinct finite points.
    """
    import cv2

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"an image is (h, w, 3) uint8, not {image.shape} {image.dtype}")
    target = np.asarray(template.landmarks, dtype=np.float64) * template.size
    source = np.asarray(landmarks, dtype=np.float64)
    matrix = similarity(source, target)
    shrink = int(1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-3))
    if shrink >= 2 and min(image.shape[:2]) >= shrink:
        height, width = image.shape[0] // shrink * shrink, image.shape[1] // shrink * shrink
        image = np.ascontiguousarray(image[:height, :width])
        size = (width // shrink, height // shrink)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = similarity((source + 0.5) / shrink - 0.5, target)
    crop: NDArray[np.uint8] = cv2.warpAffine(
        np.ascontiguousarray(image),
        matrix,
        template.size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0),
    )
    return crop


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (2, 3) matrix that moves `source` (n, 2) onto `target` (n, 2) with least squares.

    Closed form of Umeyama (1991) in the plane, where a point is a complex number and a turn with
    a scale is one complex factor: mirrors are impossible by construction. Raises ValueError for
    points that are not finite or all in one place.
    """
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2:
        raise ValueError(f"points are (n, 2) twice, not {source.shape} and {target.shape}")
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("a landmark is not a finite number")
    from_centre, to_centre = source.mean(axis=0), target.mean(axis=0)
    one, other = source - from_centre, target - to_centre
    spread = float((one**2).sum())
    if spread < 1e-6:
        raise ValueError("all landmarks lie in one place")
    a = float((one * other).sum()) / spread
    b = float((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum()) / spread
    turn = np.array([[a, -b], [b, a]])
    shift = to_centre - turn @ from_centre
    return np.column_stack([turn, shift])
