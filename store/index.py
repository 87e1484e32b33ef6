"""The FAISS index: exact inner product over unit rows, in memory only.

FAISS takes NaN vectors and duplicate ids without complaint, pads answers with id -1, and a saved
index has no checksum. So every row passes a gate here, and the index is never written to disk: it
is rebuilt from the database.
"""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.errors import BadVector
from wording.message import message

_UNIT_TOLERANCE = 1e-3
_FEW = 8


class TemplateIndex:
    """Maps template ids (non-negative int64) to unit float32 vectors of one dimension."""

    def __init__(self, dimension: int) -> None:
        import faiss

        self.dimension = dimension
        self._faiss: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._ids: set[int] = set()

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> frozenset[int]:
        return frozenset(self._ids)

    def add(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Add all rows or none.

        Args:
            ids: n new ids.
            vectors: (n, dimension) float32 unit rows.

        Raises:
            BadVector: wrong shape, not finite, not of unit length, or an id that is taken.
        """
        if len(ids) == 0:
            return
        check_vectors(vectors, len(ids), self.dimension)
        fresh = set(ids)
        if len(fresh) != len(ids) or fresh & self._ids or min(ids) < 0:
            raise BadVector(message("template ids must be new, distinct and not negative"))
        self._faiss.add_with_ids(np.ascontiguousarray(vectors), np.asarray(ids, np.int64))
        self._ids |= fresh

    def remove(self, ids: Sequence[int]) -> int:
        """Remove the given ids; ids that are absent are passed over. Returns how many went."""
        present = sorted(self._ids.intersection(ids))
        if present:
            self._faiss.remove_ids(np.asarray(present, np.int64))
            self._ids.difference_update(present)
        return len(present)

    def search(self, probes: NDArray[np.float32], k: int) -> list[list[tuple[int, float]]]:
        """The k best templates of each probe, best first, as (template id, cosine).

        Args:
            probes: (n, dimension) float32 unit rows.
            k: how many; fewer come back from a smaller index, none from an empty one.
        """
        import faiss

        check_vectors(probes, len(probes), self.dimension)
        count = min(k, len(self))
        if count == 0 or len(probes) == 0:
            return [[] for _ in range(len(probes))]
        # Two threads make a single query slower than one: waking them costs more than they save.
        faiss.omp_set_num_threads(1 if len(probes) < _FEW else os.cpu_count() or 1)
        scores, ids = self._faiss.search(np.ascontiguousarray(probes), count)
        return [
            [(int(i), float(s)) for i, s in zip(row_ids, row_scores, strict=True) if i >= 0]
            for row_ids, row_scores in zip(ids, scores, strict=True)
        ]

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """(n, dimension) float32: the rows of the given ids, in that order.

        Raises:
            KeyError: an id is not in the index.
        """
        missing = set(ids) - self._ids
        if missing:
            raise KeyError(f"{len(missing)} template ids are not in the index")
        if len(ids) == 0:
            return np.empty((0, self.dimension), np.float32)
        rows = self._faiss.reconstruct_batch(np.asarray(ids, np.int64))
        return np.asarray(rows, np.float32)

    def digest(self) -> str:
        """SHA-256 over ids and vectors in order of id: two indexes that answer alike agree."""
        ids = sorted(self._ids)
        summary = hashlib.sha256(np.asarray(ids, np.int64).tobytes())
        summary.update(self.vectors(ids).tobytes())
        return summary.hexdigest()


def check_vectors(vectors: NDArray[np.float32], count: int, dimension: int) -> None:
    """Raises BadVector unless `vectors` is (count, dimension) float32, finite, unit rows."""
    if vectors.dtype != np.float32 or vectors.shape != (count, dimension):
        raise BadVector(
            message(
                "expected float32 of shape ({count}, {dimension}), got {dtype} of shape {shape}",
                count=count,
                dimension=dimension,
                dtype=vectors.dtype,
                shape=vectors.shape,
            )
        )
    if not np.isfinite(vectors).all():
        raise BadVector(message("an embedding holds NaN or infinity"))
    lengths = np.linalg.norm(vectors, axis=1)
    if np.any(np.abs(lengths - 1) > _UNIT_TOLERANCE):
        raise BadVector(message("an embedding is not of unit length"))
