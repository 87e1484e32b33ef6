"""Are two crops the same picture, saved twice?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIDE = 56
_PATCH = slice(10, 46)
_SCALES = (0.84, 0.88, 0.92, 0.96, 1.0, 1.04, 1.08, 1.12, 1.16)


def likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """How much two aligned crops, (h, w, 3) RGB uint8, are one picture: -1..1.

    The best normalised correlation of the middle of `one` with `other`, over small shifts and
    scales: a detector puts the landmarks of the same photo elsewhere once it was saved at another
    size. At half and 1.6 times the size YuNet moves one by a tenth of the eyes' distance or more
    in 77 % of photos, and in half of them by 0.13 or more (`python -m benchmarks.likeness`).
    """
    import cv2

    patch = _grey(one)[_PATCH, _PATCH]
    field = _grey(other)
    best = -1.0
    for scale in _SCALES:
        side = round(_SIDE * scale)
        sized = cv2.resize(field, (side, side), interpolation=cv2.INTER_AREA)
        best = max(best, float(cv2.matchTemplate(sized, patch, cv2.TM_CCOEFF_NORMED).max()))
    return best


def _grey(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    import cv2

    grey = cv2.resize(
        cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA
    )
    # A one-coloured patch has no correlation with anything; a whisper of noise keeps it defined.
    return np.asarray(grey, np.float32) + np.float32(1e-3) * np.eye(_SIDE, dtype=np.float32)
