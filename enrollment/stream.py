"""Nights of arrivals, played on embeddings: what does a method forget, and what does it cost?

The protocol is LFW-CIL-30's (research/head-on-faces.md 1): a quarter of the people on the first
day, the others in about equal nights, and after each night everybody who is there is searched for.
Pure: the same embeddings, nights and seed give the same answers; only the seconds differ.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import (
    OperatingPoint,
    leave_subjects_out,
    operating_point,
)
from enrollment.cohort import MIN_STRANGERS as MIN_COHORT
from enrollment.cohort import Cohort, Kind, build_cohort, formula_of, held_out_lowering, lowering_of
from enrollment.errors import BadInput
from enrollment.steadiness import Before, steadied, steady_threshold
from enrollment.stream_result import (
    NOBODY,
    Answers,
    MethodResult,
    Night,
    beside_joint,
    measure,
)
from models.comparison import NearestTemplate, RidgeHead, StreamingLda
from models.fisher import diagonal_fisher, online_fisher
from models.head import SoftmaxHead
from models.head_trainer import Examples, FitOptions, HeadTrainer, Restraint, capacity_for
from models.herding import herd
from models.learners import (
    Imprint,
    Joint,
    Learner,
    Lesson,
    Local,
    Pseudo,
    Regularizers,
    Rehearsal,
)

MIN_PHOTOS = 4
MIN_PEOPLE = 8
MIN_STRANGERS = 2  # one for each half
MAX_TRAINED = 10
_TESTED = 0.3  # of a person's photos
_FIRST_DAY = 0.25  # of the people
_MAX_FPIR = 0.01

# The strengths without old data are ten times those with it, as in research/head.md 2.1.
LEARNERS: Mapping[str, Learner] = {
    "imprint": Imprint(),
    "naive": Rehearsal(0),
    "rehearsal_k1": Rehearsal(1, shown=None),
    "rehearsal_k3": Rehearsal(3, shown=None),
    "rehearsal_k5": Rehearsal(5, shown=None),
    "rehearsal_k10": Rehearsal(10, shown=None),
    "rehearsal_k3_near": Rehearsal(3),
    "rehearsal_k3_ewc": Rehearsal(3, regularizers=Regularizers(ewc=10), shown=None),
    "rehearsal_k3_distill": Rehearsal(3, regularizers=Regularizers(distill=1), shown=None),
    "ewc": Rehearsal(0, regularizers=Regularizers(ewc=100)),
    "distill": Rehearsal(0, regularizers=Regularizers(distill=1)),
    "l2sp": Rehearsal(0, regularizers=Regularizers(l2sp=0.1)),
    "local": Local(),
    "pseudo": Pseudo(),
    "joint": Joint(),
}
METHODS = (*LEARNERS, "nearest", "slda", "ridge", "joint_served", "served")
_Number = TypeVar("_Number", np.float32, np.float64)


@dataclass(frozen=True)
class Stream:
    """Who arrives when, and with what. People are positions, in the order of arrival.

    arrivals: (people,) the night each one comes on, from 0, never falling, no night without
    anybody; train, test: (n, dimension) unit rows; train_owners, test_owners: (n,) whose each is,
    never falling; calibration_strangers, test_strangers: (n, dimension).
    """

    subject_ids: tuple[str, ...]
    arrivals: NDArray[np.intp]
    train: NDArray[np.float32]
    train_owners: NDArray[np.intp]
    test: NDArray[np.float32]
    test_owners: NDArray[np.intp]
    calibration_strangers: NDArray[np.float32]
    test_strangers: NDArray[np.float32]

    @property
    def nights(self) -> int:
        """Without the first day, which is night 0."""
        return int(self.arrivals[-1])

    @property
    def dimension(self) -> int:
        return int(self.train.shape[1])

    def people(self, night: int) -> int:
        """How many are there after a night; nobody is before night 0."""
        return int(np.searchsorted(self.arrivals, night, side="right"))

    def newcomers(self, night: int) -> dict[str, NDArray[np.float32]]:
        """Who arrives on a night, and their (n, dimension) to learn from."""
        here = range(self.people(night - 1), self.people(night))
        return {self.subject_ids[i]: self.train[self.train_owners == i] for i in here}

    def lesson(
        self,
        night: int,
        champion: NDArray[np.float32],
        importance: NDArray[np.float64] | None = None,
    ) -> Lesson:
        """What may be learnt on a night.

        Args:
            champion, importance: (people the night before, dimension); newcomers get zero rows.
        """
        people = self.people(night)
        mine = self.train_owners < people
        return Lesson(
            subject_ids=self.subject_ids[:people],
            vectors=self.train[mine],
            owners=self.train_owners[mine],
            champion=_lengthened(champion, people),
            changed=self.arrivals[:people] == night,
            importance=None if importance is None else _lengthened(importance, people),
        )

    def probes(self, night: int) -> NDArray[np.float32]:
        """(n, dimension): the test photos of all who are there, in the order of arrival."""
        return self.test[self.test_owners < self.people(night)]


def make_stream(
    vectors_by_subject: Mapping[str, NDArray[np.float32]],
    strangers: NDArray[np.float32],
    nights: int,
    seed: int,
) -> Stream:
    """Draw who comes when, which photos are for testing, and the strangers' halves.

    Args:
        vectors_by_subject: (n, dimension) unit rows each; people with fewer than `MIN_PHOTOS` are
            left out.
        strangers: (n, dimension) unit rows, n >= 2.
        nights: that bring somebody, after the first day.

    Raises:
        BadInput: too few people, strangers or nights, or more nights than people who arrive.
    """
    ids = sorted(s for s, vectors in vectors_by_subject.items() if len(vectors) >= MIN_PHOTOS)
    first = _first_day(len(ids))
    check_sizes([len(vectors) for vectors in vectors_by_subject.values()], len(strangers), nights)
    rng = np.random.default_rng(seed)
    order = [ids[i] for i in rng.permutation(len(ids))]
    train, test = [], []
    for subject_id in order:
        vectors = vectors_by_subject[subject_id]
        shuffled = vectors[rng.permutation(len(vectors))]
        tested = max(1, round(_TESTED * len(vectors)))
        test.append(shuffled[:tested])
        train.append(shuffled[tested:][:MAX_TRAINED])
    halves = rng.permutation(len(strangers))
    later = np.array_split(np.arange(len(ids) - first), nights)
    sizes = [first, *map(len, later)]
    return Stream(
        subject_ids=tuple(order),
        arrivals=np.repeat(np.arange(nights + 1), sizes),
        train=np.concatenate(train),
        train_owners=np.repeat(np.arange(len(ids)), [len(each) for each in train]),
        test=np.concatenate(test),
        test_owners=np.repeat(np.arange(len(ids)), [len(each) for each in test]),
        calibration_strangers=strangers[halves[: len(strangers) // 2]],
        test_strangers=strangers[halves[len(strangers) // 2 :]],
    )


def check_sizes(photos: Sequence[int], strangers: int, nights: int) -> None:
    """Can a stream be made of them? To be asked before an hour is spent on embeddings, too.

    Args:
        photos: of each person, the number.

    Raises:
        BadInput: too few people, strangers or nights, or more nights than people who arrive.
    """
    people = sum(n >= MIN_PHOTOS for n in photos)
    arriving = people - _first_day(people)
    if people < MIN_PEOPLE:
        raise BadInput(
            f"{people} people have {MIN_PHOTOS} photos with a usable face; at least {MIN_PEOPLE} "
            "such people are needed"
        )
    if strangers < MIN_STRANGERS:
        raise BadInput(
            f"{strangers} photos of strangers have a usable face; at least {MIN_STRANGERS} are "
            "needed, and hundreds to say anything"
        )
    if nights < 1:
        raise BadInput(f"at least 1 night is needed, not {nights}")
    if nights > arriving:
        raise BadInput(
            f"{arriving} people arrive after the first day, so at most {arriving} nights can be "
            f"played, not {nights}"
        )


def check_methods(methods: Sequence[str]) -> None:
    """Raises BadInput when there is no such method."""
    for name in methods:
        if name not in METHODS:
            raise BadInput(f"there is no method {name!r}; choose from {', '.join(METHODS)}")


def play(
    stream: Stream,
    methods: Sequence[str],
    prior_threshold: float,
    tick: Callable[[], None] = lambda: None,
    trainer: HeadTrainer | None = None,
) -> list[MethodResult]:
    """Every method lives through all nights; what it keeps from one to the next is its own.

    Args:
        methods: of `METHODS`; what is relative to the full retrain needs `joint` among them.
        prior_threshold: the backbone's, for a gallery too small to measure its own.
        tick: called after each method's night.
        trainer: to be used again for another stream of this dimension; None makes one.

    Raises:
        BadInput: there is no such method.
    """
    check_methods(methods)
    trainer = trainer or HeadTrainer(stream.dimension)
    _compile(trainer, stream, methods)
    results = []
    for name in dict.fromkeys(methods):
        player = _player(name, stream, prior_threshold, trainer)
        nights = []
        for night in range(stream.nights + 1):
            nights.append(_play_night(player, stream, night))
            tick()
        results.append(measure(name, nights, stream.test_owners, stream.arrivals))
    return beside_joint(results)


class _Player(Protocol):
    """A method with what it remembers. threshold: its own one as of tonight, if it sets one."""

    @property
    def threshold(self) -> float | None: ...

    def learn(self, stream: Stream, night: int) -> None: ...

    def answer(self, probes: NDArray[np.float32]) -> Answers: ...

    def strangers(self, calibration: NDArray[np.float32]) -> NDArray[np.float64]:
        """The scores of the strangers that a threshold may be read off."""
        ...


def _player(name: str, stream: Stream, prior: float, trainer: HeadTrainer) -> _Player:
    if name in LEARNERS:
        return _Trained(LEARNERS[name], trainer)
    closed: dict[str, Callable[[], _Player]] = {
        "nearest": lambda: _Grown(NearestTemplate()),
        "slda": lambda: _Grown(StreamingLda(stream.dimension)),
        "ridge": lambda: _Grown(RidgeHead(stream.dimension)),
        "joint_served": lambda: _Indexed(_Trained(LEARNERS["joint"], trainer), stream, prior),
        "served": partial(_Served, stream, prior),
    }
    return closed[name]()


def _play_night(player: _Player, stream: Stream, night: int) -> Night:
    started, cpu_started = time.perf_counter(), time.process_time()
    player.learn(stream, night)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    return Night(
        probes=player.answer(stream.probes(night)),
        calibration=player.strangers(stream.calibration_strangers),
        strangers=player.answer(stream.test_strangers).scores,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        threshold=player.threshold,
    )


class _Trained:
    """A learner, with the champion and, for EWC, its importance as of the last night."""

    threshold = None

    def __init__(self, learner: Learner, trainer: HeadTrainer) -> None:
        self._learner = learner
        self._trainer = trainer
        self._rows = np.zeros((0, trainer.dimension), np.float32)
        self._importance = (
            np.zeros((0, trainer.dimension), np.float64) if _weighs_old_rows(learner) else None
        )

    def learn(self, stream: Stream, night: int) -> None:
        lesson = stream.lesson(night, self._rows, self._importance)
        self._rows = self._learner.learn(lesson, self._trainer)
        if lesson.importance is not None and isinstance(self._learner, Rehearsal):
            seen = _seen(lesson, self._learner.exemplars)
            now = diagonal_fisher(self._rows, seen, self._learner.options.scale)
            self._importance = online_fisher(lesson.importance, now)

    def answer(self, probes: NDArray[np.float32]) -> Answers:
        return _best(probes @ self._rows.T)

    def strangers(self, calibration: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.answer(calibration).scores


def _weighs_old_rows(learner: Learner) -> bool:
    return isinstance(learner, Rehearsal) and learner.regularizers.ewc > 0


def _seen(lesson: Lesson, exemplars: int) -> NDArray[np.float32]:
    """The vectors that a rehearsal may look at: EWC without old data measures no old data."""
    seen = [lesson.vectors[lesson.changed[lesson.owners]]]
    for subject in np.flatnonzero(~lesson.changed) if exemplars else ():
        mine = lesson.vectors[lesson.owners == subject]
        seen.append(mine[herd(mine, exemplars)])
    return np.concatenate(seen)


class _Growing(Protocol):
    def add(self, subject_id: str, vectors: NDArray[np.float32]) -> None: ...

    def scores(self, probes: NDArray[np.float32]) -> NDArray[np.float64]: ...


class _Grown:
    """A closed form: it meets the newcomers alone."""

    threshold = None

    def __init__(self, head: _Growing) -> None:
        self._head = head

    def learn(self, stream: Stream, night: int) -> None:
        for subject_id, vectors in stream.newcomers(night).items():
            self._head.add(subject_id, vectors)
        self._head.scores(stream.train[:1])  # what is solved when first asked is learning too

    def answer(self, probes: NDArray[np.float32]) -> Answers:
        return _best(self._head.scores(probes))

    def strangers(self, calibration: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.answer(calibration).scores


class _Strangers:
    """A cohort of the calibration strangers, where they are enough for one."""

    def __init__(self, stream: Stream, prior_threshold: float) -> None:
        strangers = stream.calibration_strangers
        self.cohort: Cohort | None = None
        self._strangers = strangers
        if len(strangers) >= MIN_COHORT:
            self.cohort = build_cohort(
                strangers, Kind.CENTROIDS, "", prior_threshold, "the stream's strangers", ""
            )

    def lowered(self, found: Answers, probes: NDArray[np.float32]) -> Answers:
        return replace(found, scores=found.scores - lowering_of(self.cohort)(probes))

    def lowered_themselves(self, found: Answers) -> NDArray[np.float64]:
        """The cohort is made from them: each is measured against one that it is not in."""
        if self.cohort is None:
            return found.scores
        return found.scores - held_out_lowering(self._strangers, self.cohort.kind)


class _Indexed:
    """Trained rows as a gallery would serve them: with a cohort, and the nearest template agrees.

    The threshold is read off the calibration strangers, not set as a gallery sets it.
    """

    threshold = None

    def __init__(self, rows: _Trained, stream: Stream, prior_threshold: float) -> None:
        self._rows = rows
        self._index = NearestTemplate()
        self._strangers = _Strangers(stream, prior_threshold)

    def learn(self, stream: Stream, night: int) -> None:
        self._rows.learn(stream, night)
        for subject_id, vectors in stream.newcomers(night).items():
            self._index.add(subject_id, vectors)

    def answer(self, probes: NDArray[np.float32]) -> Answers:
        return self._strangers.lowered(self._agreed(probes), probes)

    def strangers(self, calibration: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._strangers.lowered_themselves(self._agreed(calibration))

    def _agreed(self, probes: NDArray[np.float32]) -> Answers:
        return _agreed(self._rows.answer(probes), self._index.scores(probes))


class _Served:
    """What a gallery serves: imprinted rows, and nobody where the nearest template disagrees.

    So a probe whose candidate is right but not agreed on counts as wrong. Scores are measured
    against a cohort of the calibration strangers, where they are enough for one. The threshold is
    set every night from the gallery alone, and goes steadily, as `Calibrator` does it.
    """

    def __init__(self, stream: Stream, prior_threshold: float) -> None:
        self._prior = prior_threshold
        self._head = SoftmaxHead(stream.dimension)
        self._index = NearestTemplate()
        self._strangers = _Strangers(stream, prior_threshold)
        self._point: OperatingPoint | None = None

    @property
    def threshold(self) -> float | None:
        return self._point.threshold if self._point else None

    def learn(self, stream: Stream, night: int) -> None:
        for subject_id, vectors in stream.newcomers(night).items():
            self._head.expand(subject_id, vectors)
            self._index.add(subject_id, vectors)
        here = stream.train_owners < stream.people(night)
        owners = [stream.subject_ids[i] for i in stream.train_owners[here]]
        cohort = self._strangers.cohort
        trials = leave_subjects_out(stream.train[here], owners, lowering_of(cohort))
        measured = operating_point(
            trials,
            _MAX_FPIR,
            self._prior,
            night,
            tail=cohort.tail if cohort else None,
            score=formula_of(cohort),
        )
        last = Before(self._point, self._point) if self._point else None
        self._point = steadied(measured, steady_threshold(measured, last), trials)

    def answer(self, probes: NDArray[np.float32]) -> Answers:
        return self._strangers.lowered(self._agreed(probes), probes)

    def strangers(self, calibration: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._strangers.lowered_themselves(self._agreed(calibration))

    def _agreed(self, probes: NDArray[np.float32]) -> Answers:
        return _agreed(_best(self._head.scores(probes)), self._index.scores(probes))


def _agreed(found: Answers, by_index: NDArray[np.floating]) -> Answers:
    agrees = by_index.argmax(axis=1) == found.best
    return Answers(np.where(agrees, found.best, NOBODY), np.where(agrees, found.scores, -np.inf))


def _best(scores: NDArray[np.floating]) -> Answers:
    """Args: scores: (n, people)."""
    best = scores.argmax(axis=1)
    return Answers(best, np.take_along_axis(scores, best[:, None], 1)[:, 0].astype(np.float64))


def _lengthened(rows: NDArray[_Number], people: int) -> NDArray[_Number]:
    return np.concatenate([rows, np.zeros((people - len(rows), rows.shape[1]), rows.dtype)])


def _compile(trainer: HeadTrainer, stream: Stream, methods: Sequence[str]) -> None:
    """Make every network that will be needed, so that no method's seconds pay for another's."""
    trained = [LEARNERS[name] for name in methods if name in LEARNERS and name != "imprint"]
    rng = np.random.default_rng(0)
    capacity = capacity_for(stream.people(stream.nights))
    while trained and capacity >= capacity_for(1):
        rows = rng.normal(size=(capacity, stream.dimension)).astype(np.float32)
        one = Examples(rows[:1], np.zeros(1, np.intp), np.ones(1, np.float32))
        for teaching in {_distils(learner) for learner in trained}:
            trainer.fit(rows, one, FitOptions(epochs=1), Restraint(rows, None, float(teaching)))
        capacity //= 2


def _first_day(people: int) -> int:
    return max(2, round(_FIRST_DAY * people))


def _distils(learner: Learner) -> bool:
    if isinstance(learner, Rehearsal):
        return learner.regularizers.distill > 0
    return isinstance(learner, Pseudo)
