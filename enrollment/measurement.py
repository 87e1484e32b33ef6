"""What was counted of one state of the gallery: it gives the operating point at any rate, at once.

Searching takes seconds in a large gallery and does not depend on the rate that is asked for, so it
is done once. No template is kept here: scores, and who they are of.
"""

from dataclasses import dataclass, replace

import numpy as np

from enrollment.calibration import OperatingPoint, Trials, operating_point
from enrollment.cohort import COSINE
from enrollment.near_pairs import NearPair
from enrollment.tail import Tail
from wording.message import message


@dataclass(frozen=True)
class Measurement:
    """left_out: every subject in turn, and the faces that people said no to; by_cohort: strangers
    of a cohort of vectors; by_trainings: strangers to the trained head `head_id`; prior: the
    backbone's threshold; tail, score: as `operating_point` takes them; near: who is near whom."""

    left_out: Trials
    generation: int
    prior: float
    tail: Tail | None = None
    score: str = COSINE
    near: tuple[NearPair, ...] = ()
    by_cohort: Trials | None = None
    by_trainings: Trials | None = None
    head_id: str | None = None

    def point(self, max_fpir: float) -> tuple[OperatingPoint, Trials]:
        """The operating point, and the searches that its rates were counted in."""
        trials = self.left_out
        point = self.point_of(trials, max_fpir)
        if self.by_cohort is not None:
            # Those who are near somebody enrolled have been left out of the cohort, so what is left
            # can make the threshold higher, and can promise nothing.
            alone = self.point_of(self.by_cohort, max_fpir)
            if alone.threshold > point.threshold:
                point, trials = replace(alone, promise=point.promise), self.by_cohort
        if self.by_trainings is not None:
            stricter = self.point_of(self.by_trainings, max_fpir, floor=point.threshold)
            explanation = message(
                "{explanation}; and by trainings without a fifth of the subjects",
                explanation=point.explanation,
            )
            point = replace(stricter, explanation=explanation, head=self.head_id)
            trials = self.by_trainings
        return point, trials

    def point_of(self, trials: Trials, max_fpir: float, floor: float = -np.inf) -> OperatingPoint:
        """As `operating_point`, of these searches alone."""
        point = operating_point(
            trials,
            max_fpir,
            self.prior,
            self.generation,
            floor=floor,
            tail=self.tail,
            score=self.score,
        )
        return replace(point, near_pairs=self.near)
