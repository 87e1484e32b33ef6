"""Two backbones on the same photos of the same people: who is found by which.

Every enrolled photo in turn is left out and searched for among the others, as `calibration.py` does
it, once with the embeddings that serve and once with those that may; each at the threshold that
gives the rate of strangers that was asked for. So both are measured on exactly the same searches.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from enrollment.calibration import OperatingPoint, Trials, leave_subjects_out
from enrollment.cohort import Cohort, formula_of, lowering_of
from enrollment.measurement import Measurement
from enrollment.near_pairs import NearPair, near_pairs


@dataclass(frozen=True)
class Seen:
    """What one backbone sees. vectors: (n, dimension) unit rows; prior, collision: of its priors;
    cohort: the strangers that its scores are measured against; seconds_per_face: None where it was
    not timed."""

    backbone: str
    vectors: NDArray[np.float32]
    prior: float
    collision: float
    cohort: Cohort | None
    seconds_per_face: float | None


@dataclass(frozen=True)
class Side:
    """One backbone, measured. right: searches whose best subject is the right one; found: those
    that also reach the threshold. The other fields are those of its operating point."""

    backbone: str
    dimension: int
    probes: int
    right: int
    found: int
    threshold: float
    max_fpir: float
    measured_fpir: float | None
    fpir_upper_95: float | None
    n_nonmated: int
    promise: str
    near_pairs: int
    seconds_per_face: float | None

    @property
    def found_rate(self) -> float | None:
        return self.found / self.probes if self.probes else None

    def as_document(self) -> dict[str, object]:
        rank1 = self.right / self.probes if self.probes else None
        return asdict(self) | {"rank1": rank1, "found_rate": self.found_rate}


@dataclass(frozen=True)
class Moved:
    """A subject of whom one backbone finds more photos than the other."""

    subject_id: str
    photos: int
    before: int
    after: int


@dataclass(frozen=True)
class Agreement:
    """only_before, only_after: searches that one of them finds and the other does not; by_chance:
    how probable so unequal numbers are if both were equally good (McNemar's exact test); moved: of
    whom, who gets worse first; near: people who look alike to the new one; point: its operating
    point, to be stored with the move."""

    generation: int
    before: Side
    after: Side
    only_before: int
    only_after: int
    by_chance: float
    moved: tuple[Moved, ...]
    near: tuple[NearPair, ...]
    point: OperatingPoint

    @property
    def worse(self) -> tuple[Moved, ...]:
        return tuple(one for one in self.moved if one.after < one.before)

    @property
    def finds_fewer(self) -> bool:
        return self.after.found < self.before.found


def compare(
    before: Seen, after: Seen, owners: Sequence[str], max_fpir: float, generation: int
) -> Agreement:
    """Measure both on the same photos.

    Args:
        owners: whose each row of both is.
    """
    old_trials, old_point = _measured(before, owners, max_fpir, generation)
    new_trials, new_point = _measured(after, owners, max_fpir, generation)
    old = old_trials.mated >= old_point.threshold
    new = new_trials.mated >= new_point.threshold
    only_old, only_new = int((old & ~new).sum()), int((new & ~old).sum())
    apart = only_old + only_new
    return Agreement(
        generation=generation,
        before=_side(before, old_trials, old_point),
        after=_side(after, new_trials, new_point),
        only_before=only_old,
        only_after=only_new,
        by_chance=float(binomtest(only_old, apart, 0.5).pvalue) if apart else 1.0,
        moved=_moved(old_trials, old, new),
        near=new_point.near_pairs,
        point=new_point,
    )


def _measured(
    seen: Seen, owners: Sequence[str], max_fpir: float, generation: int
) -> tuple[Trials, OperatingPoint]:
    trials = leave_subjects_out(seen.vectors, owners, lowering_of(seen.cohort))
    measurement = Measurement(
        trials,
        generation,
        prior=seen.prior,
        tail=seen.cohort.tail if seen.cohort else None,
        score=formula_of(seen.cohort),
        near=near_pairs(seen.vectors, owners, seen.collision),
    )
    point, _ = measurement.point(max_fpir)
    return trials, point


def _side(seen: Seen, trials: Trials, point: OperatingPoint) -> Side:
    return Side(
        backbone=seen.backbone,
        dimension=int(seen.vectors.shape[1]),
        probes=len(trials.mated),
        right=int(np.isfinite(trials.mated).sum()),
        found=int((trials.mated >= point.threshold).sum()),
        threshold=point.threshold,
        max_fpir=point.max_fpir,
        measured_fpir=point.measured_fpir,
        fpir_upper_95=point.fpir_upper_95,
        n_nonmated=point.n_nonmated,
        promise=point.promise,
        near_pairs=len(point.near_pairs),
        seconds_per_face=seen.seconds_per_face,
    )


def _moved(
    trials: Trials, before: NDArray[np.bool_], after: NDArray[np.bool_]
) -> tuple[Moved, ...]:
    if trials.mated_of is None:
        return ()
    whose = [str(name) for name in trials.mated_of]
    photos = Counter(whose)
    old = Counter(s for s, found in zip(whose, before, strict=True) if found)
    new = Counter(s for s, found in zip(whose, after, strict=True) if found)
    moved = [Moved(s, photos[s], old[s], new[s]) for s in photos if old[s] != new[s]]
    return tuple(sorted(moved, key=lambda m: (m.after - m.before, m.subject_id)))
