"""Ways to learn a night's head. All are pure: the same lesson gives the same rows."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.fisher import diagonal_fisher
from models.head import imprint
from models.head_trainer import (
    Examples,
    FitOptions,
    HeadTrainer,
    Restraint,
    Tick,
    balanced_weights,
    unit_rows,
)
from models.herding import herd


@dataclass(frozen=True)
class Lesson:
    """What a night may learn from. Row i of a head belongs to `subject_ids[i]`.

    vectors: (n, dimension) unit rows, each subject has at least one; owners: (n,) whose each is,
    as positions; champion: (subjects, dimension) the serving head, zero rows for newcomers;
    changed: (subjects,) newcomers, and those whose photos are others than the champion learnt.
    importance: of the champion's numbers, for EWC; None computes it from the vectors.
    sites: (n,) at which site each vector was enrolled; None: all at one.
    anchor: (subjects, dimension) a head that is shared with another site, zero rows for those whom
    it has not; None: there is none.
    """

    subject_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    owners: NDArray[np.intp]
    champion: NDArray[np.float32]
    changed: NDArray[np.bool_]
    importance: NDArray[np.float64] | None = None
    sites: NDArray[np.intp] | None = None
    anchor: NDArray[np.float32] | None = None

    def of_vectors(self, kept: NDArray[np.bool_]) -> "Lesson":
        """The same subjects, with these of the vectors alone."""
        sites = None if self.sites is None else self.sites[kept]
        return replace(self, vectors=self.vectors[kept], owners=self.owners[kept], sites=sites)

    def of_subjects(
        self, subjects: NDArray[np.intp], chosen: NDArray[np.intp] | NDArray[np.bool_]
    ) -> "Lesson":
        """The lesson of these subjects, as positions in order, and of these vectors of theirs."""
        position = np.full(len(self.subject_ids), -1, np.intp)
        position[subjects] = np.arange(len(subjects))
        return Lesson(
            subject_ids=tuple(self.subject_ids[i] for i in subjects),
            vectors=self.vectors[chosen],
            owners=position[self.owners[chosen]],
            champion=self.champion[subjects],
            changed=self.changed[subjects],
            importance=None if self.importance is None else self.importance[subjects],
            sites=None if self.sites is None else self.sites[chosen],
            anchor=None if self.anchor is None else self.anchor[subjects],
        )

    def means(self) -> NDArray[np.float32]:
        """(subjects, dimension): every subject imprinted from its own vectors."""
        dimension = self.vectors.shape[1]
        order = np.argsort(self.owners, kind="stable")
        bounds = np.searchsorted(self.owners[order], np.arange(len(self.subject_ids) + 1))
        rows = [
            imprint(self.vectors[order[start:stop]], dimension) for start, stop in pairwise(bounds)
        ]
        return np.stack(rows) if rows else np.empty((0, dimension), np.float32)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(subjects,): those that the champion has a row for."""
        return np.asarray(self.champion.any(axis=1))


class Learner(Protocol):
    """A recipe for a head."""

    @property
    def name(self) -> str:
        """The mode it is reported as."""

    def learn(
        self, lesson: Lesson, trainer: HeadTrainer, tick: Tick = lambda share: None
    ) -> NDArray[np.float32]:
        """(subjects, dimension) unit rows."""


@dataclass(frozen=True)
class Regularizers:
    """What keeps the old rows where they are; zero switches one off, and they add up.

    ewc: strength of the Fisher-weighted penalty; l2sp: of the plain one (Li et al., ICML 2018);
    distill: weight of the champion's softened answers; proximal: strength of the pull towards the
    lesson's anchor, mu / 2 times the squared distance (FedProx: Li et al., MLSys 2020), which goes
    with none of the others, for there is one anchor.
    """

    ewc: float = 0.0
    l2sp: float = 0.0
    distill: float = 0.0
    proximal: float = 0.0

    def __post_init__(self) -> None:
        if self.proximal and (self.ewc or self.l2sp or self.distill):
            raise ValueError("the proximal term has an anchor of its own, and goes with no other")

    def restraint(self, lesson: Lesson, scale: float) -> Restraint | None:
        if self.proximal:
            return self._proximal(lesson)
        known = lesson.known
        if not known.any() or not (self.ewc or self.l2sp or self.distill):
            return None
        importance = np.zeros_like(lesson.champion)
        importance[known] += self.l2sp
        if self.ewc:
            importance[known] += self.ewc * self._fisher(lesson, known, scale)
        penalised = bool(self.ewc or self.l2sp)
        return Restraint(lesson.champion, importance if penalised else None, self.distill)

    def _proximal(self, lesson: Lesson) -> Restraint | None:
        if lesson.anchor is None or not lesson.anchor.any():
            return None
        importance = np.zeros_like(lesson.anchor)
        importance[lesson.anchor.any(axis=1)] = self.proximal
        return Restraint(lesson.anchor, importance)

    def _fisher(
        self, lesson: Lesson, known: NDArray[np.bool_], scale: float
    ) -> NDArray[np.float64]:
        if lesson.importance is not None:
            return lesson.importance[known]
        theirs = known[lesson.owners]
        return diagonal_fisher(lesson.champion[known], lesson.vectors[theirs], scale)


