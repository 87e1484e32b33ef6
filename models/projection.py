"""Many dimensions as two, so that people can look at them."""

import numpy as np
from numpy.typing import NDArray

# t-SNE takes 0.3 s of one core for 60 rows of 256 dimensions, 1.8 s for 300, 5.6 s for 1,000 and
# 12 s for 2,000 (scikit-learn 1.9, and 2 s for its import); PCA takes 0.2 s for 10,000.
MOST_TSNE = 2_000
_LEAST_TSNE = 5
_PERPLEXITY = 30.0
SECONDS_PER_ROW = 0.006
TSNE, PCA = "t-SNE", "PCA"


def method_for(count: int) -> str:
    """How `project` lays out this many rows: `TSNE` or `PCA`."""
    return TSNE if _LEAST_TSNE <= count <= MOST_TSNE else PCA


def project(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 2): rows that are alike lie near each other; the same rows always lie in the same places.

    t-SNE by cosines, from where PCA puts the rows; PCA alone where rows are very few or many.

    Args:
        rows: (n, dimension) unit rows, n >= 0.

    Raises:
        ValueError: the rows are no matrix.
    """
    if rows.ndim != 2:
        raise ValueError(f"rows are (n, dimension), not {rows.shape}")
    laid_out = _tsne(rows) if method_for(len(rows)) == TSNE else _pca(rows)
    return _fitted(laid_out)


def _pca(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    centred = rows.astype(np.float64)
    centred -= centred.mean(axis=0) if len(rows) else 0.0
    _, axes = np.linalg.eigh(centred.T @ centred)
    first = axes[:, ::-1][:, :2]
    if first.shape[1] < 2:
        first = np.pad(first, ((0, 0), (0, 2 - first.shape[1])))
    # An axis has no direction of its own: its largest part points upwards.
    at = np.abs(first).argmax(axis=0)
    signs = np.where(first[at, [0, 1]] < 0, -1.0, 1.0)
    return np.asarray(centred @ (first * signs))


def _tsne(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    from sklearn import manifold
    from threadpoolctl import threadpool_limits

    start = _pca(rows)
    spread = float(start[:, 0].std())
    if spread < 1e-9:
        return start  # everybody is the same, and nothing tells them apart
    layout = manifold.TSNE(
        2,
        perplexity=min(_PERPLEXITY, (len(rows) - 1) / 3),
        metric="cosine",
        init=(start / spread * 1e-4).astype(np.float32),
        random_state=0,
    )
    # Threads that wait for each other in a busy loop take ten times as long on a busy machine, and
    # add up in another order each time.
    with threadpool_limits(1, user_api="openmp"):
        return np.asarray(layout.fit_transform(rows), np.float64)


def _fitted(laid_out: NDArray[np.float64]) -> NDArray[np.float64]:
    """Into a square of -1..1, with its middle in the middle."""
    if not len(laid_out):
        return laid_out
    low, high = laid_out.min(axis=0), laid_out.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-9)
    return np.asarray((laid_out - (low + high) / 2) / half)
