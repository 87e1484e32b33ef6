"""From an asked rate of strangers to a threshold, and an honest word on how sure that is.

No stranger is needed: every subject in turn is left out and searched for among the others
(leave-one-subject-out), which a non-mated search is. A search counts as it is served: it names
somebody only when head and index agree, so the rates are those of the whole decision.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from models.head import imprint

# Leaving subjects out predicts the rate from about 100 subjects on; with 20 to 50 it was three
# times too generous (research/head-on-faces.md 6.1).
MIN_SUBJECTS = 100
# With fewer searches not even a count of zero would bound the rate (the rule of three).
RULE_OF_THREE = 3.0
# Larger galleries are searched with this many templates, drawn with a fixed seed.
MAX_TRIALS = 4_000
_TAIL = 0.10
_CHUNK = 512


@dataclass(frozen=True)
class Trials:
    """Searches with a known answer.

    nonmated: score with which somebody is named, -inf where head and index disagree; weights: one
    per search, so that every subject counts the same. mated: score with which the right subject
    is named, -inf where another one is, or nobody.
    """

    nonmated: NDArray[np.float64]
    weights: NDArray[np.float64]
    mated: NDArray[np.float64]
    subjects: int
    strangers: bool = False  # non-mated searches are by real strangers, not by left-out subjects
    searched: float = 1.0  # the share of the gallery that non-mated searches were made in


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold with the rates measured at it."""

    threshold: float
    max_fpir: float
    measured_fpir: float | None
    fpir_upper_95: float | None
    fnir: float | None
    n_mated: int
    n_nonmated: int
    promise: str  # "kept" | "not_enough_data"
    explanation: str
    generation: int

    def as_document(self) -> dict[str, object]:
        return asdict(self)


def leave_subjects_out(
    vectors: NDArray[np.float32], subject_ids: Sequence[str], seed: int = 0
) -> Trials:
    """Search for every template among the other subjects, and among all with itself left out.

    Args:
        vectors: (n, dimension) unit rows; subject_ids: whose each one is.
    """
    names, owner = np.unique(np.asarray(subject_ids, dtype=object).astype(str), return_inverse=True)
    if len(names) < 2:
        nothing = np.empty(0)
        return Trials(nothing, nothing, nothing, len(names))
    counts = np.bincount(owner)
    sums = np.zeros((len(names), vectors.shape[1]), np.float64)
    np.add.at(sums, owner, vectors)
    rows = np.stack([imprint(vectors[owner == s], vectors.shape[1]) for s in range(len(names))])
    probes = np.arange(len(vectors))
    if len(probes) > MAX_TRIALS:
        probes = np.sort(np.random.default_rng(seed).choice(probes, MAX_TRIALS, replace=False))
    nonmated, mated = [], []
    for start in range(0, len(probes), _CHUNK):
        chunk = probes[start : start + _CHUNK]
        mine, at = owner[chunk], np.arange(len(chunk))
        to_rows = vectors[chunk] @ rows.T
        to_templates = vectors[chunk] @ vectors.T
        to_templates[at, chunk] = -np.inf
        rest = sums[mine] - vectors[chunk]
        lengths = np.linalg.norm(rest, axis=1)
        has_rest = (counts[mine] > 1) & (lengths > 1e-6)
        own = np.einsum("ij,ij->i", rest, vectors[chunk]) / np.maximum(lengths, 1e-6)
        to_rows[at, mine] = own
        served = _served(to_rows, to_templates, owner)
        mated.append(np.where(to_rows.argmax(axis=1) == mine, served, -np.inf)[has_rest])
        to_rows[at, mine] = -np.inf
        to_templates[owner[None, :] == mine[:, None]] = -np.inf
        nonmated.append(_served(to_rows, to_templates, owner))
    return Trials(
        np.concatenate(nonmated), 1.0 / counts[owner[probes]], np.concatenate(mated), len(names)
    )


def stranger_trials(trials: Trials, strangers: NDArray[np.float64]) -> Trials:
    """The same mated searches, with real strangers' in place of left-out subjects'.

    Args:
        strangers: the score each was named with, -inf where nobody was.
    """
    return Trials(strangers, np.ones(len(strangers)), trials.mated, trials.subjects, strangers=True)