@dataclass(frozen=True)
class Imprint:
    """No training: every row is its subject's mean."""

    name: str = "imprint"

    def learn(
        self, lesson: Lesson, trainer: HeadTrainer, tick: Tick = lambda share: None
    ) -> NDArray[np.float32]:
        return lesson.means()


@dataclass(frozen=True)
class Joint:
    """Everything anew from the means, over all vectors."""

    options: FitOptions = field(default_factory=FitOptions)
    regularizers: Regularizers = field(default_factory=Regularizers)
    name: str = "joint"

    def learn(
        self, lesson: Lesson, trainer: HeadTrainer, tick: Tick = lambda share: None
    ) -> NDArray[np.float32]:
        examples = _examples(lesson, np.arange(len(lesson.owners)))
        restraint = self.regularizers.restraint(lesson, self.options.scale)
        return trainer.fit(lesson.means(), examples, self.options, restraint, tick)


@dataclass(frozen=True)
class SideBySide:
    """The people of each site apart, and then the rows beside each other.

    A frozen backbone that both sites share makes their rows comparable. Who is enrolled at several
    sites has the mean of the rows, each weighing as much as it has photos, made unit again.
    """

    options: FitOptions = field(default_factory=FitOptions)
    regularizers: Regularizers = field(default_factory=Regularizers)
    name: str = "merged"

    def learn(
        self, lesson: Lesson, trainer: HeadTrainer, tick: Tick = lambda share: None
    ) -> NDArray[np.float32]:
        sites = np.zeros(len(lesson.owners), np.intp) if lesson.sites is None else lesson.sites
        total = np.zeros(lesson.champion.shape, np.float64)
        every = np.unique(sites)
        for i, site in enumerate(every):
            mine = np.flatnonzero(sites == site)
            subjects, photos = np.unique(lesson.owners[mine], return_counts=True)

            def part(share: float, done: int = i) -> None:
                tick((done + share) / len(every))

            learner = Joint(self.options, self.regularizers)
            rows = learner.learn(lesson.of_subjects(subjects, mine), trainer, part)
            total[subjects] += photos[:, None] * rows
        return unit_rows(total.astype(np.float32))


@dataclass(frozen=True)
class Local:
    """The changed rows and their nearest neighbours, from their means; the others stay.

    A row that is nobody's neighbour keeps the champion's; research/head.md 3.3.
    """

    neighbours: int = 20
    options: FitOptions = field(default_factory=lambda: FitOptions(margin=0.35, average=0.5))
    name: str = "local"

    def learn(
        self, lesson: Lesson, trainer: HeadTrainer, tick: Tick = lambda share: None
    ) -> NDArray[np.float32]:
        means = lesson.means()
        rows = np.where(lesson.known[:, None], lesson.champion, means).astype(np.float32)
        touched = self._touched(means, lesson.changed)
        if len(touched) == 0:
            return rows
        position = np.full(len(rows), -1, np.intp)
        position[touched] = np.arange(len(touched))
        mine = np.flatnonzero(position[lesson.owners] >= 0)
        examples = _examples(lesson, mine)
        examples = replace(examples, labels=position[examples.labels])
        rows[touched] = trainer.fit(means[touched], examples, self.options, tick=tick)
        return rows

    def _touched(self, means: NDArray[np.float32], changed: NDArray[np.bool_]) -> NDArray[np.intp]:
        new = np.flatnonzero(changed)
        near = np.argsort(-(means[new] @ means.T), axis=1, kind="stable")
        return np.union1d(new, near[:, : self.neighbours + 1].ravel()).astype(np.intp)


