"""The index: which templates are nearest to a probe, exactly, in memory only. `milvus_index.py` has
one that keeps its vectors elsewhere and answers alike.

It has two rungs, and gives the same answers on both: the cosine of a template and a probe, computed
from the template's float32 row, whatever is used to find out whose row is needed. Up to
`EXACT_BYTES` the rows are kept as they are (`FlatRows`), beyond that in half the bytes behind a
screen (`ScreenedRows`).

FAISS takes NaN vectors without complaint, and a saved index has no checksum. So every row passes a
gate here, and the index is never written to disk: it is rebuilt from the database.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from store.codes import moves
from store.errors import BadVector
from store.flat_rows import FlatRows
from store.screened_rows import ScreenedRows
from wording.message import message

if TYPE_CHECKING:
    from store.truth import Holding, Part, Truth

# Of float32 rows: what one thread reads in 50 ms where it reads 16 GB/s, as two shared cores of a
# server were measured to do. A fixed number, so that all processes are on the same rung.
EXACT_BYTES = 800_000_000
Exact = Callable[[Sequence[int]], NDArray[np.float32] | None]
_UNIT_TOLERANCE = 1e-3
_SPARE = 7  # rows beyond those asked for that are looked at, because they may be as near
_MOST_TIES = 1_024
_AT_ONCE = 20_000  # rows


class TemplateIndex:
    """Maps template ids (non-negative int64) to unit float32 vectors of one dimension."""

    is_elsewhere = False
    place: str | None = None  # where it is, for people to read; None: in memory

    def __init__(self, dimension: int, exact_bytes: int = EXACT_BYTES) -> None:
        self.dimension = dimension
        self._exact_bytes = exact_bytes
        self._rows: FlatRows | ScreenedRows = FlatRows(dimension)
        self._position: dict[int, int] = {}
        self._ids = np.empty(0, np.int64)  # by position, and room for more

    def __len__(self) -> int:
        return len(self._position)

    def __contains__(self, template_id: int) -> bool:
        return template_id in self._position

    @property
    def ids(self) -> frozenset[int]:
        return frozenset(self._position)

    @property
    def is_exact(self) -> bool:
        """Are the rows kept as they were given? Else in half precision."""
        return self._rows.is_exact

    @property
    def nbytes(self) -> int:
        """Of the rows, without ids."""
        return self._rows.nbytes

    def expect(self, count: int) -> None:
        """So many rows will come: take the rung that they need at once."""
        if self.is_exact and count * self.dimension * 4 > self._exact_bytes:
            self._climb()

    def another(self) -> "TemplateIndex":
        """An empty one on the same rung."""
        empty = TemplateIndex(self.dimension, self._exact_bytes)
        if not self.is_exact:
            empty._climb()
        return empty

    # What is to be done where the index is elsewhere, see `milvus_index.py`.

    def settle(self, holding: "Holding", *, erasing: bool = False, answering: bool = False) -> None:
        pass

    def check(self) -> None:
        pass

    def drop(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self, ids: Sequence[int], parts: "Iterable[Part]") -> None:
        """Add these ids, whose vectors come in parts. Raises BadVector, as `add`."""
        for some, vectors in parts:
            self.add(some, vectors)

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
        if len(fresh) != len(ids) or min(ids) < 0 or any(i in self._position for i in ids):
            raise BadVector(message("template ids must be new, distinct and not negative"))
        begin = len(self)
        end = begin + len(ids)
        self.expect(end)
        if end > len(self._ids):
            self._ids = np.concatenate([self._ids, np.empty(max(end, 1_024), np.int64)])
        self._rows.add(vectors)
        self._ids[begin:end] = ids
        self._position.update(zip(ids, range(begin, end), strict=True))

    def remove(self, ids: Sequence[int]) -> int:
        """Remove the given ids; ids that are absent are passed over. Returns how many went.

        The rung stays, so that a gallery at the limit does not go to and fro: the next index that
        is made of these rows is on the lower one.
        """
        gone = [self._position.pop(i) for i in set(ids) if i in self._position]
        if gone:
            holes, last = moves(len(self._rows), gone)
            self._rows.cut(holes, last, len(self))
            self._ids[holes] = self._ids[last]
            moved = zip(self._ids[holes].tolist(), holes.tolist(), strict=True)
            self._position.update(moved)
        return len(gone)

    def search(
        self, probes: NDArray[np.float32], k: int, exact: Exact = lambda _: None
    ) -> list[list[tuple[int, float]]]:
        """The k best templates of each probe, best first, as (template id, cosine); of equal ones
        those of the smaller ids.

        Args:
            probes: (n, dimension) float32 unit rows.
            k: how many; fewer come back from a smaller index, none from an empty one.
            exact: gives the float32 rows of ids where the index is not exact; None where they
                cannot be had: then a cosine is at most 5e-4 off.
        """
        check_vectors(probes, len(probes), self.dimension)
        count = min(k, len(self))
        if count == 0 or len(probes) == 0:
            return [[] for _ in range(len(probes))]
        _use_one_thread()
        chosen = self._chosen(np.ascontiguousarray(probes), count)
        rows = self._exact_rows(chosen, exact)
        return [
            best(probe, {i: rows[i] for i in ids}, count)
            for probe, ids in zip(probes, chosen, strict=True)
        ]

    def _chosen(self, probes: NDArray[np.float32], count: int) -> list[list[int]]:
        """For each probe the ids of all rows that may be among its `count` nearest."""
        fetched = min(count + _SPARE, len(self))
        while True:
            scores, positions = self._rows.nearest(probes, count, fetched)
            least = scores[:, count - 1] - 2 * self._rows.error
            if fetched >= min(len(self), count + _MOST_TIES) or (scores[:, -1] < least).all():
                break
            fetched = min(4 * fetched, len(self), count + _MOST_TIES)
        ids = self._ids[positions]
        return [
            row_ids[row_scores >= lowest].tolist()
            for row_ids, row_scores, lowest in zip(ids, scores, least, strict=True)
        ]

    def _exact_rows(
        self, chosen: Sequence[Sequence[int]], exact: Exact
    ) -> dict[int, NDArray[np.float32]]:
        ids = sorted({i for some in chosen for i in some})
        rows = None if self.is_exact else exact(ids)
        return dict(zip(ids, self.vectors(ids) if rows is None else rows, strict=True))

    def vectors(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """(n, dimension) float32: the rows of the given ids, in that order, as they are kept: see
        `is_exact`.

        Raises:
            KeyError: an id is not in the index.
        """
        missing = [i for i in ids if i not in self._position]
        if missing:
            raise KeyError(f"{len(missing)} template ids are not in the index")
        if len(ids) == 0:
            return np.empty((0, self.dimension), np.float32)
        positions = np.fromiter((self._position[i] for i in ids), np.int64, len(ids))
        return np.asarray(self._rows.vectors(positions), np.float32)

    def digest(self) -> str:
        """SHA-256 over ids and vectors in order of id: two indexes of one rung that answer alike
        agree, whatever came and went in them."""
        ids = sorted(self._position)
        summary = hashlib.sha256(np.asarray(ids, np.int64).tobytes())
        for begin in range(0, len(ids), _AT_ONCE):
            summary.update(self.vectors(ids[begin : begin + _AT_ONCE]).tobytes())
        return summary.hexdigest()

    def digests(
        self, ids: Sequence[int], truth: "Truth", progress: Callable[[float], None]
    ) -> tuple[str, str]:
        """Of this one, and of one with these ids that is made from the database.

        Args:
            ids: in order. progress: told of the share that is read; what it raises ends it.
        """
        live, rebuilt = self.digest(), self.another()
        for some, vectors in truth.in_parts(ids):
            rebuilt.add(some, vectors)
            progress(len(rebuilt) / len(ids))
        return live, rebuilt.digest()

    def _climb(self) -> None:
        upper = ScreenedRows(self.dimension)
        for begin in range(0, len(self), _AT_ONCE):
            end = min(begin + _AT_ONCE, len(self))
            upper.add(self._rows.vectors(np.arange(begin, end)))
        self._rows = upper


def _use_one_thread() -> None:
    """Of whoever calls: OpenMP counts for each thread of its own.

    With two, a query takes three times as long on two cores and a batch through BLAS ten times;
    callers that ask at the same time use the cores better.
    """
    import faiss

    faiss.omp_set_num_threads(1)


def best(
    probe: NDArray[np.float32], rows: dict[int, NDArray[np.float32]], count: int
) -> list[tuple[int, float]]:
    """The `count` nearest of these rows by id, best first, and of equal ones the smaller ids."""
    # Added up in float64 and then rounded: the same to the bit on every rung and in every batch.
    cosines = np.stack(list(rows.values())).astype(np.float64) @ probe.astype(np.float64)
    found = sorted(zip(rows, cosines.astype(np.float32).tolist(), strict=True), key=_order)
    return found[:count]


def _order(found: tuple[int, float]) -> tuple[float, int]:
    template_id, cosine = found
    return -cosine, template_id


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