def _served(
    to_rows: NDArray[np.float32], to_templates: NDArray[np.float32], owner: NDArray[np.intp]
) -> NDArray[np.float64]:
    best = to_rows.argmax(axis=1)
    agrees = owner[to_templates.argmax(axis=1)] == best
    return np.where(agrees, to_rows.max(axis=1), -np.inf).astype(np.float64)


def operating_point(
    trials: Trials, max_fpir: float, prior_threshold: float, generation: int, floor: float = -1.0
) -> OperatingPoint:
    """The threshold at which at most `max_fpir` of the strangers are named.

    Where the trials cannot carry that promise, the stricter of the measured threshold and the
    backbone's prior is used, and the point says so.

    Args:
        floor: the threshold is not below this one, whatever was measured.
    """
    needed = int(np.ceil(RULE_OF_THREE / max_fpir))
    enough = len(trials.nonmated) >= needed and (
        trials.strangers or trials.subjects >= MIN_SUBJECTS
    )
    n = len(trials.nonmated)
    # Strangers are named as often more as there are more people to be taken for.
    aim = careful_rate(max_fpir, n) * trials.searched
    threshold, tail = threshold_for(trials.nonmated, trials.weights, aim)
    if not enough:
        # The prior stands for one stranger in a hundred; a stricter wish moves it along the tail.
        stricter = tail * max(np.log(0.01 / max_fpir), 0.0)
        threshold = max(threshold, prior_threshold + stricter)
        explanation = (
            f"not enough data: {trials.subjects} subjects and {len(trials.nonmated)} searches are "
            f"here, {MIN_SUBJECTS} subjects and {needed} searches are needed to promise "
            f"{max_fpir:.2%}; the stricter of the default and the measured threshold is used"
        )
    else:
        explanation = (
            f"measured on {len(trials.nonmated)} photos of strangers"
            if trials.strangers
            else f"measured by leaving each of {trials.subjects} subjects out in turn, "
            f"{len(trials.nonmated)} searches"
        )
    threshold = max(threshold, floor)
    named = trials.nonmated >= threshold
    rate = float(np.average(named, weights=trials.weights)) / trials.searched if n else None
    return OperatingPoint(
        threshold=float(threshold),
        max_fpir=max_fpir,
        measured_fpir=rate,
        fpir_upper_95=(
            min(interval_95(int(named.sum()), n)[1] / trials.searched, 1.0) if n else None
        ),
        fnir=float((trials.mated < threshold).mean()) if len(trials.mated) else None,
        n_mated=len(trials.mated),
        n_nonmated=n,
        promise="kept" if enough else "not_enough_data",
        explanation=explanation,
        generation=generation,
    )


def careful_rate(rate: float, searches: int) -> float:
    """The rate to aim at, so that the asked one holds although it was measured on a few searches.

    One standard error of a Poisson count below what was asked, and at least a quarter of it. Asked
    for 1 % on 303 people of LFW (909 searches; 8 draws of the three photos; dlib-resnet), 1,200
    strangers were named at 0.51 % on average and 0.83 % at most; without it 1.00 and 1.42 %.
    """
    if searches == 0:
        return rate
    return max(rate - float(np.sqrt(rate / searches)), rate / 4)


def threshold_for(
    scores: NDArray[np.float64], weights: NDArray[np.float64], rate: float
) -> tuple[float, float]:
    """The threshold that a share `rate` of the weight reaches, and the scale of the tail.

    An exponential is laid through the highest tenth of the scores, because the few highest alone
    jump from one gallery to the next (research/head-on-faces.md 6.3).
    """
    named = np.isfinite(scores)
    if not named.any():
        return -1.0, 0.0
    order = np.argsort(-scores[named], kind="stable")
    high, weight = scores[named][order], weights[named][order]
    reached = np.cumsum(weight) / weights.sum()
    tail = high[: max(int(np.searchsorted(reached, max(_TAIL, rate))), 1)]
    start = float(tail[-1])
    share = float(reached[len(tail) - 1])
    mass = weight[: len(tail)]
    scale = float(np.average(tail - start, weights=mass)) if len(tail) > 1 else 0.0
    # Just above the score, so that the one who reached it is not named.
    return float(start + scale * max(np.log(share / rate), 0.0)) + 1e-6, scale


def interval_95(successes: int, trials: int) -> tuple[float, float]:
    """Clopper and Pearson's exact two-sided 95 % interval of a rate."""
    interval = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)
