"""Many people's vectors as averages of a few each, so that no row is anybody's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def microaggregate(vectors: NDArray[np.float32], least: int) -> NDArray[np.float32]:
    """The normalised mean of each group of `least` alike vectors; none is in two groups.

    MDAV (Domingo-Ferrer and Torra 2005) on the sphere: the vector farthest from the mean of those
    that are left takes its `least` - 1 nearest with it. What cannot fill two more groups is one.

    Args:
        vectors: (n, d) unit rows; least: how many people a row averages at least, >= 1.

    Returns:
        (n // least, d) unit rows; (0, d) for fewer than `least` vectors.
    """
    left = np.arange(len(vectors))
    means = []
    while len(left) >= 2 * least:
        here = vectors[left]
        farthest = int((here @ here.mean(axis=0)).argmin())
        group = np.argsort(-(here @ here[farthest]), kind="stable")[:least]
        means.append(here[group].mean(axis=0))
        left = np.delete(left, group)
    if len(left) >= least:
        means.append(vectors[left].mean(axis=0))
    if not means:
        return np.empty((0, vectors.shape[1]), np.float32)
    rows = np.stack(means)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32, copy=False)
