"""The door of every backbone: crops are checked on the way in, embeddings on the way out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from wording.message import message


def check_crops(crops: NDArray[np.uint8], size: tuple[int, int]) -> None:
    """Raises ValueError unless `crops` is (n, height, width, 3) uint8 of `size` (width, height)."""
    expected = (size[1], size[0], 3)
    if crops.ndim != 4 or crops.shape[1:] != expected or crops.dtype != np.uint8:
        raise ValueError(
            f"crops are (n, {size[1]}, {size[0]}, 3) uint8, not {crops.shape} {crops.dtype}"
        )


def unit_rows(rows: NDArray[np.floating], count: int, dimension: int) -> NDArray[np.float32]:
    """`rows` as (count, dimension) float32 of length 1.

    Raises ModelError for another shape, a number that is not finite, or a row of zeros.
    """
    if rows.shape != (count, dimension):
        raise ModelError(
            message(
                "the backbone gave {shape} for {count} crops of {dimension}",
                shape=rows.shape,
                count=count,
                dimension=dimension,
            )
        )
    wide = rows.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.isfinite(wide).all() or (norms < 1e-12).any():
        raise ModelError(
            message(
                "the backbone gave an embedding that is zero or not finite: its weights are "
                "damaged or the crop is empty"
            )
        )
    return np.ascontiguousarray((wide / norms).astype(np.float32))
