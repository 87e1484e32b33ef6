"""What a method remembers after nights of arrivals: the definitions of research/head.md 3.8.

Night t is an integer, night 0 is the first day; cohort j is the people who arrived on night j.
Rates are shares of 1 over the test photos. Probes are in the order of arrival, so those of the
people who are present on a night are the first ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

NOBODY = -1


@dataclass(frozen=True)
class Answers:
    """best: (n,) the subject that each probe is taken for, as a position, NOBODY for none;
    scores: (n,) with which, higher is closer, -inf for none."""

    best: NDArray[np.intp]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Night:
    """A method's answers after a night.

    probes: those of all people so far; calibration, strangers: scores of people who are not
    enrolled, two halves; seconds: for learning, and cpu_seconds: of all threads; threshold: the
    method's own one, if it has one.
    """

    probes: Answers
    calibration: NDArray[np.float64]
    strangers: NDArray[np.float64]
    seconds: float
    cpu_seconds: float
    threshold: float | None = None


@dataclass(frozen=True)
class Tally:
    """hits, photos: (people,) test photos answered rightly, and all of them."""

    hits: NDArray[np.int64]
    photos: NDArray[np.int64]

    @property
    def rate(self) -> float:
        return float(self.hits.sum() / self.photos.sum())


@dataclass(frozen=True)
class AsServed:
    """Rates at the threshold that the gallery set for itself that night.

    known_to_unknown: share of the old people's probes that were named rightly the night before and
    are not named now, mean over the nights, and the worst one; fpir_by_night: share of the test
    strangers who were named.
    """

    threshold: float
    tpir: float
    fpir: float
    known_to_unknown: float
    known_to_unknown_max: float
    fpir_by_night: tuple[float, ...]


@dataclass(frozen=True)
class MethodResult:
    """One method, after the last night.

    accuracy: share of all people's test photos answered rightly, no threshold; forgetting: mean
    over cohorts of what is lost against the best night before; bwt: mean over cohorts of the change
    since the night they arrived (negative is a loss), bwt_minus_joint: less that of a full retrain,
    which takes out the crowding that no method can avoid.
    churn: share of the old people's probes whose answer is another than the night before, mean
    over the nights; negative_flips: those that were right and now are wrong, and the worst night.
    tpir_at_fpir_1pct: share of test photos named rightly above the threshold that 1 % of the
    calibration strangers reach, fpir_at_1pct what the test strangers then do. tpir_at_fpir_0_1pct:
    an *oracle*, its threshold is read off the test strangers themselves, because half the
    strangers cannot carry 0.1 %.
    seconds_per_night: learning only, mean without the first day; cost_ratio_to_joint: that, as a
    share of the full retrain's; cpu_seconds_per_night: what a busy machine does not distort.
    """

    method: str
    accuracy: float
    forgetting: float
    bwt: float
    churn: float
    negative_flips: float
    negative_flips_max: float
    tpir_at_fpir_1pct: float
    tpir_at_fpir_0_1pct: float
    fpir_at_1pct: float
    seconds_per_night: float
    cpu_seconds_per_night: float
    accuracy_by_night: tuple[float, ...]
    right: Tally
    found: Tally
    served: AsServed | None = None
    bwt_minus_joint: float | None = None
    cost_ratio_to_joint: float | None = None

    def as_document(self) -> dict[str, object]:
        names = (
            "method", "accuracy", "forgetting", "bwt", "bwt_minus_joint", "churn",
            "negative_flips", "negative_flips_max", "tpir_at_fpir_1pct", "tpir_at_fpir_0_1pct",
            "fpir_at_1pct", "seconds_per_night", "cpu_seconds_per_night", "cost_ratio_to_joint",
        )  # fmt: skip
        document: dict[str, object] = {name: getattr(self, name) for name in names}
        document["accuracy_by_night"] = list(self.accuracy_by_night)
        if self.served:
            document["served"] = vars(self.served) | {
                "fpir_by_night": list(self.served.fpir_by_night)
            }
        return document


def measure(
    method: str, nights: Sequence[Night], owners: NDArray[np.intp], arrivals: NDArray[np.intp]
) -> MethodResult:
    """What the answers of all nights, the first day's included, amount to.

    Args:
        owners: (probes,) whose each test photo is; arrivals: (people,) the night each one came on.
    """
    right = [night.probes.best == owners[: len(night.probes.best)] for night in nights]
    matrix = accuracy_matrix(right, arrivals[owners])
    last = nights[-1]
    reached = last.probes.scores >= threshold_at(last.calibration, 0.01)
    found = right[-1] & reached
    oracle = right[-1] & (last.probes.scores >= threshold_at(last.strangers, 0.001))
    flips = [_flipped(before, now) for before, now in pairwise(right)]
    changes = [_changed(a.probes.best, b.probes.best) for a, b in pairwise(nights)]
    return MethodResult(
        method=method,
        accuracy=float(right[-1].mean()),
        forgetting=forgetting(matrix),
        bwt=backward_transfer(matrix),
        churn=float(np.mean(changes)),
        negative_flips=float(np.mean(flips)),
        negative_flips_max=float(np.max(flips)),
        tpir_at_fpir_1pct=float(found.mean()),
        tpir_at_fpir_0_1pct=float(oracle.mean()),
        fpir_at_1pct=float((last.strangers >= threshold_at(last.calibration, 0.01)).mean()),
        seconds_per_night=float(np.mean([night.seconds for night in nights[1:]])),
        cpu_seconds_per_night=float(np.mean([night.cpu_seconds for night in nights[1:]])),
        accuracy_by_night=tuple(float(each.mean()) for each in right),
        right=_tally(right[-1], owners),
        found=_tally(found, owners),
        served=_as_served(nights, right),
    )


def beside_joint(results: Sequence[MethodResult]) -> list[MethodResult]:
    """The same results with what is relative to the full retrain, where that is among them."""
    joint = next((result for result in results if result.method == "joint"), None)
    if joint is None:
        return list(results)
    return [
        replace(
            result,
            bwt_minus_joint=result.bwt - joint.bwt,
            cost_ratio_to_joint=result.seconds_per_night / max(joint.seconds_per_night, 1e-9),
        )
        for result in results
    ]


def accuracy_matrix(
    right: Sequence[NDArray[np.bool_]], cohorts: NDArray[np.intp]
) -> NDArray[np.float64]:
    """(nights, nights): R[t, j], the accuracy on cohort j after night t; nan where j > t.

    Args:
        right: of each night, (probes so far,); cohorts: (probes,) the night each one's person came.
    """
    matrix = np.full((len(right), len(right)), np.nan)
    for night, each in enumerate(right):
        here = cohorts[: len(each)]
        photos = np.bincount(here, minlength=night + 1)
        matrix[night, : night + 1] = np.bincount(here, each, minlength=night + 1) / photos
    return matrix


def forgetting(matrix: NDArray[np.float64]) -> float:
    """`mean_{j<T} (max_{l in [j, T-1]} R[l, j] - R[T, j])`; below zero where all got better."""
    last = len(matrix) - 1
    best = np.nanmax(matrix[:last, :last], axis=0)
    return float((best - matrix[last, :last]).mean())


def backward_transfer(matrix: NDArray[np.float64]) -> float:
    """`mean_{j<T} (R[T, j] - R[j, j])`."""
    last = len(matrix) - 1
    return float((matrix[last, :last] - np.diag(matrix)[:last]).mean())


def threshold_at(strangers: NDArray[np.float64], rate: float) -> float:
    """The lowest threshold that at most a share `rate` of the strangers reach."""
    ranked = np.sort(strangers)[::-1]
    return float(np.nextafter(ranked[int(rate * len(ranked))], np.inf))


@dataclass(frozen=True)
class Difference:
    """Of two rates, with a 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def paired_bootstrap(a: Tally, b: Tally, draws: int = 1000, seed: int = 0) -> Difference:
    """`a`'s rate less `b`'s, with people drawn anew; both are about the same people and photos.

    Photos of one person are not independent, so people are drawn and not photos. Thresholds stay
    as they are: the interval says nothing of the strangers they were measured on.
    """
    if not np.array_equal(a.photos, b.photos):
        raise ValueError("the two are not about the same people and photos")
    people = len(a.photos)
    drawn = np.random.default_rng(seed).integers(people, size=(draws, people))
    differences = (a.hits - b.hits)[drawn].sum(axis=1) / a.photos[drawn].sum(axis=1)
    low, high = np.quantile(differences, [0.025, 0.975])
    return Difference(a.rate - b.rate, float(low), float(high))


