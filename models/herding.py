"""Which embeddings stand best for a subject (herding: Rebuffi et al., iCaRL, CVPR 2017)."""

import numpy as np
from numpy.typing import NDArray


def herd(vectors: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Positions of min(k, n) rows whose running mean stays nearest to the mean of all n.

    Args:
        vectors: (n, dimension); n may be smaller than k, which is the usual case here.
    """
    if k < 0:
        raise ValueError(f"k is at least 0, not {k}")
    values = vectors.astype(np.float64)
    mean = values.mean(axis=0) if len(values) else 0.0
    total = np.zeros(values.shape[1])
    left = list(range(len(values)))
    chosen: list[int] = []
    while left and len(chosen) < k:
        running = (total + values[left]) / (len(chosen) + 1)
        best = left[int(np.square(running - mean).sum(axis=1).argmin())]
        total += values[best]
        chosen.append(best)
        left.remove(best)
    return np.asarray(chosen, np.intp)
