"""Keeps the operating point true to the gallery, the head, the cohort and what people rejected."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import (
    Needed,
    OperatingPoint,
    Trials,
    leave_subjects_out,
    needed_for,
    point_to_store,
    stored_point,
    stranger_trials,
)
from enrollment.champion import Champion, strangers_of
from enrollment.cohort import Cohort, Kind, formula_of, lowering_of
from enrollment.errors import BadInput
from enrollment.measurement import Measurement
from enrollment.near_pairs import near_pairs
from enrollment.roster import Ranking, Roster
from enrollment.steadiness import before, steadied, steady_threshold
from enrollment.what_if import WhatIf, what_if
from models.backbone import ScorePriors
from store.gallery import Gallery
from store.records import StoredHead
from wording.message import message

LEAST_RATE = 1e-6  # no gallery can tell less apart
_GROWTH = 0.02


class Calibrator:
    """Measures operating points of one gallery and stores them.

    priors: the backbone's, opened only when somebody is enrolled.
    """

    def __init__(
        self,
        gallery: Gallery,
        roster: Callable[[], Roster],
        champion: Champion,
        priors: Callable[[], ScorePriors],
        actor: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gallery = gallery
        self._roster = roster
        self._champion = champion
        self._priors = priors
        self._actor = actor
        self._now = now
        self._point: OperatingPoint | None = None
        self._counted: Measurement | None = None
        self._lock = threading.RLock()
        self._measuring = threading.Lock()

    def point(self) -> OperatingPoint:
        """The one of the gallery as it is now; measured if the gallery has changed since.

        Not for every newcomer: the rate of strangers named grows as the gallery does, so 2 % more
        people turn 1 % into 1.02 %, and nobody at the door waits for that to be measured.
        """
        with self._lock:
            generation = self._gallery.generation()
            if self._point is None or not self._holds(self._point, generation):
                # Not kept: a search waits for no writer.
                self._point = self._stored(generation) or self._steadied(self._gallery.max_fpir())
            return self._point

    def _stored(self, generation: int) -> OperatingPoint | None:
        """The kept one, if it is of this generation and of scores as they are made now."""
        points = self._gallery.newest_operating_points(1)
        if not points or points[0].generation != generation:
            return None
        point = stored_point(points[0].details)
        if point.subjects and point.score != formula_of(self._roster().cohort()):
            return None
        return point

    def _holds(self, point: OperatingPoint, generation: int) -> bool:
        if point.generation == generation:
            return True
        grown = self._gallery.grown_since(point.generation)
        return grown is not None and len(grown) <= _GROWTH * self._roster().size

    def follow(self) -> OperatingPoint:
        """Measure after a change, go towards it steadily, and keep it."""
        with self._lock:
            return self._keep(self._steadied(self._gallery.max_fpir()), None)

    def measure(
        self, max_fpir: float | None, strangers: NDArray[np.float32] | None
    ) -> OperatingPoint:
        """Measure because a person asks for it: the threshold is what was measured, at once.

        Args:
            max_fpir: 0 < rate <= 0.5; None keeps the one asked for before.
            strangers: (n, dimension) unit rows of people who are not enrolled; None leaves subjects
                out in turn.
        """
        if max_fpir is not None:
            _check(max_fpir)
        with self._lock:
            point, _ = self._measured(max_fpir or self._gallery.max_fpir(), strangers)
            return self._keep(point, max_fpir)

    def history(self) -> list[tuple[datetime, OperatingPoint]]:
        """Every operating point that was kept, oldest first."""
        return [(p.created_at, stored_point(p.details)) for p in self._gallery.operating_points()]

    def newest(self, most: int) -> list[tuple[datetime, OperatingPoint]]:
        """As `history`, of the newest alone."""
        points = self._gallery.newest_operating_points(most)
        return [(p.created_at, stored_point(p.details)) for p in points]

    def _keep(self, point: OperatingPoint, max_fpir: float | None) -> OperatingPoint:
        with self._gallery.change(self._actor, raises_generation=False) as change:
            if change.generation == point.generation:
                change.add_operating_point(
                    generation=point.generation,
                    threshold=point.threshold,
                    max_fpir=point.max_fpir,
                    details=point_to_store(point),
                )
            if max_fpir is not None:
                change.set_max_fpir(max_fpir)
        self._point = point
        return point

    def steady(self, measured: OperatingPoint) -> float:
        """The threshold that serves where this was measured: see `steady_threshold`."""
        mine = self._gallery.facts.fingerprint
        points = [p for p in self._gallery.operating_points() if p.fingerprint == mine]
        return steady_threshold(measured, before(points, self._now()))

    def _steadied(self, max_fpir: float) -> OperatingPoint:
        point, trials = self._measured(max_fpir, None)
        return steadied(point, self.steady(point), trials)

    # -- measuring ----------------------------------------------------------------------------

    def what_if(self, max_fpir: float) -> WhatIf:
        """What another rate would give and change; nothing is kept.

        Args:
            max_fpir: 0 < rate <= 0.5.
        """
        _check(max_fpir)
        present = self.point()
        return what_if(self._measurement(), present, max_fpir)

    def needed_for(self, point: OperatingPoint) -> Needed:
        """What is missing where this one promises nothing."""
        cohort = self._roster().cohort()
        tail = cohort.tail if cohort else None
        return needed_for(point.max_fpir, point.subjects, point.n_nonmated, tail)

    def _measured(
        self, max_fpir: float, strangers: NDArray[np.float32] | None
    ) -> tuple[OperatingPoint, Trials]:
        """The operating point, and the searches that its rates were counted in."""
        measurement = self._measurement()
        if strangers is not None and measurement.left_out.subjects:
            return self._by_strangers(measurement, max_fpir, strangers)
        return measurement.point(max_fpir)

    def _measurement(self) -> Measurement:
        """Of the gallery as it is now: searches are made once a generation, for every rate."""
        # A lock of its own: who asks what would be is not waited for by who asks what is.
        with self._measuring:
            known = self._counted
            if known is None or known.generation != self._gallery.generation():
                self._counted = known = self._count()
            return known

    def _count(self) -> Measurement:
        templates = self._gallery.templates()
        if not templates.ids:
            # An empty gallery names nobody at any threshold: do not load a backbone to say so.
            nobody = leave_subjects_out(templates.vectors, ())
            return Measurement(nobody, templates.generation, prior=1.0)
        priors, cohort = self._priors(), self._roster().cohort()
        left_out = leave_subjects_out(templates.vectors, templates.subject_ids, lowering_of(cohort))
        trials = self._with_negatives(left_out)
        head = self._gallery.champion()
        trained = head if self._champion.trained() is not None else None
        return Measurement(
            trials,
            templates.generation,
            prior=priors.threshold,
            tail=cohort.tail if cohort else None,
            score=formula_of(cohort),
            near=near_pairs(templates.vectors, templates.subject_ids, priors.collision),
            by_cohort=self._by_cohort(trials, cohort),
            by_trainings=_by_trainings(trials, trained),
            head_id=trained.head_id if trained else None,
        )

    def _by_strangers(
        self, measurement: Measurement, max_fpir: float, strangers: NDArray[np.float32]
    ) -> tuple[OperatingPoint, Trials]:
        """Enough strangers speak alone where a gallery is too small to; else the stricter."""
        trials = measurement.left_out
        point = measurement.point_of(trials, max_fpir)
        by_them = _searched(trials, self._roster().rank(strangers, most=1))
        alone = measurement.point_of(by_them, max_fpir)
        if alone.promise == "kept" and point.promise != "kept":
            return alone, by_them
        if alone.threshold >= point.threshold:
            return replace(alone, promise=_better(alone, point)), by_them
        return replace(point, promise=_better(alone, point)), trials

    def _by_cohort(self, trials: Trials, cohort: Cohort | None) -> Trials | None:
        """Each stranger of the cohort in turn, measured against the others of it."""
        if cohort is None or cohort.kind is not Kind.VECTORS:
            return None
        rankings = self._roster().rank(cohort.vectors, most=1)
        lowered = cohort.own_lowering()
        fair = [
            replace(r, scores=tuple(c - low for c in r.cosines), lowered=low)
            for r, low in zip(rankings, lowered.tolist(), strict=True)
        ]
        return _searched(trials, fair)

    def _with_negatives(self, trials: Trials) -> Trials:
        """Faces that people said no to are strangers, too: to everybody, or to one subject.

        A stranger who was hired since is none, and would turn the colleague away; of a face that
        is not Anna it is only known that Anna is wrong.
        """
        negatives = self._gallery.negatives()
        if not len(negatives.vectors):
            return trials
        rankings = self._roster().rank(negatives.vectors, most=1)
        scores, named = _served(rankings)
        hired = [ranking.cosines[0] >= self._priors().collision for ranking in rankings]
        counts = np.asarray(
            [
                not_whom == name or (not_whom is None and not colleague)
                for not_whom, name, colleague in zip(
                    negatives.subject_ids, named, hired, strict=True
                )
            ]
        )
        return replace(
            trials,
            nonmated=np.concatenate([trials.nonmated, scores[counts]]),
            weights=np.concatenate([trials.weights, np.ones(counts.sum())]),
            named=None if trials.named is None else np.concatenate([trials.named, named[counts]]),
            nonmated_of=(
                None
                if trials.nonmated_of is None
                else np.concatenate([trials.nonmated_of, np.full(counts.sum(), "")])
            ),
        )


def _by_trainings(trials: Trials, head: StoredHead | None) -> Trials | None:
    """Leaving a subject out of rows that were trained against it says nothing; what was measured
    on the night, with trainings that had not seen the strangers, does."""
    if head is None:
        return None
    return replace(
        strangers_of(head), subjects=trials.subjects, mated=trials.mated, mated_of=trials.mated_of
    )


def _check(max_fpir: float) -> None:
    if not LEAST_RATE <= max_fpir <= 0.5:
        raise BadInput(
            message(
                "the share of strangers is between {least} and 0.5, such as 0.01",
                least=f"{LEAST_RATE:g}",
            )
        )


def _better(one: OperatingPoint, other: OperatingPoint) -> str:
    return "kept" if "kept" in (one.promise, other.promise) else one.promise


def _searched(trials: Trials, rankings: Sequence[Ranking]) -> Trials:
    scores, named = _served(rankings)
    return stranger_trials(trials, scores, named)


def _served(rankings: Sequence[Ranking]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """The score each is named with, -inf where nobody is; and who is nearest."""
    scores = [r.scores[0] if r.head_agrees else -np.inf for r in rankings]
    return np.asarray(scores, np.float64), np.asarray([r.subject_ids[0] for r in rankings], str)
