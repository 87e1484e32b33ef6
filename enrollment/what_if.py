"""What another rate of strangers would give, and what would change: counted, and nothing kept."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import Needed, OperatingPoint, Trials, counted_at, needed_for
from enrollment.measurement import Measurement

_LISTED = 10
_BINS = 48


@dataclass(frozen=True)
class FoundChange:
    """Of a person's `photos`, each searched for by the others, how many are found."""

    subject_id: str
    photos: int
    now: int
    then: int


@dataclass(frozen=True)
class Mistaken:
    """How many photos of `one` would be given `other`'s name if `one` were not enrolled."""

    one: str
    other: str
    now: int
    then: int


@dataclass(frozen=True)
class Distribution:
    """How often each score occurs. edges: (k + 1,), ascending; strangers, enrolled: (k,) shares of
    all searches, 0..1; the rest of each named nobody at any threshold."""

    edges: NDArray[np.float64]
    strangers: NDArray[np.float64]
    enrolled: NDArray[np.float64]


@dataclass(frozen=True)
class WhatIf:
    """now: the threshold that serves, counted on the same searches as `then`; then: the operating
    point at the rate that is asked about; needed: what its promise misses, None where it is kept;
    changed: who would be found less, or more, those with the greatest change first; mistaken: who
    would be taken for whom, the most often first; scores: None where nothing was searched."""

    now: OperatingPoint
    then: OperatingPoint
    needed: Needed | None
    changed: tuple[FoundChange, ...]
    mistaken: tuple[Mistaken, ...]
    scores: Distribution | None


def what_if(measurement: Measurement, present: OperatingPoint, max_fpir: float) -> WhatIf:
    """Args: present: the operating point that serves."""
    then, trials = measurement.point(max_fpir)
    now = counted_at(present.threshold, present, trials)
    kept, own = then.promise == "kept", measurement.left_out
    return WhatIf(
        now=now,
        then=then,
        needed=(
            None
            if kept
            else needed_for(max_fpir, own.subjects, len(own.nonmated), measurement.tail)
        ),
        changed=_changed(trials, now.threshold, then.threshold),
        mistaken=_mistaken(own, now.threshold, then.threshold),
        scores=_distribution(trials),
    )


def _changed(trials: Trials, now: float, then: float) -> tuple[FoundChange, ...]:
    if trials.mated_of is None or not len(trials.mated):
        return ()
    names, owner = np.unique(trials.mated_of, return_inverse=True)
    photos = np.bincount(owner)
    before = np.bincount(owner, trials.mated >= now).astype(int)
    after = np.bincount(owner, trials.mated >= then).astype(int)
    order = np.argsort(-np.abs(after - before), kind="stable")[:_LISTED]
    return tuple(
        FoundChange(str(names[i]), int(photos[i]), int(before[i]), int(after[i]))
        for i in order
        if after[i] != before[i]
    )


def _mistaken(trials: Trials, now: float, then: float) -> tuple[Mistaken, ...]:
    if trials.named is None or trials.nonmated_of is None:
        return ()
    enrolled = trials.nonmated_of != ""
    scores = trials.nonmated[enrolled]
    who = np.stack([trials.nonmated_of[enrolled], trials.named[enrolled]], axis=1)
    before, after = (_taken(who[scores >= threshold]) for threshold in (now, then))
    return tuple(
        Mistaken(one, other, before[one, other], count)
        for (one, other), count in after.most_common(_LISTED)
    )


def _taken(who: NDArray[np.str_]) -> Counter[tuple[str, str]]:
    return Counter((str(one), str(other)) for one, other in who)


def _distribution(trials: Trials) -> Distribution | None:
    seen = np.concatenate([trials.nonmated, trials.mated])
    seen = seen[np.isfinite(seen)]
    if not len(seen):
        return None
    edges = np.histogram_bin_edges(seen, _BINS)
    return Distribution(
        edges,
        _shares(trials.nonmated, trials.weights, edges),
        _shares(trials.mated, np.ones(len(trials.mated)), edges),
    )


def _shares(
    scores: NDArray[np.float64], weights: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    finite = np.isfinite(scores)
    counts, _ = np.histogram(scores[finite], edges, weights=weights[finite])
    return np.asarray(counts / max(weights.sum(), 1e-9), np.float64)
