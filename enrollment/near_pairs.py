"""Colleagues who are near each other (twins, relatives): named apart only by a clear margin.

One threshold for all says nothing about two people who are both above it. So for each pair whose
rows are as near as one person's could be, a probe that is nearest to one of them must be nearer to
her than to the other by what their own photos say is needed; else the answer is unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.head import imprint

_CHUNK = 512
_MOST = 50  # pairs that are looked at, the nearest first


@dataclass(frozen=True)
class NearPair:
    """one, other: subject ids; likeness: the cosine of their rows; margin: by how much a probe
    must be nearer to one of them."""

    one: str
    other: str
    likeness: float
    margin: float


def near_pairs(
    vectors: NDArray[np.float32], subject_ids: Sequence[str], from_likeness: float
) -> tuple[NearPair, ...]:
    """The pairs whose rows' cosine is `from_likeness` or more, the nearest first.

    Args:
        vectors: (n, dimension) unit rows; subject_ids: whose each one is.
    """
    names, owner = np.unique(np.asarray(subject_ids, str), return_inverse=True)
    if len(names) < 2:
        return ()
    sums = np.zeros((len(names), vectors.shape[1]), np.float32)
    np.add.at(sums, owner, vectors)
    rows = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    found = []
    for alike, i, j in sorted(_near(rows, from_likeness), reverse=True)[:_MOST]:
        mine, theirs = vectors[owner == i], vectors[owner == j]
        margin = _margin(np.concatenate([_margins(mine, rows[j]), _margins(theirs, rows[i])]))
        found.append(NearPair(str(names[i]), str(names[j]), alike, margin))
    return tuple(found)


def _near(rows: NDArray[np.float32], from_likeness: float) -> Iterator[tuple[float, int, int]]:
    """(cosine, i, j) of the pairs, i < j."""
    for start in range(0, len(rows), _CHUNK):
        cosines = rows[start : start + _CHUNK] @ rows.T
        for i, j in zip(*np.nonzero(cosines >= from_likeness), strict=True):
            if start + i < j:
                yield float(cosines[i, j]), int(start + i), int(j)


def _margins(photos: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """By how much each photo is nearer to its own row, made of the others, than to the other."""
    if len(photos) < 2:
        return np.empty(0)
    own = [
        float(photo @ imprint(np.delete(photos, i, axis=0), photos.shape[1]))
        for i, photo in enumerate(photos)
    ]
    return np.asarray(np.asarray(own) - (photos @ other), np.float64)


def _margin(margins: NDArray[np.float64]) -> float:
    """As much as the worst mistake among their own photos, and half of what is usual at least.

    People of one photo each say nothing: no margin is enough, so infinity would be honest, and one
    of them would never be found. They are told apart by the nearest alone, and the pair is listed.
    """
    if not len(margins):
        return 0.0
    return float(max(-margins.min(), 0.5 * np.median(margins), 0.0))


def needed_margins(pairs: Sequence[NearPair]) -> Mapping[frozenset[str], float]:
    """The margin by the two subject ids."""
    return {frozenset((pair.one, pair.other)): pair.margin for pair in pairs}
