"""From an asked rate of strangers to a threshold, and an honest word on how sure that is.

No stranger is needed: every subject in turn is left out and searched for among the others
(leave-one-subject-out), which a non-mated search is. A search counts as it is served: it names
somebody only when head and index agree, so the rates are those of the whole decision. Scores are
cosines less what the cohort takes from them, where there is a cohort.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from enrollment.cohort import COSINE, Lowering, no_lowering
from enrollment.near_pairs import NearPair
from enrollment.tail import Tail
from models.head import imprint
from wording.message import message, read_message, stored_message

# Leaving subjects out predicts the rate from about 100 subjects on; with 20 to 50 it was three
# times too generous (research/head-on-faces.md 6.1). Up to there the tail of a cohort's strangers
# counts, the more the fewer subjects there are.
MIN_SUBJECTS = 100
# Fewer cannot show whether they are as unlike each other as the cohort's strangers are.
LEAST_SUBJECTS = 20
DEFAULT_SUBJECTS = 300
_PHOTOS = 3.0  # a person is enrolled with, where nobody is yet
# With fewer searches not even a count of zero would bound the rate (the rule of three).
RULE_OF_THREE = 3.0
# Larger galleries are searched with this many templates, drawn with a fixed seed.
MAX_TRIALS = 4_000
# Below every score: a cosine less half a cosine.
LOWEST = -1.5
_TAIL = 0.10
_UNLIKELY = 0.01
_CHUNK = 512
_LISTED = 10


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
    named: NDArray[np.str_] | None = None  # whom each non-mated search is nearest to
    # Whose photo each search is made with; "" for a stranger who was never enrolled.
    nonmated_of: NDArray[np.str_] | None = None
    mated_of: NDArray[np.str_] | None = None
    # Every score of a photo with somebody else; kept of galleries that are too small to be counted.
    comparisons: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Needed:
    """What is missing for a promise. people: how many more must be enrolled, None where no number
    of them would do; strangers: photos of people who are not enrolled that would do instead."""

    people: int | None
    strangers: int


@dataclass(frozen=True)
class FalseMatches:
    """How many non-mated searches at the threshold name this subject; share: of all that name
    somebody. One subject who is near to many (a wolf or a lamb) can carry them all."""

    subject_id: str
    searches: int
    share: float


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold with the rates measured at it.

    score: how scores are made (`Cohort.formula` or `cosine`), for the threshold means nothing with
    other scores; scale: by how much higher a threshold is reached by e times fewer strangers;
    measured_threshold: what was measured, where `threshold` is still on its way there; head: the
    trained head whose scores these are, None for means; near_pairs: who is near whom.
    """

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
    subjects: int = 0
    score: str = COSINE
    scale: float = 0.0
    measured_threshold: float | None = None
    head: str | None = None
    false_matches: tuple[FalseMatches, ...] = ()
    near_pairs: tuple[NearPair, ...] = ()

    def as_document(self) -> dict[str, object]:
        return asdict(self)


def point_to_store(point: OperatingPoint) -> dict[str, object]:
    """What is kept: the document, and what a translator needs of its explanation."""
    return point.as_document() | {"explained": stored_message(point.explanation)}


def stored_point(details: Mapping[str, object]) -> OperatingPoint:
    """An operating point from what `point_to_store` or `as_document` gave."""
    values: dict[str, Any] = dict(details)
    said = values.pop("explained", None)
    if said is not None:
        values["explanation"] = read_message(said)
    values["false_matches"] = tuple(FalseMatches(**m) for m in values.get("false_matches", ()))
    values["near_pairs"] = tuple(NearPair(**p) for p in values.get("near_pairs", ()))
    return OperatingPoint(**values)


