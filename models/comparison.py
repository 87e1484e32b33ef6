"""Closed forms that the head is compared with, and that no gallery is served by.

All grow by one subject at a time, forget exactly, and give (n, subjects) scores, higher is closer;
column i is the i-th of `subject_ids`, which are in the order of arrival.
"""

from collections.abc import Container

import numpy as np
from numpy.typing import NDArray


class NearestTemplate:
    """The best cosine to any embedding of a subject (1-NN): a plain vector index, and no head."""

    def __init__(self) -> None:
        self._vectors: dict[str, NDArray[np.float32]] = {}

    @property
    def subject_ids(self) -> tuple[str, ...]:
        return tuple(self._vectors)

    def add(self, subject_id: str, vectors: NDArray[np.float32]) -> None:
        """A newcomer's (n, dimension) unit rows, n >= 1."""
        _check_newcomer(subject_id, self._vectors, vectors)
        self._vectors[subject_id] = vectors

    def remove(self, subject_id: str) -> None:
        del self._vectors[subject_id]

    def scores(self, probes: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, subjects): cosines."""
        if not self._vectors:
            return np.zeros((len(probes), 0))
        stored = np.concatenate(list(self._vectors.values()))
        starts = np.cumsum([0, *(len(v) for v in self._vectors.values())])[:-1]
        cosines = probes @ stored.T
        return np.maximum.reduceat(cosines, starts, axis=1).astype(np.float64)


class StreamingLda:
    """Linear discriminants with one within-class scatter for all (Hayes and Kanan, Deep SLDA 2020).

    The scatter is that about each subject's own mean, over `sum(n_c - 1)` degrees of freedom. The
    published update starts from ones and counts each class's mean into the scatter, which costs
    2 to 12 points with a few photos a subject (research/head.md 1.3).
    """

    def __init__(self, dimension: int, shrinkage: float = 0.5) -> None:
        self.shrinkage = shrinkage
        self._scatter = np.zeros((dimension, dimension))
        self._means: dict[str, NDArray[np.float64]] = {}
        self._freedom = 0
        self._solved: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None

    @property
    def subject_ids(self) -> tuple[str, ...]:
        return tuple(self._means)

    def add(self, subject_id: str, vectors: NDArray[np.float32]) -> None:
        """A newcomer's (n, dimension) unit rows, n >= 1."""
        _check_newcomer(subject_id, self._means, vectors)
        self._means[subject_id] = vectors.astype(np.float64).mean(axis=0)
        self._count(subject_id, vectors, 1)

    def remove(self, subject_id: str, vectors: NDArray[np.float32]) -> None:
        """Forget a subject. Args: vectors: those it was added with."""
        self._count(subject_id, vectors, -1)
        del self._means[subject_id]

    def _count(self, subject_id: str, vectors: NDArray[np.float32], sign: int) -> None:
        away = vectors.astype(np.float64) - self._means[subject_id]
        self._scatter += sign * (away.T @ away)
        self._freedom += sign * (len(vectors) - 1)
        self._solved = None

    def scores(self, probes: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, subjects): log likelihood ratios, less what all subjects share."""
        weights, offsets = self.weights
        scores: NDArray[np.float64] = probes.astype(np.float64) @ weights - offsets
        return scores

    @property
    def weights(self) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """(dimension, subjects) and (subjects,): solved when first asked for after a change."""
        if self._solved is None:
            means = np.stack(list(self._means.values())) if self._means else self._scatter[:0]
            projected = np.linalg.solve(self._spread(), means.T)
            self._solved = projected, 0.5 * np.einsum("cd,dc->c", means, projected)
        return self._solved

    def _spread(self) -> NDArray[np.float64]:
        """The within-class covariance, shrunk to a sphere; a unit sphere where it has no data."""
        sphere = np.eye(len(self._scatter))
        size = float(np.trace(self._scatter)) / (len(sphere) * max(self._freedom, 1))
        if self._freedom == 0 or size <= 0:
            return sphere
        measured = self._scatter / self._freedom
        spread: NDArray[np.float64] = (
            1 - self.shrinkage
        ) * measured + self.shrinkage * size * sphere
        return spread


class RidgeHead:
    """Ridge regression on a fixed random ReLU projection (McDonnell et al., RanPAC, NeurIPS 2023).

    Two sums are all it knows, `G = sum h h' / n_c` and `Q`, whose column c is the mean of its
    subject's h, so that every subject counts the same. Taking a subject's share away again gives
    the head that never saw it, which makes it the oracle of what forgetting exactly means.
    """

    def __init__(
        self, dimension: int, features: int = 2048, penalty: float = 1.0, seed: int = 0
    ) -> None:
        self.penalty = penalty
        self._projection = np.random.default_rng(seed).normal(size=(dimension, features))
        self._g = np.zeros((features, features))
        self._q: dict[str, NDArray[np.float64]] = {}
        self._solved: NDArray[np.floating] | None = None

    @property
    def subject_ids(self) -> tuple[str, ...]:
        return tuple(self._q)

    def add(self, subject_id: str, vectors: NDArray[np.float32]) -> None:
        """A newcomer's (n, dimension) unit rows, n >= 1."""
        _check_newcomer(subject_id, self._q, vectors)
        hidden = self._hidden(vectors)
        self._count(hidden, 1)
        self._q[subject_id] = hidden.mean(axis=0)

    def remove(self, subject_id: str, vectors: NDArray[np.float32]) -> None:
        """Forget a subject. Args: vectors: those it was added with."""
        del self._q[subject_id]
        self._count(self._hidden(vectors), -1)

    def _count(self, hidden: NDArray[np.float64], sign: int) -> None:
        scaled = hidden / np.sqrt(len(hidden))
        self._g += (sign * scaled).T @ scaled
        self._solved = None

    @property
    def weights(self) -> NDArray[np.floating]:
        """(features, subjects): solved when first asked for after a change."""
        if self._solved is None:
            regular = self._g + self.penalty * np.eye(len(self._g))
            wanted = np.stack(list(self._q.values()), axis=1) if self._q else self._g[:, :0]
            self._solved = np.linalg.solve(regular, wanted)
        return self._solved

    def scores(self, probes: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, subjects): regressed one-hot answers."""
        answers: NDArray[np.float64] = self._hidden(probes) @ self.weights
        return answers

    def _hidden(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.maximum(vectors.astype(np.float64) @ self._projection, 0)


def _check_newcomer(subject_id: str, known: Container[str], vectors: NDArray[np.float32]) -> None:
    if subject_id in known:
        raise ValueError(f"{subject_id} is there already; remove it first")
    if vectors.ndim != 2 or len(vectors) == 0:
        raise ValueError(f"vectors are (n, dimension) with n >= 1, not {vectors.shape}")
