"""The lowest rung of the index: float32 rows, every one of them compared."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.codes import cut, nbytes


class FlatRows:
    """Rows by position. `error`: how far a cosine of `nearest` may be from the true one."""

    error = 1e-5  # what the order of adding up moves, of 4,096 numbers
    is_exact = True

    def __init__(self, dimension: int) -> None:
        import faiss

        self.dimension = dimension
        self._rows: Any = faiss.IndexFlatIP(dimension)
        # FAISS's own path is 2 to 4.5 times slower than BLAS on batches of 4 to 16 probes.
        faiss.cvar.distance_compute_blas_threshold = 2 * dimension

    def __len__(self) -> int:
        return int(self._rows.ntotal)

    @property
    def nbytes(self) -> int:
        return nbytes(self._rows)

    def add(self, vectors: NDArray[np.float32]) -> None:
        self._rows.add(np.ascontiguousarray(vectors))

    def cut(self, holes: NDArray[np.int64], last: NDArray[np.int64], end: int) -> None:
        """As `codes.cut`."""
        cut(self._rows, holes, last, end)

    def nearest(
        self, probes: NDArray[np.float32], sure: int, count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Cosines and positions, (n, count) each, best first; what is as near as the first `sure`
        of them, give or take the error, is among them if there is room."""
        scores, positions = self._rows.search(probes, count)
        return scores, positions

    def vectors(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = self._rows.reconstruct_batch(positions)
        return rows