@dataclass(frozen=True)
class Rehearsal:
    """On from the champion: all vectors of the changed, and k exemplars of others beside them.

    exemplars: k; 0 rehearses nobody, which is naive fine-tuning of every row. shown: about how
    many vectors an epoch shows. So many old subjects are rehearsed, those nearest to the newcomers
    first, and the rows of all others stay: a night costs the same however large the gallery is.
    None rehearses every old subject. Showing a random part of all exemplars instead lost 4 to 6
    points on dlib's compressed cosines: a row that a step shows nothing of is only pushed away
    (`python -m benchmarks.stream`).
    """

    exemplars: int
    options: FitOptions = field(default_factory=FitOptions)
    regularizers: Regularizers = field(default_factory=Regularizers)
    shown: int | None = 256
    name: str = "rehearsal"

    def learn(
        self, lesson: Lesson, trainer: HeadTrainer, tick: Tick = lambda share: None
    ) -> NDArray[np.float32]:
        rows = np.where(lesson.known[:, None], lesson.champion, lesson.means())
        rows = rows.astype(np.float32)
        rehearsed = self._rehearsed(lesson, rows)
        trained = np.union1d(np.flatnonzero(lesson.changed), rehearsed).astype(np.intp)
        if self.exemplars == 0 or self.shown is None:
            trained = np.arange(len(rows))
        fresh = np.flatnonzero(lesson.changed[lesson.owners])
        kept = [self._kept(lesson, subject) for subject in rehearsed]
        smaller = lesson.of_subjects(trained, np.concatenate([fresh, *kept]).astype(np.intp))
        restraint = self.regularizers.restraint(smaller, self.options.scale)
        examples = _examples(smaller, np.arange(len(smaller.owners)))
        rows[trained] = trainer.fit(rows[trained], examples, self.options, restraint, tick)
        return rows

    def _rehearsed(self, lesson: Lesson, rows: NDArray[np.float32]) -> NDArray[np.intp]:
        """Old subjects, as positions."""
        old = np.flatnonzero(~lesson.changed)
        if self.exemplars == 0 or self.shown is None or len(old) == len(rows):
            return old if self.exemplars else old[:0]
        fresh = int(lesson.changed[lesson.owners].sum())
        most = max(self.shown - fresh, fresh) // self.exemplars
        nearest = (rows[old] @ rows[lesson.changed].T).max(axis=1)
        return np.sort(old[np.argsort(-nearest, kind="stable")[:most]])

    def _kept(self, lesson: Lesson, subject: np.intp) -> NDArray[np.intp]:
        mine = np.flatnonzero(lesson.owners == subject)
        return mine[herd(lesson.vectors[mine], self.exemplars)]


@dataclass(frozen=True)
class Pseudo:
    """For galleries that keep statistics alone: old subjects are drawn from their Gaussians.

    Each has its own mean, all share one spread per dimension (pseudo-rehearsal, Robins 1995); the
    champion says what the drawn vectors are, the newcomers' real vectors carry their labels.
    """

    drawn: int = 5
    options: FitOptions = field(default_factory=FitOptions)
    distill: float = 1.0
    name: str = "pseudo"

    def learn(
        self, lesson: Lesson, trainer: HeadTrainer, tick: Tick = lambda share: None
    ) -> NDArray[np.float32]:
        means = lesson.means()
        start = np.where(lesson.known[:, None], lesson.champion, means).astype(np.float32)
        fresh = np.flatnonzero(lesson.changed[lesson.owners])
        old = np.flatnonzero(~lesson.changed)
        spread = np.sqrt(np.square(lesson.vectors - means[lesson.owners]).mean(axis=0))
        noise = np.random.default_rng(self.options.seed).normal(
            size=(len(old) * self.drawn, means.shape[1])
        )
        imagined = unit_rows(np.repeat(means[old], self.drawn, axis=0) + noise * spread)
        real = _examples(lesson, fresh)
        examples = Examples(
            vectors=np.concatenate([real.vectors, imagined]).astype(np.float32),
            labels=np.concatenate([real.labels, np.full(len(imagined), -1, np.intp)]),
            weights=np.concatenate(
                [real.weights, np.full(len(imagined), 1 / self.drawn, np.float32)]
            ),
        )
        restraint = Regularizers(distill=self.distill).restraint(lesson, self.options.scale)
        return trainer.fit(start, examples, self.options, restraint, tick)


def _examples(lesson: Lesson, chosen: NDArray[np.intp]) -> Examples:
    owners = lesson.owners[chosen]
    return Examples(lesson.vectors[chosen], owners, balanced_weights(owners))
