"""The head: a cosine softmax over the enrolled subjects that grows without training.

`logits = scale * normalise(x) @ rows.T`, one unit row per subject, keyed by subject id. A new
subject's row is imprinted: the normalised mean of the subject's embeddings (Qi, Brown and Lowe,
"Low-Shot Learning with Imprinted Weights", CVPR 2018). Old logits stay the same to the bit, and
after a removal the head is the same to the bit as one that never saw the subject.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

# Scores are computed in blocks of this many rows, empty ones included. A matrix product of a fixed
# shape adds up in a fixed order, so growth cannot move the last bit of an old logit.
_BLOCK = 256


class SoftmaxHead:
    """Rows are unit float32 vectors; the order is that of arrival."""

    def __init__(self, dimension: int, scale: float = 16.0) -> None:
        self.dimension = dimension
        self.scale = scale
        self._rows = np.zeros((_BLOCK, dimension), np.float32)
        self._position: dict[str, int] = {}
        self._ids: tuple[str, ...] | None = ()  # of `_position`; None: to be made anew

    def __len__(self) -> int:
        return len(self._position)

    @property
    def subject_ids(self) -> tuple[str, ...]:
        """In the order of the columns of `scores`."""
        if self._ids is None:
            self._ids = tuple(self._position)
        return self._ids

    @property
    def rows(self) -> NDArray[np.float32]:
        """(subjects, dimension): a copy."""
        return self._rows[: len(self)].copy()

    def row(self, subject_id: str) -> NDArray[np.float32] | None:
        """(dimension,): a copy of one subject's row; None when it has none."""
        position = self._position.get(subject_id)
        return None if position is None else self._rows[position].copy()

    def expand(self, subject_id: str, embeddings: NDArray[np.float32]) -> None:
        """Add a subject, or imprint its row anew from other embeddings.

        Args:
            embeddings: (n, dimension) unit rows, n >= 1.

        Raises:
            ValueError: wrong shape, not finite, or embeddings that cancel each other out.
        """
        self.put(subject_id, imprint(embeddings, self.dimension))

    def put(self, subject_id: str, row: NDArray[np.float32]) -> None:
        """Give a subject this row, (dimension,) float32 of length one."""
        position = self._position.setdefault(subject_id, len(self._position))
        if self._ids is not None and position == len(self._ids):
            self._ids = None
        if position == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[position] = row

    def remove(self, subject_ids: Collection[str]) -> None:
        """Forget subjects; ids that are absent are passed over."""
        gone = [self._position.pop(s) for s in set(subject_ids) if s in self._position]
        if not gone:
            return
        kept = np.delete(np.arange(len(self._position) + len(gone)), gone)
        # Later rows move up by some at a time: a copy of all would take twice the memory.
        for start in range(min(gone), len(kept), _BLOCK):
            some = kept[start : start + _BLOCK]
            self._rows[start : start + len(some)] = self._rows[some]
        self._rows[len(kept) : len(kept) + len(gone)] = 0
        self._position = {s: i for i, s in enumerate(self._position)}
        self._ids = None

    def scores(self, probes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, subjects) float32: the cosine of each probe to each row.

        Args:
            probes: (n, dimension) float32 unit rows.
        """
        if probes.ndim != 2 or probes.shape[1] != self.dimension:
            raise ValueError(f"probes are (n, {self.dimension}), not {probes.shape}")
        blocks = [self._block(probes, start) for start in range(0, max(len(self), 1), _BLOCK)]
        scores: NDArray[np.float32] = np.concatenate(blocks, axis=1)[:, : len(self)]
        return scores

    def score(self, probes: NDArray[np.float32], subject_id: str) -> NDArray[np.float32] | None:
        """(n,): this subject's column of `scores`, to the bit; None when it has no row."""
        position = self._position.get(subject_id)
        if position is None:
            return None
        column: NDArray[np.float32] = self._block(probes, position - position % _BLOCK)[
            :, position % _BLOCK
        ]
        return column

    def _block(self, probes: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        cosines: NDArray[np.float32] = probes @ self._rows[start : start + _BLOCK].T
        return cosines

    def probabilities(self, probes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, subjects) float32: softmax of the scaled scores; each row sums to 1.

        These rank the enrolled subjects among each other. Strangers get high ones too, so they
        never decide whether somebody is known.
        """
        if len(self) == 0:
            return np.zeros((len(probes), 0), np.float32)
        logits = self.scale * self.scores(probes)
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float32] = exponents / exponents.sum(axis=1, keepdims=True)
        return shares


def imprint(embeddings: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """(dimension,) float32: the normalised mean of (n, dimension) embeddings, n >= 1."""
    if embeddings.ndim != 2 or embeddings.shape[1] != dimension or len(embeddings) == 0:
        raise ValueError(f"embeddings are (n, {dimension}) with n >= 1, not {embeddings.shape}")
    mean = embeddings.astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(mean))
    if not np.isfinite(length) or length < 1e-6:
        raise ValueError("the embeddings have no mean direction")
    row: NDArray[np.float32] = (mean / length).astype(np.float32)
    return row
