"""May a head go live? Every check, its number, and what it says to a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scipy.stats import binomtest

from enrollment.forgetting import Comparison
from wording.message import joined, message

PerSubject = Mapping[str, tuple[tuple[int, int], tuple[int, int]]]


@dataclass(frozen=True)
class PromotionPolicy:
    """The limits of research/head.md 3.7. Shares are fractions of 1.

    A share is judged from `enough` photos on; below that one photo would be more than the limit.
    `own_photos` is 100 % there: one photo that is another's would block every night until it is
    found, so it blocks when there are more than one and 1 %.
    """

    negative_flips: float = 0.005
    mcnemar_p: float = 0.05
    had: float = 2 / 3
    new_recall: float = 0.90
    own_photos: float = 0.99
    new_below_old: float = 0.05
    intrusion: float = 0.010
    fpir_above_asked: float = 0.25
    find_rate_loss: float = 0.005
    agreement: float = 0.98
    calibration_error: float = 0.03
    seconds: float = 1800.0
    memory_mb: float = 6000.0
    enough: int = 20


@dataclass(frozen=True)
class Measured:
    """What one head does, as served at its own threshold.

    found, probes: held-out photos that are named rightly; right: nearest row is the right one;
    fpir: share of strangers named, None where nobody could be one.
    """

    probes: int
    right: int
    found: int
    threshold: float
    fpir: float | None
    fpir_upper_95: float | None
    stranger_searches: int
    promise: str
    calibration_error: float | None

    @property
    def find_rate(self) -> float:
        return self.found / self.probes if self.probes else 0.0


@dataclass(frozen=True)
class Check:
    """passed: None where there is too little to judge by. words: for people, with names.

    nameless: the same without names, for records that outlive the people.
    """

    name: str
    passed: bool | None
    limit: str
    value: str
    words: str = ""
    nameless: str = ""


@dataclass(frozen=True)
class PromotionDecision:
    checks: tuple[Check, ...]

    @property
    def promoted(self) -> bool:
        return all(check.passed is not False for check in self.checks)

    def words(self, nameless: bool = False) -> str:
        """Why not, one clause a failed check."""
        failed = [check for check in self.checks if check.passed is False]
        said = [(c.nameless if nameless else "") or c.words or c.name for c in failed]
        return joined(said) if said else ""


@dataclass(frozen=True)
class Candidate:
    """A head that asks to go live.

    rows_problem: None, or why its rows are no head's. own_right, own_photos: of the newcomers'
    photos that it learnt from, those whose own row is the nearest.
    """

    measured: Measured
    rows_problem: str | None
    seconds: float
    memory_mb: float
    own_right: int = 0
    own_photos: int = 0


def decide(
    candidate: Candidate,
    means: Measured,
    comparison: Comparison | None,
    subjects: PerSubject,
    names: Mapping[str, str],
    max_fpir: float,
    policy: PromotionPolicy,
) -> PromotionDecision:
    """Judge a head against the one that serves.

    Args:
        means: what the plain means do tonight, which serve otherwise. Not yesterday's rate: more
            people ask for a higher threshold, and no head can help that.
        comparison: with the head that serves; None on the first night.
        subjects: (right, photos) before and after; names: subject id -> name.
    """
    checks = [
        _integrity(candidate),
        _own_photos(candidate, policy),
        _strangers(candidate.measured, max_fpir, policy),
    ]
    checks.append(_find_rate(candidate.measured, means, policy))
    if comparison is not None:
        worse = {s: (b, a) for s, (b, a) in subjects.items() if a[0] < b[0]}
        checks.append(_old_people(comparison, worse, names, policy))
        checks.append(_nobody_lost(worse, names, policy))
        checks += _against(comparison, policy)
    checks += [_calibration(candidate.measured, policy), *_cost(candidate, policy)]
    return PromotionDecision(tuple(checks))


def better_than_imprint(
    challenger: Measured, imprint: Measured, found_only: tuple[int, int]
) -> Check:
    """Training has to earn its place: it must find clearly more than the plain means do.

    Args:
        found_only: photos found by the challenger alone, and by the imprinted head alone.
    """
    gained, lost = found_only
    p = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    better = gained > lost and p < 0.05
    words = message(
        "training is no better than the plain means: found {found:.1%} instead of "
        "{means:.1%} ({gained} photos more, {lost} fewer, p = {p:.2f})",
        found=challenger.find_rate,
        means=imprint.find_rate,
        gained=gained,
        lost=lost,
        p=p,
    )
    return Check(
        "better than plain imprinting",
        better,
        message("clearly more found, p < 0.05"),
        message("+{gained} -{lost}, p = {p:.2f}", gained=gained, lost=lost, p=p),
        "" if better else words,
    )


def _integrity(candidate: Candidate) -> Check:
    problem = candidate.rows_problem
    return Check(
        "integrity",
        problem is None,
        message("finite unit rows, one for each active person"),
        problem or message("as it should be"),
        message("the head is damaged: {problem}", problem=problem) if problem else "",
    )


def _own_photos(candidate: Candidate, policy: PromotionPolicy) -> Check:
    wrong = candidate.own_photos - candidate.own_right
    return Check(
        "newcomers' own photos",
        wrong <= max(1, int((1 - policy.own_photos) * candidate.own_photos))
        if candidate.own_photos
        else None,
        message("at least {share:.0%} are nearest to their own row", share=policy.own_photos),
        message("{n} of {all}", n=candidate.own_right, all=candidate.own_photos),
        message("{n} photos that newcomers were enrolled with look like somebody else's", n=wrong),
    )


def _strangers(measured: Measured, max_fpir: float, policy: PromotionPolicy) -> Check:
    limit = max_fpir * (1 + policy.fpir_above_asked)
    if measured.fpir is None or measured.promise != "kept":
        return Check(
            "strangers",
            None,
            message("at most {rate:.2%} named", rate=limit),
            message("not enough data ({n} searches)", n=measured.stranger_searches),
        )
    return Check(
        "strangers",
        measured.fpir <= limit,
        message("at most {rate:.2%} named", rate=limit),
        message("{rate:.2%} of {n}", rate=measured.fpir, n=measured.stranger_searches),
        message(
            "strangers would be named {rate:.1%} of the time, {asked:.1%} was asked for",
            rate=measured.fpir,
            asked=max_fpir,
        ),
    )


def _old_people(
    compared: Comparison, worse: PerSubject, names: Mapping[str, str], policy: PromotionPolicy
) -> Check:
    allowed = max(1, int(policy.negative_flips * compared.probes))
    lopsided = (
        compared.negative_flips > compared.positive_flips and compared.mcnemar_p < policy.mcnemar_p
    )
    told = message(
        "{n} of {photos} photos that were right would be wrong",
        n=compared.negative_flips,
        photos=compared.probes,
    )
    return Check(
        "old people",
        compared.negative_flips <= allowed and not lopsided,
        message("at most {n} of {all} photos newly wrong", n=allowed, all=compared.probes),
        message(
            "{wrong} newly wrong, {right} newly right",
            wrong=compared.negative_flips,
            right=compared.positive_flips,
        ),
        message("{told} ({people})", told=told, people=_shown(worse, names)),
        told,
    )


def _against(compared: Comparison, policy: PromotionPolicy) -> Iterator[Check]:
    judged = compared.probes >= policy.enough
    yield Check(
        "agreement",
        compared.agreement >= policy.agreement if judged else None,
        message("at least {share:.0%} of answers unchanged", share=policy.agreement),
        f"{compared.agreement:.1%}",
        message("only {share:.1%} of the answers stay as they are", share=compared.agreement),
    )
    yield Check(
        "intrusion",
        compared.intrusions <= max(1, int(policy.intrusion * compared.probes)),
        message(
            "at most {share:.1%} of old people's photos answered with a newcomer",
            share=policy.intrusion,
        ),
        message("{n} of {all}", n=compared.intrusions, all=compared.probes),
        message("{n} photos of old people would be taken for newcomers", n=compared.intrusions),
    )
    yield _newcomers(compared, policy)


def _find_rate(after: Measured, means: Measured, policy: PromotionPolicy) -> Check:
    # One photo more or fewer is no loss, however few there are.
    lost = means.find_rate - after.find_rate
    kept = lost <= max(policy.find_rate_loss, 1 / max(after.probes, 1))
    return Check(
        "find rate",
        kept if after.probes >= policy.enough else None,
        message("at most {share:.1%} below the plain means'", share=policy.find_rate_loss),
        message("{after:.1%}, the means {means:.1%}", after=after.find_rate, means=means.find_rate),
        message(
            "people would be found less often: {before:.1%} -> {after:.1%}",
            before=means.find_rate,
            after=after.find_rate,
        ),
    )


def _newcomers(compared: Comparison, policy: PromotionPolicy) -> Check:
    judged = compared.new_probes >= policy.enough
    recall = compared.new_right / compared.new_probes if compared.new_probes else 0.0
    old = compared.old_right / compared.probes if compared.probes else 0.0
    return Check(
        "newcomers",
        recall >= max(policy.new_recall, old - policy.new_below_old) if judged else None,
        message("at least {share:.0%} right", share=policy.new_recall),
        message("{n} of {all}", n=compared.new_right, all=compared.new_probes),
        message(
            "newcomers are recognised in {right} of {n} photos only",
            right=compared.new_right,
            n=compared.new_probes,
        ),
    )


def _nobody_lost(worse: PerSubject, names: Mapping[str, str], policy: PromotionPolicy) -> Check:
    lost = {
        subject: (before, after)
        for subject, (before, after) in worse.items()
        if before[0] / before[1] >= policy.had and after[0] == 0
    }
    return Check(
        "every single person",
        not lost,
        message("nobody who was recognised in two of three photos is lost"),
        message(
            "{lost} lost, {worse} recognised in fewer photos", lost=len(lost), worse=len(worse)
        ),
        message("lost: {people}", people=_shown(lost, names)),
        message("{n} people would be lost", n=len(lost)),
    )


def _shown(people: PerSubject, names: Mapping[str, str]) -> str:
    """`Anna 5/5 -> 3/5`, those who lost most first, and at most five of them."""
    order = sorted(people.items(), key=lambda item: item[1][1][0] - item[1][0][0])
    shown = [f"{names.get(s, s)} {b[0]}/{b[1]} -> {a[0]}/{a[1]}" for s, (b, a) in order]
    few = ", ".join(shown[:5])
    return message("{people} and {n} more", people=few, n=len(shown) - 5) if shown[5:] else few


def _calibration(measured: Measured, policy: PromotionPolicy) -> Check:
    error = measured.calibration_error
    return Check(
        "calibration",
        None if error is None else error <= policy.calibration_error,
        message("error at most {share:.0%}", share=policy.calibration_error),
        message("too few photos") if error is None else f"{error:.2%}",
        "" if error is None else message("its probabilities are off by {share:.1%}", share=error),
    )


def _cost(candidate: Candidate, policy: PromotionPolicy) -> Iterator[Check]:
    yield Check(
        "time",
        candidate.seconds <= policy.seconds,
        message("at most {n:.0f} s", n=policy.seconds),
        f"{candidate.seconds:.1f} s",
        message("it took {seconds:.0f} s", seconds=candidate.seconds),
    )
    yield Check(
        "memory",
        candidate.memory_mb <= policy.memory_mb,
        message("at most {n:.0f} MB", n=policy.memory_mb),
        f"{candidate.memory_mb:.0f} MB",
        message("it took {megabytes:.0f} MB", megabytes=candidate.memory_mb),
    )
