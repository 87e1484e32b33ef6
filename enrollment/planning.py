"""Which learner tonight, and why, in a sentence."""

from dataclasses import dataclass, field, replace

from enrollment.errors import BadInput
from enrollment.night_trials import PHOTO_FOLDS, SUBJECT_FOLDS
from models.head_trainer import FitOptions, capacity_for
from models.learners import (
    Imprint,
    Joint,
    Learner,
    Local,
    Pseudo,
    Regularizers,
    Rehearsal,
    SideBySide,
)
from wording.message import message

MODES = ("joint", "local", "rehearsal", "pseudo", "merged", "imprint")
# Multiply-adds a second of a training on this product's 2-core reference machine, until a night
# has measured it: `python -m benchmarks.night_cost`.
ASSUMED_THROUGHPUT = 2e9


@dataclass(frozen=True)
class NightPolicy:
    """What a night may cost, and what it may learn from.

    keep: "all" stored embeddings, a few "exemplars" of each subject, or "statistics" alone.
    mode: one of MODES to insist on it; None lets the planner choose.
    proximal: how strongly a training over everything is pulled towards the head that was merged
    with another site's last; 0 switches it off.
    """

    budget_seconds: float = 600.0
    keep: str = "all"
    exemplars: int = 5
    mode: str | None = None
    proximal: float = 0.0
    options: FitOptions = field(default_factory=FitOptions)


@dataclass(frozen=True)
class Work:
    """How much there is to learn. throughput: multiply-adds a second as measured, or None."""

    templates: int
    subjects: int
    changed: int
    dimension: int
    erased_since: bool
    throughput: float | None


@dataclass(frozen=True)
class NightPlan:
    learner: Learner
    sentence: str
    estimated_seconds: float
    budget_seconds: float


def plan(work: Work, policy: NightPolicy, full: bool = False) -> NightPlan:
    """Choose a learner. Every training is repeated for each fold that it is judged on."""
    mode, why = _choose(work, policy, full)
    learner = learner_for(mode, policy)
    seconds = estimate(work, mode, policy)
    sentence = message("{mode}: {why}", mode=mode_word(mode), why=why)
    return NightPlan(learner, sentence, seconds, policy.budget_seconds)


def mode_word(mode: str) -> str:
    """As it is called in sentences, and on the command line."""
    words = {
        "joint": message("joint"),
        "local": message("local"),
        "rehearsal": message("rehearsal"),
        "pseudo": message("pseudo"),
        "merged": message("merged"),
        "imprint": message("imprint"),
    }
    return words[mode]


def learner_for(mode: str, policy: NightPolicy) -> Learner:
    """The recipe of a mode."""
    near = Regularizers(proximal=policy.proximal)
    learners: dict[str, Learner] = {
        "joint": Joint(policy.options, near),
        "merged": SideBySide(policy.options, near),
        "local": Local(options=replace(policy.options, margin=0.35, average=0.5)),
        "rehearsal": Rehearsal(policy.exemplars, policy.options),
        "pseudo": Pseudo(options=policy.options),
        "imprint": Imprint(),
    }
    return learners[mode]


def estimate(work: Work, mode: str, policy: NightPolicy) -> float:
    """Seconds of training, its repetitions for the folds included."""
    if mode == "imprint":
        return 0.0
    shown = {
        "joint": work.templates,
        "merged": work.templates,
        "local": min(work.templates, 21 * work.changed * work.templates // max(work.subjects, 1)),
        "rehearsal": min(work.templates, max(256, 20 * work.changed)),
        "pseudo": 5 * work.subjects + 10 * work.changed,
    }[mode]
    rows = min(work.subjects, 21 * work.changed) if mode == "local" else work.subjects
    # Forward, and backward to the rows: three products a step.
    products = 3.0 * shown * capacity_for(rows) * work.dimension * policy.options.epochs
    trainings = 1 + PHOTO_FOLDS + SUBJECT_FOLDS
    return trainings * products / (work.throughput or ASSUMED_THROUGHPUT)


def _choose(work: Work, policy: NightPolicy, full: bool) -> tuple[str, str]:
    if policy.mode:
        return policy.mode, message("it was asked for")
    if work.subjects < 2:
        return "imprint", message("with one person there is nobody to tell apart")
    if full:
        return "joint", message("a full training was asked for")
    return _by_what_is_kept(work, policy) if policy.keep != "all" else _by_cost(work, policy)


def _by_what_is_kept(work: Work, policy: NightPolicy) -> tuple[str, str]:
    if policy.keep == "statistics":
        return "pseudo", message(
            "the policy keeps statistics alone, so old people are drawn from them"
        )
    return "rehearsal", message("the policy keeps {n} exemplars of each person", n=policy.exemplars)


def _by_cost(work: Work, policy: NightPolicy) -> tuple[str, str]:
    joint, local = (estimate(work, mode, policy) for mode in ("joint", "local"))
    cost = message(
        "about {seconds:.0f} s of training, {allowed:.0f} s are allowed",
        seconds=joint,
        allowed=policy.budget_seconds,
    )
    if work.erased_since:
        return "joint", message(
            "somebody was erased, so no row may be carried over ({cost})", cost=cost
        )
    if joint <= policy.budget_seconds:
        return "joint", message("training everything anew is affordable ({cost})", cost=cost)
    if local <= policy.budget_seconds:
        return "local", message(
            "training everything anew would take too long ({cost}); "
            "the newcomers and their neighbours take about {seconds:.0f} s",
            cost=cost,
            seconds=local,
        )
    return "imprint", message("any training would take too long ({cost})", cost=cost)


def checked_mode(mode: str | None) -> str | None:
    """Raises BadInput when this is no mode."""
    if mode is not None and mode not in MODES:
        raise BadInput(f"--mode is one of {', '.join(MODES)}, not {mode}")
    return mode
