import numpy as np
import pytest

from enrollment.calibration import leave_subjects_out
from enrollment.night_trials import photo_searches, served_scores, stranger_searches
from enrollment.reliability import calibration_error
from models.head_trainer import FitOptions, HeadTrainer, unit_rows
from models.learners import Imprint, Joint, Lesson

pytestmark = pytest.mark.slow

D = 24


def lesson_of(counts: list[int], noise: float = 0.5) -> tuple[Lesson, np.ndarray]:
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(len(counts)), counts)
    centres = rng.normal(size=(len(counts), D))
    vectors = unit_rows(
        (centres[owners] + noise * rng.normal(size=(len(owners), D))).astype(np.float32)
    )
    lesson = Lesson(
        subject_ids=tuple(f"s{i}" for i in range(len(counts))),
        vectors=vectors,
        owners=owners,
        champion=np.zeros((len(counts), D), np.float32),
        changed=np.ones(len(counts), bool),
    )
    return lesson, np.arange(100, 100 + len(owners))


class Spy:
    """Remembers what it was allowed to learn from."""

    name = "spy"

    def __init__(self) -> None:
        self.lessons: list[Lesson] = []

    def learn(self, lesson: Lesson, trainer: HeadTrainer, tick=lambda share: None) -> np.ndarray:
        self.lessons.append(lesson)
        return lesson.means()


def seen(lesson: Lesson) -> set[bytes]:
    return {row.tobytes() for row in lesson.vectors}


def test_no_photo_is_searched_for_by_a_head_that_learnt_it() -> None:
    lesson, ids = lesson_of([5, 3, 1, 2])
    spy = Spy()
    found = photo_searches(spy, lesson, ids, HeadTrainer(D))
    held = [seen(lesson) - seen(smaller) for smaller in spy.lessons]
    assert sorted(len(h) for h in held) == [2, 4, 4]
    assert sum(map(len, held)) == len(found.truth) == 10, "the only photo of s2 stays"
    assert all(set(range(4)) == set(smaller.owners) for smaller in spy.lessons)
    assert 108 not in found.template_ids
    assert list(found.template_ids) == sorted(found.template_ids)
    assert found.right.all()


def test_no_stranger_was_learnt_from() -> None:
    lesson, _ = lesson_of([3] * 11)
    spy = Spy()
    trials = stranger_searches(spy, lesson, HeadTrainer(D))
    assert len(trials.nonmated) == 33
    left = [set(lesson.subject_ids) - set(smaller.subject_ids) for smaller in spy.lessons]
    assert set.union(*left) == set(lesson.subject_ids)
    assert sum(map(len, left)) == 11, "each is left out once"
    for smaller, gone in zip(spy.lessons, left, strict=True):
        theirs = [i for i, owner in enumerate(lesson.owners) if f"s{owner}" in gone]
        assert not seen(smaller) & {lesson.vectors[i].tobytes() for i in theirs}


def test_imprinted_rows_are_left_out_exactly() -> None:
    lesson, _ = lesson_of([3] * 8)
    trials = stranger_searches(Imprint(), lesson, HeadTrainer(D))
    exact = leave_subjects_out(lesson.vectors, [f"s{i}" for i in lesson.owners])
    assert np.array_equal(trials.nonmated, exact.nonmated)


def test_leaving_out_afterwards_flatters_a_trained_head() -> None:
    """Why cross-fitting: strangers who were trained against score lower than real ones do."""
    lesson, ids = lesson_of([4] * 40, noise=0.9)
    trainer = HeadTrainer(D)
    learner = Joint(FitOptions(epochs=40))
    rows = learner.learn(lesson, trainer)
    others = lesson.vectors @ rows.T
    others[np.arange(len(others)), lesson.owners] = -1
    dishonest = np.quantile(others.max(axis=1), 0.95)
    trials = stranger_searches(learner, lesson, trainer)
    honest = np.quantile(trials.nonmated[np.isfinite(trials.nonmated)], 0.95)
    assert honest > dishonest + 0.05
    assert photo_searches(learner, lesson, ids, trainer).right.mean() > 0.5


def test_nobody_to_compare_with() -> None:
    lesson, ids = lesson_of([2])
    trials = stranger_searches(Joint(FitOptions(epochs=1)), lesson, HeadTrainer(D))
    assert len(trials.nonmated) == 0
    assert photo_searches(Imprint(), lesson, ids, HeadTrainer(D)).right.all()


def test_a_name_that_the_index_contradicts_is_no_name() -> None:
    rows = np.eye(3, dtype=np.float32)[:2]
    templates = np.array([[0.8, 0.6, 0], [0, 1, 0]], np.float32)
    probe = np.array([[0.75, 0.66, 0]], np.float32)
    best, served = served_scores(probe, rows, templates, np.array([1, 0]))
    assert best[0] == 0
    assert served[0] == -np.inf
    best, served = served_scores(probe, rows, templates, np.array([0, 1]))
    assert served[0] == pytest.approx(0.75)


def test_calibration_error() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, 4000)
    honest = rng.uniform(size=4000) < 1 / (1 + np.exp(-8 * (scores - 0.5)))
    assert calibration_error(scores, honest) < 0.05
    wavy = rng.uniform(size=4000) < np.where(np.sin(12 * scores) > 0, 0.95, 0.05)
    assert calibration_error(scores, wavy) > 0.2
    assert calibration_error(scores, np.ones(4000, bool)) < 0.02
    assert calibration_error(scores[:50], honest[:50]) is None
    assert calibration_error(np.full(200, -np.inf), np.zeros(200, bool)) is None
