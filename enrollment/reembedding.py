"""Kept photos seen anew by another backbone.

A kept photo is the face and a margin around it, with the landmarks that the gallery's detector
found in the whole picture. So nothing is detected again, which could only find them less exactly
in a smaller picture: the face is aligned from these landmarks, as it was on the day. Landmarks are
looked for again only where they are not there.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from enrollment.capture import Capture
from enrollment.portrait import open_portrait
from models.alignment import align

Kept = tuple[bytes, Mapping[str, object]]  # a portrait: JPEG bytes, details


def reembed(photos: Sequence[Kept], capture: Capture) -> list[NDArray[np.float32] | None]:
    """One vector a photo, (dimension,) float32 unit length, all embedded in one batch; None where
    the photo cannot be read any more or no face is found in it."""
    crops = [_crop(image, details, capture) for image, details in photos]
    rows = iter(capture.embed([crop for crop in crops if crop is not None]))
    return [None if crop is None else next(rows) for crop in crops]


def _crop(
    image: bytes, details: Mapping[str, object], capture: Capture
) -> NDArray[np.uint8] | None:
    try:
        picture = open_portrait(image)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    landmarks = _landmarks(details)
    if landmarks is None:
        found = capture.find(picture)
        if not found:
            return None
        landmarks = found[0].face.landmarks
    return align(picture, landmarks, capture.backbone.template)


def _landmarks(details: Mapping[str, object]) -> NDArray[np.float32] | None:
    """(5, 2) px; None where there are none that say where a face is."""
    kept = details.get("landmarks")
    if not isinstance(kept, list):
        return None
    points = np.asarray(cast(list[list[float]], kept), np.float32)
    if points.shape != (5, 2) or not np.isfinite(points).all() or float(points.std()) <= 1.0:
        return None
    return points
