"""The enrolled as recognition sees them: the gallery's index and the head, kept in step."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.cohort import Cohort, Kind, lowering_of
from enrollment.tally import Tally
from models.head import SoftmaxHead
from models.head_file import HeadArrays
from store.gallery import Gallery
from store.records import Subject, Templates

_NEIGHBOURS = 5


@dataclass(frozen=True)
class Ranking:
    """How near one probe is to the enrolled.

    subject_ids, scores: the head's best subjects, best first, the cosine less `lowered`.
    lowered: what the cohort takes from every cosine of this probe, 0 without a cohort.
    head_agrees: the index's nearest template belongs to the head's best subject; None when nobody
        is enrolled.
    """

    subject_ids: tuple[str, ...]
    scores: tuple[float, ...]
    head_agrees: bool | None
    lowered: float = 0.0

    @property
    def cosines(self) -> tuple[float, ...]:
        return tuple(score + self.lowered for score in self.scores)


class Roster:
    """Follows the gallery by generation; every answer is about its newest state.

    A subject's row is the champion's, where one was trained from just the templates the subject has
    now; else it is imprinted from them.
    """

    def __init__(
        self,
        gallery: Gallery,
        champion: Callable[[], HeadArrays | None] = lambda: None,
        cohort: Callable[[], Cohort | None] = lambda: None,
        tally: Tally | None = None,
    ) -> None:
        self._gallery = gallery
        self._tally = tally or Tally()
        self._champion = champion
        self._cohort = cohort
        self._head = SoftmaxHead(gallery.facts.dimension)
        self._rows_from: dict[str, tuple[int, ...]] = {}
        self._trained: HeadArrays | None = None
        self._subjects: dict[str, Subject] = {}
        self._generation = -1
        self._renewed: set[str] = set()
        self._masked: str | None = None
        self._enrolled = np.empty(0, bool)
        self._lock = threading.RLock()

    @property
    def generation(self) -> int:
        return self._generation

    def refresh(self) -> None:
        """Renew the rows of subjects whose templates changed, and drop those that are gone."""
        with self._lock:
            if self._gallery.refresh() == self._generation:
                return
            grown = self._gallery.grown_since(self._generation)
            if grown is None:
                self._look_at_everything()
            else:
                self._grow(grown)

    def _grow(self, subject_ids: frozenset[str]) -> None:
        """Follow changes that only added templates, whatever the size of the gallery."""
        found = self._gallery.templates_of(subject_ids)
        self._follow(found)
        self._subjects |= self._gallery.some_subjects(subject_ids)
        self._generation = found.generation

    def _look_at_everything(self) -> None:
        found = self._gallery.templates()
        self._follow_champion()
        present = set(found.subject_ids)
        gone = [s for s in self._head.subject_ids if s not in present]
        self._head.remove(gone)
        if gone:
            self._masked = None
        for subject_id in self._rows_from.keys() - present:
            del self._rows_from[subject_id]
        self._follow(found)
        self._subjects = self._gallery.subjects()
        self._generation = found.generation

    def _follow(self, found: Templates) -> None:
        """Renew the rows of those subjects whose templates are others than their rows' were."""
        positions: dict[str, list[int]] = defaultdict(list)
        for i, subject_id in enumerate(found.subject_ids):
            positions[subject_id].append(i)
        for subject_id, where in positions.items():
            ids = tuple(found.ids[i] for i in where)
            if self._rows_from.get(subject_id) != ids:
                self._renew(subject_id, ids, found.vectors[where])
                self._rows_from[subject_id] = ids

    def _follow_champion(self) -> None:
        champion = self._champion()
        if champion is not self._trained:
            self._trained = champion
            self._rows_from = {}

    def _renew(
        self, subject_id: str, template_ids: tuple[int, ...], vectors: NDArray[np.float32]
    ) -> None:
        self._renewed.add(subject_id)
        row = self._trained.row_of(subject_id, template_ids) if self._trained else None
        if row is None:
            self._head.expand(subject_id, vectors)
        else:
            self._head.put(subject_id, row)

    @contextmanager
    def held(self) -> Iterator[None]:
        """For a change of the gallery that asks the roster inside: in this order, as searches do
        it, for one of two who take two locks in different orders waits for ever."""
        with self._lock:
            yield

    @property
    def size(self) -> int:
        """How many subjects can be found."""
        self.refresh()
        return len(self._head)

    def subject(self, subject_id: str) -> Subject:
        return self._subjects[subject_id]

    def rank(self, probes: NDArray[np.float32], most: int = _NEIGHBOURS) -> list[Ranking]:
        """One ranking a probe.

        Args:
            probes: (n, dimension) float32 unit rows.
        """
        if len(probes) == 0:
            self.refresh()
            return []
        with self._tally.searching(len(probes)):
            return self._rank(probes, most)

    def _rank(self, probes: NDArray[np.float32], most: int) -> list[Ranking]:
        with self._lock:
            self.refresh()
            names = self._head.subject_ids
            scores = self._head.scores(probes)
            nearest = self._gallery.search(probes, 1)
        lowered = self.lowering(probes)
        rankings = []
        for row, matches, lower in zip(scores, nearest, lowered, strict=True):
            best = np.argsort(-row, kind="stable")[:most]
            ids = tuple(names[i] for i in best)
            agrees = matches[0].subject_id == ids[0] if ids and matches else None
            found = tuple(float(row[i] - lower) for i in best)
            rankings.append(Ranking(ids, found, agrees, float(lower)))
        return rankings

    def lowering(self, probes: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n,): what the cohort takes from the cosines of (n, dimension) unit rows."""
        return lowering_of(self.cohort())(probes)

    def cohort(self) -> Cohort | None:
        """The cohort that serves: less those strangers who have been enrolled since.

        They would take from their own scores. A centroid is too few of anybody to find or to harm.
        """
        with self._lock:
            self.refresh()
            cohort = self._cohort()
            if cohort is None or cohort.kind is Kind.CENTROIDS:
                return cohort
            names = self._head.subject_ids
            if self._masked != cohort.digest:
                self._masked, self._renewed = cohort.digest, set(names)
                self._enrolled = np.zeros(len(cohort.vectors), bool)
            new = [i for i, name in enumerate(names) if name in self._renewed]
            if new:
                cosines = cohort.vectors @ self._head.rows[new].T
                self._enrolled |= (cosines >= cohort.enrolled_from).any(axis=1)
            self._renewed = set()
            return cohort.without(self._enrolled)

    def score(self, probe: NDArray[np.float32], subject_id: str) -> float | None:
        """As `rank`, of (dimension,) with one subject; None when it has no row."""
        with self._lock:
            self.refresh()
            if subject_id not in self._head.subject_ids:
                return None
            column = self._head.subject_ids.index(subject_id)
            cosine = float(self._head.scores(probe[None])[0, column])
        return cosine - float(self.lowering(probe[None])[0])

    def nearest_cosines(self, probes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,): of each of (n, dimension) unit rows, the cosine to the nearest row; -1 for none."""
        with self._lock:
            self.refresh()
            if len(self._head) == 0 or len(probes) == 0:
                return np.full(len(probes), -1.0, np.float32)
            return np.asarray(self._head.scores(probes).max(axis=1))

    def row(self, subject_id: str) -> NDArray[np.float32] | None:
        """(dimension,): what stands for one subject; None when it cannot be found."""
        with self._lock:
            self.refresh()
            return self._head.row(subject_id)

    def rows(self) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """The subjects who can be found, and (n, dimension): a copy of what stands for each."""
        with self._lock:
            self.refresh()
            return self._head.subject_ids, self._head.rows

    def likeness(self, one: str, other: str) -> float | None:
        """The cosine between two subjects' rows; None when one of them has no row."""
        with self._lock:
            self.refresh()
            names = self._head.subject_ids
            if one not in names or other not in names:
                return None
            rows = self._head.rows
            return float(rows[names.index(one)] @ rows[names.index(other)])