def leave_subjects_out(
    vectors: NDArray[np.float32],
    subject_ids: Sequence[str],
    lowering: Lowering = no_lowering,
    seed: int = 0,
) -> Trials:
    """Search for every template among the other subjects, and among all with itself left out.

    Args:
        vectors: (n, dimension) unit rows; subject_ids: whose each one is; lowering: the cohort's.
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
    nonmated, mated, named, mated_of = [], [], [], []
    compared: list[NDArray[np.float64]] = []
    for start in range(0, len(probes), _CHUNK):
        chunk = probes[start : start + _CHUNK]
        mine, at = owner[chunk], np.arange(len(chunk))
        lower = lowering(vectors[chunk])
        to_rows = vectors[chunk] @ rows.T
        to_templates = vectors[chunk] @ vectors.T
        to_templates[at, chunk] = -np.inf
        rest = sums[mine] - vectors[chunk]
        lengths = np.linalg.norm(rest, axis=1)
        has_rest = (counts[mine] > 1) & (lengths > 1e-6)
        own = np.einsum("ij,ij->i", rest, vectors[chunk]) / np.maximum(lengths, 1e-6)
        to_rows[at, mine] = own
        served = _served(to_rows, to_templates, owner) - lower
        mated.append(np.where(to_rows.argmax(axis=1) == mine, served, -np.inf)[has_rest])
        mated_of.append(names[mine][has_rest])
        to_rows[at, mine] = -np.inf
        if len(names) < MIN_SUBJECTS:
            others = to_rows - lower[:, None]
            compared.append(others[np.isfinite(others)])
        to_templates[owner[None, :] == mine[:, None]] = -np.inf
        nonmated.append(_served(to_rows, to_templates, owner) - lower)
        named.append(names[to_rows.argmax(axis=1)])
    return Trials(
        np.concatenate(nonmated),
        1.0 / counts[owner[probes]],
        np.concatenate(mated),
        len(names),
        named=np.concatenate(named),
        nonmated_of=names[owner[probes]],
        mated_of=np.concatenate(mated_of),
        comparisons=np.concatenate(compared) if compared else None,
    )


def stranger_trials(
    trials: Trials, strangers: NDArray[np.float64], named: NDArray[np.str_] | None = None
) -> Trials:
    """The same mated searches, with real strangers' in place of left-out subjects'.

    Args:
        strangers: the score each was named with, -inf where nobody was; named: who is nearest.
    """
    return replace(
        trials,
        nonmated=strangers,
        weights=np.ones(len(strangers)),
        strangers=True,
        searched=1.0,
        named=named,
        nonmated_of=None,
    )


def _served(
    to_rows: NDArray[np.float32], to_templates: NDArray[np.float32], owner: NDArray[np.intp]
) -> NDArray[np.float64]:
    best = to_rows.argmax(axis=1)
    agrees = owner[to_templates.argmax(axis=1)] == best
    return np.where(agrees, to_rows.max(axis=1), -np.inf).astype(np.float64)


def operating_point(
    trials: Trials,
    max_fpir: float,
    prior_threshold: float,
    generation: int,
    floor: float = -np.inf,
    tail: Tail | None = None,
    score: str = COSINE,
) -> OperatingPoint:
    """The threshold at which at most `max_fpir` of the strangers are named.

    Where the trials cannot carry that promise, the stricter of the measured threshold and the
    default is used, and the point says so.

    Args:
        prior_threshold: the backbone's, for cosines; not asked where there is a tail.
        floor: the threshold is not below this one, whatever was measured.
        tail: of the cohort's strangers, where scores are made with one.
        score: how scores are made.
    """
    n, needed = len(trials.nonmated), int(np.ceil(RULE_OF_THREE / max_fpir))
    measured, scale = threshold_for(trials.nonmated, trials.weights, max_fpir * trials.searched)
    threshold, enough = measured, n >= needed
    by_tail = tail is not None and not trials.strangers and trials.subjects < MIN_SUBJECTS
    if tail is not None and by_tail:
        threshold = _faded(trials, measured, _expected(trials, tail, max_fpir))
        carried = trials.subjects >= LEAST_SUBJECTS and trials.subjects + tail.strangers >= needed
        enough = carried and _fits(trials, threshold, max_fpir)
    elif not trials.strangers:
        enough = enough and trials.subjects >= MIN_SUBJECTS
    if not enough and tail is not None:
        threshold = max(threshold, measured, _default(trials, tail, max_fpir))
    elif not enough:
        # The prior stands for one stranger in a hundred; a stricter wish moves it along the tail.
        stricter = scale * max(np.log(0.01 / max_fpir), 0.0)
        threshold = max(threshold, prior_threshold + stricter)
    threshold = float(max(threshold, floor))
    point = OperatingPoint(
        threshold=threshold,
        max_fpir=max_fpir,
        measured_fpir=None,
        fpir_upper_95=None,
        fnir=None,
        n_mated=len(trials.mated),
        n_nonmated=n,
        promise="kept" if enough else "not_enough_data",
        explanation=_explanation(trials, max_fpir, tail if by_tail else None, enough),
        generation=generation,
        subjects=trials.subjects,
        score=score,
        scale=tail.scale if scale == 0 and tail is not None else scale,
        measured_threshold=threshold,
    )
    return counted_at(threshold, point, trials)


def counted_at(threshold: float, point: OperatingPoint, trials: Trials) -> OperatingPoint:
    """The operating point with this threshold, and with what the trials give at it."""
    n = len(trials.nonmated)
    named = trials.nonmated >= threshold
    rate = float(np.average(named, weights=trials.weights)) / trials.searched if n else None
    upper = min(interval_95(int(named.sum()), n)[1] / trials.searched, 1.0) if n else None
    return replace(
        point,
        threshold=threshold,
        measured_fpir=rate,
        fpir_upper_95=upper,
        fnir=float((trials.mated < threshold).mean()) if len(trials.mated) else None,
        false_matches=_false_matches(trials, named),
    )


def needed_for(max_fpir: float, subjects: int, searched: int, tail: Tail | None) -> Needed:
    """What `operating_point` misses where it promises nothing at this rate.

    Args:
        searched: how many searches the subjects gave who were left out in turn; more people are
            thought to be enrolled with as many photos each.
    """
    searches = int(np.ceil(RULE_OF_THREE / max_fpir))
    photos = searched / subjects if searched else _PHOTOS
    enough = []
    if searches <= MAX_TRIALS:
        enough.append(max(MIN_SUBJECTS, int(np.ceil(searches / photos))))
    if tail is not None:
        with_strangers = max(LEAST_SUBJECTS, searches - tail.strangers)
        # From there on the gallery speaks for itself, and the tail is not asked.
        enough += [with_strangers] if with_strangers < MIN_SUBJECTS else []
    missing = [people - subjects for people in enough if people > subjects]
    return Needed(min(missing, default=None), searches)


def _expected(trials: Trials, tail: Tail, max_fpir: float) -> float:
    """By the cohort's strangers; further up where this gallery's people are more alike than they.

    So a company of relatives, of children or of one region is not promised what strangers of all
    the world would keep. The drawn people of `rollcall demo` are such a company.
    """
    own = None
    if trials.comparisons is not None and len(trials.comparisons):
        own = float(np.quantile(trials.comparisons, 1 - tail.share))
    return tail.threshold(trials.subjects, max_fpir, own)


def _default(trials: Trials, tail: Tail, max_fpir: float) -> float:
    """As a backbone's default: what a company of 300 would need. Few people cannot show how alike
    they are, and the cohort's strangers may be less alike than the strangers here."""
    if trials.strangers or trials.subjects >= LEAST_SUBJECTS:
        return LOWEST
    return tail.threshold(DEFAULT_SUBJECTS, max_fpir)


