"""One checklist that every learner passes."""

from dataclasses import replace

import numpy as np
import pytest

from models.fisher import diagonal_fisher, online_fisher
from models.head_trainer import (
    Examples,
    FitOptions,
    HeadTrainer,
    Restraint,
    balanced_weights,
    capacity_for,
    unit_rows,
)
from models.herding import herd
from models.learners import Imprint, Joint, Lesson, Local, Pseudo, Regularizers, Rehearsal

pytestmark = pytest.mark.slow  # they train
D = 24
SHORT = FitOptions(epochs=6, batch=64)
LEARNERS = [
    Imprint(),
    Joint(SHORT),
    Joint(replace(SHORT, margin=0.2, average=0.5)),
    Local(5, replace(SHORT, margin=0.35, average=0.5)),
    Rehearsal(1, SHORT),
    Rehearsal(3, SHORT, Regularizers(ewc=10.0)),
    Rehearsal(3, SHORT, Regularizers(l2sp=0.01, distill=1.0)),
    Rehearsal(3, SHORT, Regularizers(ewc=10.0, distill=1.0), shown=20),
    Pseudo(5, SHORT),
]


def label(learner: object) -> str:
    return f"{learner.name}-{LEARNERS.index(learner)}"


@pytest.fixture(scope="module")
def trainer() -> HeadTrainer:
    return HeadTrainer(D)


def vectors_of(subject: int, n: int, noise: float = 0.8) -> np.ndarray:
    centre = np.random.default_rng([7, subject]).normal(size=D)
    spread = np.random.default_rng([8, subject]).normal(size=(n, D)) * noise
    return unit_rows((centre + spread).astype(np.float32))


def lesson_of(counts: list[int], new: int, noise: float = 0.8) -> Lesson:
    """The last `new` subjects are newcomers; ids are sparse."""
    vectors = [vectors_of(subject, n, noise) for subject, n in enumerate(counts)]
    champion = np.stack([v.mean(axis=0) for v in vectors]).astype(np.float32)
    champion = unit_rows(champion)
    champion[len(counts) - new :] = 0
    changed = np.arange(len(counts)) >= len(counts) - new
    return Lesson(
        subject_ids=tuple(f"subject-{17 * i + 5}" for i in range(len(counts))),
        vectors=np.concatenate(vectors),
        owners=np.repeat(np.arange(len(counts)), counts),
        champion=champion,
        changed=changed,
    )


def found(rows: np.ndarray, subject: int) -> float:
    """The share of unseen vectors of a subject that its row is nearest to."""
    probes = vectors_of(subject, 50)[20:]
    return float(((probes @ rows.T).argmax(axis=1) == subject).mean())


@pytest.mark.parametrize("learner", LEARNERS, ids=label)
def test_the_checklist(learner, trainer: HeadTrainer) -> None:
    lesson = lesson_of([5, 3, 8, 4, 1, 6, 3, 5, 4, 3, 5, 4], new=3)
    before = (lesson.vectors.copy(), lesson.champion.copy(), lesson.owners.copy())
    rows = learner.learn(lesson, trainer)
    assert rows.shape == (12, D)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    again = learner.learn(lesson, HeadTrainer(D) if learner.name == "joint" else trainer)
    assert rows.tobytes() == again.tobytes(), "the same lesson gives the same rows"
    for given, kept in zip((lesson.vectors, lesson.champion, lesson.owners), before, strict=True):
        assert np.array_equal(given, kept), "the lesson is not written on"
    means = lesson.means()
    for subject in range(12):
        assert found(rows, subject) >= found(means, subject) - 0.1, "new learnt, old kept"


@pytest.mark.parametrize("learner", LEARNERS, ids=label)
def test_one_photo_each(learner, trainer: HeadTrainer) -> None:
    lesson = lesson_of([1] * 8, new=2)
    rows = learner.learn(lesson, trainer)
    assert ((lesson.vectors @ rows.T).argmax(axis=1) == np.arange(8)).all()


@pytest.mark.parametrize("learner", LEARNERS, ids=label)
@pytest.mark.parametrize("new", [0, 4], ids=["nobody new", "everybody new"])
def test_nobody_and_everybody_new(learner, new: int, trainer: HeadTrainer) -> None:
    lesson = lesson_of([4, 4, 4, 4], new)
    rows = learner.learn(lesson, trainer)
    assert ((lesson.vectors @ rows.T).argmax(axis=1) == lesson.owners).all()


def nights(learner, trainer: HeadTrainer, lesson: Lesson, first: int, step: int) -> np.ndarray:
    """The head after nights of `step` newcomers each, every night on from the last one's."""
    champion = lesson.means()[:first]
    for count in range(first + step, len(lesson.subject_ids) + 1, step):
        chosen = lesson.owners < count
        tonight = Lesson(
            subject_ids=lesson.subject_ids[:count],
            vectors=lesson.vectors[chosen],
            owners=lesson.owners[chosen],
            champion=np.concatenate([champion, np.zeros((step, D), np.float32)]),
            changed=np.arange(count) >= count - step,
        )
        champion = learner.learn(tonight, trainer)
    return champion


def accuracy(rows: np.ndarray, subjects: int, noise: float = 0.8) -> float:
    """Of unseen vectors of the first subjects, the share that is answered right."""
    probes = np.concatenate([vectors_of(i, 50, noise)[20:] for i in range(subjects)])
    right = (probes @ rows.T).argmax(axis=1) == np.repeat(np.arange(subjects), 30)
    return float(right.mean())


