"""How much each number of a cosine head matters: the exact diagonal of its Fisher information.

Elastic Weight Consolidation (Kirkpatrick et al., PNAS 2017) weighs its penalty with it. The
gradients of mini-batches, which most implementations square instead, are another quantity (van de
Ven, arXiv 2502.11756); for this head the exact one is a closed form and two matrix products.
"""

import numpy as np
from numpy.typing import NDArray


def diagonal_fisher(
    rows: NDArray[np.float32], vectors: NDArray[np.float32], scale: float
) -> NDArray[np.float64]:
    """(rows, dimension): E over vectors and over the head's own answers of the squared gradient.

    `scale^2 / |w|^2 * E[q (x - c w/|w|)^2]` with cosine c, p = softmax(scale c), q = p (1 - p).

    Args:
        rows: (rows, dimension), any length but zero; vectors: (n, dimension) unit rows, n >= 1.
    """
    x = vectors.astype(np.float64)
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    unit = rows / lengths
    cosines = x @ unit.T
    logits = scale * cosines
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    q = shares * (1 - shares)
    squared = q.T @ np.square(x)
    mixed = (q * cosines).T @ x
    own = (q * np.square(cosines)).sum(axis=0)[:, None]
    expected = (squared - 2 * unit * mixed + np.square(unit) * own) / len(x)
    fisher: NDArray[np.float64] = np.maximum(np.square(scale / lengths) * expected, 0)
    return fisher


def online_fisher(
    before: NDArray[np.float64], now: NDArray[np.float64], decay: float = 0.9
) -> NDArray[np.float64]:
    """The running importance of online EWC (Schwarz et al. 2018): decay * before + now."""
    return decay * before + now
