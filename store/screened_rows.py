"""The upper rung of the index: half-precision rows behind a screen of one bit a number.

The screen (Gao and Long, "RaBitQ", SIGMOD 2024, as FAISS has it) estimates every cosine from 1/32
of the bytes; the rows that it puts first are compared in half precision. Its error is that of a
random rotation, whatever the embeddings are: so it is known when a row further down could still be
the nearest, and then all rows are compared in half precision. Nothing is learnt from the rows, so
one that was erased has left nothing in how others are kept.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.codes import cut, nbytes

_SEED = 1  # of the rotation; another one would be as good
_QUERY_BITS = 4  # of a probe's numbers, in the screen
_SHORTLIST = 128  # rows of the screen that are compared
# The screen's standard error is .76 / sqrt(dimension), measured and as the paper has it; with five
# of them one row in three million is further off.
_DEVIATIONS = 5 * 0.76
_AT_ONCE = 20_000  # rows


class ScreenedRows:
    """As `FlatRows`; a cosine is at most `error` off, that of rounding to half precision."""

    error = 5e-4  # half a unit in the last place of eleven bits, were they all to one side
    is_exact = False

    def __init__(self, dimension: int) -> None:
        import faiss

        self.dimension = dimension
        self._turn: Any = faiss.HadamardRotation(dimension, _SEED)
        turned = int(self._turn.d_out)
        self._screen: Any = faiss.IndexRaBitQ(turned, faiss.METRIC_INNER_PRODUCT)
        self._screen.qb = _QUERY_BITS
        self._screen.train(np.zeros((1, turned), np.float32))  # the centre: no mean of people
        self._half: Any = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._doubt = _DEVIATIONS / np.sqrt(turned)

    def __len__(self) -> int:
        return int(self._half.ntotal)

    @property
    def nbytes(self) -> int:
        return nbytes(self._half, self._screen)

    def add(self, vectors: NDArray[np.float32]) -> None:
        for begin in range(0, len(vectors), _AT_ONCE):
            some = np.ascontiguousarray(vectors[begin : begin + _AT_ONCE])
            self._half.add(some)
            self._screen.add(self._turn.apply(some))

    def cut(self, holes: NDArray[np.int64], last: NDArray[np.int64], end: int) -> None:
        """As `codes.cut`."""
        cut(self._half, holes, last, end)
        cut(self._screen, holes, last, end)

    def nearest(
        self, probes: NDArray[np.float32], sure: int, count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """As `FlatRows.nearest`."""
        if count > _SHORTLIST or len(self) <= _SHORTLIST:
            scores, positions = self._half.search(probes, count)
            return scores, positions
        estimates, listed = self._screen.search(self._turn.apply(probes), _SHORTLIST)
        # Probe by probe: what one of them lists stays in the processor's cache.
        cosines = np.stack(
            [self.vectors(some) @ probe for some, probe in zip(listed, probes, strict=True)]
        )
        order = np.argsort(-cosines, axis=1)[:, :count]
        scores = np.take_along_axis(cosines, order, axis=1)
        positions = np.take_along_axis(listed, order, axis=1)
        doubtful = estimates[:, -1] + self._doubt > scores[:, sure - 1] - 2 * self.error
        if doubtful.any():
            scores[doubtful], positions[doubtful] = self._half.search(probes[doubtful], count)
        return scores, positions

    def vectors(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Rounded to half precision."""
        rows: NDArray[np.float32] = self._half.reconstruct_batch(positions)
        return rows