@pytest.mark.parametrize("learner", LEARNERS, ids=label)
def test_more_than_a_hundred_cohorts(learner, trainer: HeadTrainer) -> None:
    lesson = lesson_of([3] * 106, new=0)
    if learner.name != "imprint":
        learner = replace(learner, options=replace(learner.options, epochs=2))
    rows = nights(learner, trainer, lesson, first=100, step=1)
    assert accuracy(rows, 106) > accuracy(lesson.means(), 106) - 0.05


def test_without_rehearsal_the_old_are_forgotten(trainer: HeadTrainer) -> None:
    """Naive fine-tuning: the measure must see the disaster."""
    lesson = lesson_of([4] * 60, new=0, noise=1.0)
    naive, kept, imprinted = (
        accuracy(nights(learner, trainer, lesson, first=20, step=2), 20, noise=1.0)
        for learner in (Rehearsal(0), Rehearsal(3), Imprint())
    )
    assert imprinted >= kept
    assert naive < kept - 0.1


def test_regularizers_keep_the_old_rows_nearer(trainer: HeadTrainer) -> None:
    lesson = lesson_of([4] * 30, new=10)

    def moved(regularizers: Regularizers) -> float:
        rows = Rehearsal(1, FitOptions(epochs=30), regularizers).learn(lesson, trainer)
        return float(np.linalg.norm(rows[:20] - lesson.champion[:20], axis=1).mean())

    free = moved(Regularizers())
    assert moved(Regularizers(ewc=10)) < free
    assert moved(Regularizers(l2sp=1.0)) < free
    assert moved(Regularizers(distill=5)) < free
    assert moved(Regularizers(ewc=10, l2sp=1.0, distill=5)) < free


def test_an_importance_that_is_handed_on_counts(trainer: HeadTrainer) -> None:
    lesson = lesson_of([4] * 12, new=4)
    learner = Rehearsal(1, SHORT, Regularizers(ewc=1.0))
    stiff = replace(lesson, importance=np.full(lesson.champion.shape, 1e4))
    rows = learner.learn(stiff, trainer)
    assert rows[:8] == pytest.approx(lesson.champion[:8], abs=1e-2)


def test_fisher_is_exact() -> None:
    """Against the definition: the squared gradient, averaged over the answers it may give."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5, 7))
    vectors = unit_rows(rng.normal(size=(11, 7)))
    scale = 9.0
    expected = np.zeros_like(rows)
    for x in vectors.astype(np.float64):
        lengths = np.linalg.norm(rows, axis=1)
        cosines = rows @ x / lengths
        shares = np.exp(scale * cosines) / np.exp(scale * cosines).sum()
        slopes = scale * (x - cosines[:, None] * rows / lengths[:, None]) / lengths[:, None]
        for answer, share in enumerate(shares):
            error = shares - (np.arange(5) == answer)
            expected += share * np.square(error[:, None] * slopes) / len(vectors)
    assert diagonal_fisher(rows, vectors, scale) == pytest.approx(expected, rel=1e-6)


def test_online_fisher_forgets_slowly() -> None:
    one = np.ones((2, 2))
    assert online_fisher(one, one, 0.5) == pytest.approx(1.5 * one)


def test_herding_takes_what_there_is() -> None:
    vectors = vectors_of(0, 6)
    assert herd(vectors, 9).tolist() != []
    assert sorted(herd(vectors, 9)) == list(range(6))
    assert len(herd(vectors[:1], 3)) == 1
    assert len(herd(vectors[:0], 3)) == 0
    best = herd(vectors, 1)[0]
    assert best == np.square(vectors - vectors.mean(axis=0)).sum(axis=1).argmin()
    with pytest.raises(ValueError, match="at least 0"):
        herd(vectors, -1)


def test_training_can_be_interrupted_and_told(trainer: HeadTrainer) -> None:
    lesson = lesson_of([4] * 6, new=2)
    shares: list[float] = []
    Joint(SHORT).learn(lesson, trainer, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0

    def stop(share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Joint(SHORT).learn(lesson, trainer, stop)


def test_wrong_input_is_refused(trainer: HeadTrainer) -> None:
    rows = unit_rows(np.random.default_rng(0).normal(size=(3, D)).astype(np.float32))
    one = Examples(rows, np.arange(3), np.ones(3, np.float32))
    with pytest.raises(ValueError, match="rows are"):
        trainer.fit(rows[:, :-1], one, SHORT)
    with pytest.raises(ValueError, match="not there"):
        trainer.fit(rows[:2], one, SHORT)
    with pytest.raises(ValueError, match="finite"):
        trainer.fit(rows, replace(one, vectors=np.full_like(rows, np.nan)), SHORT)
    with pytest.raises(ValueError, match="weights"):
        trainer.fit(rows, replace(one, weights=np.ones(2, np.float32)), SHORT)
    nothing = Examples(rows[:0], np.empty(0, np.intp), np.empty(0, np.float32))
    assert np.array_equal(trainer.fit(rows, nothing, SHORT), rows)
    assert trainer.fit(rows[:0], nothing, SHORT).shape == (0, D)


def test_spare_rows_change_nothing(trainer: HeadTrainer) -> None:
    """A masked row takes no share of the softmax: a restraint of nothing is no restraint."""
    assert capacity_for(64) == 64
    assert capacity_for(65) == 128
    lesson = lesson_of([4] * 6, new=2)
    examples = Examples(lesson.vectors, lesson.owners, balanced_weights(lesson.owners))
    free = trainer.fit(lesson.means(), examples, SHORT)
    nothing = Restraint(np.zeros_like(lesson.champion), np.zeros_like(lesson.champion))
    assert np.array_equal(trainer.fit(lesson.means(), examples, SHORT, nothing), free)