def _as_served(nights: Sequence[Night], right: Sequence[NDArray[np.bool_]]) -> AsServed | None:
    thresholds = [night.threshold for night in nights if night.threshold is not None]
    if len(thresholds) < len(nights):
        return None
    above = [n.probes.scores >= t for n, t in zip(nights, thresholds, strict=True)]
    named = [a & r for a, r in zip(above, right, strict=True)]
    lost = [_flipped(named[i], above[i + 1]) for i in range(len(nights) - 1)]
    fpir = [float((n.strangers >= t).mean()) for n, t in zip(nights, thresholds, strict=True)]
    return AsServed(
        threshold=thresholds[-1],
        tpir=float(named[-1].mean()),
        fpir=fpir[-1],
        known_to_unknown=float(np.mean(lost)),
        known_to_unknown_max=float(np.max(lost)),
        fpir_by_night=tuple(fpir),
    )


def _flipped(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> float:
    """The share of the earlier night's probes that were so before and are not so now."""
    return float((before & ~now[: len(before)]).mean())


def _changed(before: NDArray[np.intp], now: NDArray[np.intp]) -> float:
    return float((before != now[: len(before)]).mean())


def _tally(hit: NDArray[np.bool_], owners: NDArray[np.intp]) -> Tally:
    return Tally(np.bincount(owners, hit).astype(np.int64), np.bincount(owners).astype(np.int64))