def _faded(trials: Trials, measured: float, expected: float) -> float:
    """From what the cohort's tail expects to what this gallery measures, as the gallery grows."""
    if not np.isfinite(trials.nonmated).any():
        return expected
    own = trials.subjects / MIN_SUBJECTS
    return own * measured + (1 - own) * expected


def _fits(trials: Trials, threshold: float, max_fpir: float) -> bool:
    """Are these people as unlike each other as the cohort's strangers are?

    A company of relatives, of children or of one region may not be, and then the cohort promises
    too much. Photos of one subject are not independent, so subjects count, in shares.
    """
    named = trials.weights[trials.nonmated >= threshold].sum()
    if not trials.subjects or named < 1:
        return True
    searches = binomtest(
        min(int(named), trials.subjects), trials.subjects, max_fpir, alternative="greater"
    )
    return bool(searches.pvalue >= _UNLIKELY)


def _explanation(trials: Trials, max_fpir: float, tail: Tail | None, enough: bool) -> str:
    n = len(trials.nonmated)
    if trials.strangers:
        how = message("measured on {n} photos of strangers", n=n)
    else:
        how = message(
            "measured by leaving each of {subjects} subjects out in turn, {n} searches",
            subjects=trials.subjects,
            n=n,
        )
    if tail is not None:
        how = message(
            "{how}, and by {comparisons} comparisons of {strangers} strangers' photos",
            how=how,
            comparisons=tail.comparisons,
            strangers=tail.strangers,
        )
    if enough:
        return how
    needed = int(np.ceil(RULE_OF_THREE / max_fpir))
    if tail is not None:
        return message(
            "not enough data: {how}; {least} subjects and {needed} "
            "searches or strangers of a cohort are needed to "
            "promise {rate:.2%}; the stricter of the default and the measured threshold is used",
            how=how,
            least=LEAST_SUBJECTS,
            needed=needed,
            rate=max_fpir,
        )
    return message(
        "not enough data: {how}; {least} subjects and {needed} searches are needed to "
        "promise {rate:.2%}; the stricter of the default and the measured threshold is used",
        how=how,
        least=MIN_SUBJECTS,
        needed=needed,
        rate=max_fpir,
    )


def _false_matches(trials: Trials, named: NDArray[np.bool_]) -> tuple[FalseMatches, ...]:
    if trials.named is None:
        return ()
    counts = Counter(str(subject_id) for subject_id in trials.named[named])
    return tuple(
        FalseMatches(subject_id, count, count / counts.total())
        for subject_id, count in counts.most_common(_LISTED)
    )


def threshold_for(
    scores: NDArray[np.float64], weights: NDArray[np.float64], rate: float
) -> tuple[float, float]:
    """The threshold that a share `rate` of the weight reaches, and the scale of the tail.

    An exponential is laid through the highest tenth of the scores, because the few highest alone
    jump from one gallery to the next (research/head-on-faces.md 6.3).
    """
    named = np.isfinite(scores)
    if not named.any():
        return LOWEST, 0.0
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
