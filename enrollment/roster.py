"""The enrolled as recognition sees them: the gallery's index and the head, kept in step."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enrollment.cohort import Cohort, Kind, lowering_of
from enrollment.tally import Tally
from models.head import SoftmaxHead
from models.head_file import HeadArrays
from store.change import moved
from store.gallery import Gallery
from store.records import Subject, Templates

_NEIGHBOURS = 5
_AT_ONCE = 10_000  # subjects


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
        self.fingerprint = gallery.facts.fingerprint  # of the only embeddings it understands
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
        """Renew the rows of subjects whose templates changed, and drop those that are gone.

        Raises:
            BackboneMoved: the gallery has another backbone by now; this roster is of no more use.
        """
        with self._lock:
            while (reached := self._reached()) != self._generation:
                changed = self._changed()
                if changed is None:
                    self._look_at_everything()
                else:
                    self._look_at(changed, reached)

    def _reached(self) -> int:
        reached = self._gallery.refresh()
        self.check_backbone()
        return reached

    def check_backbone(self) -> None:
        """To be asked after the gallery was: it follows a move at once, and what it answers then is
        of another backbone than the question. Raises BackboneMoved."""
        if self._gallery.facts.fingerprint != self.fingerprint:
            raise moved(self._gallery.facts)

    def _changed(self) -> frozenset[str] | None:
        """Whom to look at; None: everybody."""
        grown = self._gallery.grown_since(self._generation)
        if grown is None and self._champion() is self._trained:
            return self._gallery.changed_since(self._generation)
        return grown

    def _look_at(self, subject_ids: frozenset[str], reached: int) -> None:
        """Follow what changed, whatever the size of the gallery."""
        found = self._gallery.templates_of(subject_ids)
        self.check_backbone()
        if found.generation != reached:
            return  # more has changed meanwhile
        here = self._gallery.some_subjects(subject_ids)
        self._drop(subject_ids.difference(found.subject_ids))
        self._follow(found)
        for subject_id in subject_ids - here.keys():
            self._subjects.pop(subject_id, None)
        counts = Counter(found.subject_ids)  # with those of who was merged into them
        for subject_id, subject in here.items():
            templates = counts.get(subject_id, subject.templates)
            self._subjects[subject_id] = replace(subject, templates=templates)
        self._generation = reached

    def _look_at_everything(self) -> None:
        self._follow_champion()
        present: set[str] = set()
        reached = self._generation
        for found in self._gallery.templates_in_parts():
            self.check_backbone()
            self._follow(found)
            present.update(found.subject_ids)
            reached = found.generation
        self._drop(set(self._head.subject_ids) - present)
        self._subjects = self._gallery.subjects()
        self._generation = reached

    def _drop(self, subject_ids: Collection[str]) -> None:
        gone = [subject_id for subject_id in subject_ids if self._head.row(subject_id) is not None]
        self._head.remove(gone)
        if gone:
            self._masked = None
        for subject_id in subject_ids:
            self._rows_from.pop(subject_id, None)

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
        it, for one of two who take two locks in different orders waits for ever.

        Raises:
            DatabaseAway: the change could not be made; searches did not wait for that.
        """
        self._gallery.wait_for_database()
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
            self.check_backbone()
        lowered = self.lowering(probes)
        rankings = []
        for row, matches, lower in zip(scores, nearest, lowered, strict=True):
            best = _best(row, most)
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
            if self._masked != cohort.digest:
                self._masked, self._renewed = cohort.digest, set(self._head.subject_ids)
                self._enrolled = np.zeros(len(cohort.vectors), bool)
            for some in _chunked(self._renewed, _AT_ONCE):
                rows = [row for row in map(self._head.row, some) if row is not None]
                if rows:
                    cosines = cohort.vectors @ np.stack(rows).T
                    self._enrolled |= (cosines >= cohort.enrolled_from).any(axis=1)
            self._renewed = set()
            return cohort.without(self._enrolled)

    def score(self, probe: NDArray[np.float32], subject_id: str) -> float | None:
        """As `rank`, of (dimension,) with one subject; None when it has no row."""
        with self._lock:
            self.refresh()
            column = self._head.score(probe[None], subject_id)
        return None if column is None else float(column[0]) - float(self.lowering(probe[None])[0])

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
            row, other_row = self._head.row(one), self._head.row(other)
        return None if row is None or other_row is None else float(row @ other_row)


def _best(scores: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Where the highest are, best first, and of equal ones the first."""
    if len(scores) > most:
        least = np.partition(scores, -most)[-most]
        among = np.flatnonzero(scores >= least)
    else:
        among = np.arange(len(scores))
    best: NDArray[np.int64] = among[np.argsort(-scores[among], kind="stable")[:most]]
    return best


def _chunked(ids: Collection[str], size: int) -> Iterator[list[str]]:
    listed = sorted(ids)
    for begin in range(0, len(listed), size):
        yield listed[begin : begin + size]
