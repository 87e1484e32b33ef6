"""Searching as it is served, on photos that the head did not learn from.

A head is judged by its recipe: it is trained again without some photos, and these are searched
for; and again without some subjects, whose photos are strangers to it. Leaving a subject out
*after* training would be dishonest: its photos have pushed the other rows away, and 3 to 14 % of
strangers are named where 1 % was asked for (research/head-on-faces.md 6.1).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import Trials, leave_subjects_out
from enrollment.cohort import Lowering, no_lowering
from enrollment.workplace import Trainings
from models.learners import Imprint, Learner, Lesson

PHOTO_FOLDS = 3
SUBJECT_FOLDS = 5
_CHUNK = 512
Tick = Callable[[float], None]


@dataclass(frozen=True)
class Searches:
    """One search for each photo of a subject that has others. All arrays are (n,).

    template_ids: which photo; truth, answer: subject ids, whose it is and whose row is nearest;
    scores: with which `answer` is named, -inf where the nearest template is somebody else's.
    """

    template_ids: NDArray[np.int64]
    truth: NDArray[np.str_]
    answer: NDArray[np.str_]
    scores: NDArray[np.float64]

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.truth == self.answer)

    def found(self, threshold: float) -> NDArray[np.bool_]:
        """Named, and rightly so."""
        return np.asarray(self.right & (self.scores >= threshold))


def photo_searches(
    learner: Learner,
    lesson: Lesson,
    template_ids: NDArray[np.int64],
    trainings: Trainings,
    tick: Tick = lambda share: None,
    folds: int = PHOTO_FOLDS,
    lowering: Lowering = no_lowering,
) -> Searches:
    """Train without a third of the photos at a time, and search for these.

    The champion in the lesson has seen every photo, so what starts from it starts here from the
    means of the photos that are left.

    Args:
        lowering: what the cohort takes from the cosines.
    """
    fold = _photo_folds(lesson.owners, folds)
    ids, truth, answer, scores = [], [], [], []
    lessons = (lesson.of_vectors(fold != f) for f in range(folds))
    for f, (smaller, rows) in enumerate(_learnt(learner, lessons, trainings, folds, tick)):
        kept = fold != f
        probes = lesson.vectors[~kept]
        best, served = served_scores(probes, rows, smaller.vectors, smaller.owners, lowering)
        ids.append(template_ids[~kept])
        truth.append(lesson.owners[~kept])
        answer.append(best)
        scores.append(served)
    names = np.asarray(lesson.subject_ids, dtype=np.str_)
    tested = np.concatenate(ids)
    order = np.argsort(tested, kind="stable")
    return Searches(
        template_ids=tested[order],
        truth=names[np.concatenate(truth)][order],
        answer=names[np.concatenate(answer)][order],
        scores=np.concatenate(scores)[order],
    )


def stranger_searches(
    learner: Learner,
    lesson: Lesson,
    trainings: Trainings,
    tick: Tick = lambda share: None,
    folds: int = SUBJECT_FOLDS,
    lowering: Lowering = no_lowering,
) -> Trials:
    """Searches by subjects whom the head has never seen; its `mated` searches are empty.

    Imprinted rows know nothing of each other, so each subject is left out alone and exactly.
    """
    if isinstance(learner, Imprint):
        owners = [lesson.subject_ids[i] for i in lesson.owners]
        return replace(leave_subjects_out(lesson.vectors, owners, lowering), mated=np.empty(0))
    subjects = len(lesson.subject_ids)
    folds = min(folds, subjects) if subjects > 1 else 0
    group = np.arange(subjects) % max(folds, 1)
    counts = np.bincount(lesson.owners, minlength=subjects)
    scores, weights = [np.empty(0)], [np.empty(0)]
    lessons = (_without(lesson, group != f) for f in range(folds))
    for f, (smaller, rows) in enumerate(_learnt(learner, lessons, trainings, folds, tick)):
        out = group[lesson.owners] == f
        probes = lesson.vectors[out]
        _, served = served_scores(probes, rows, smaller.vectors, smaller.owners, lowering)
        scores.append(served)
        weights.append(1.0 / counts[lesson.owners[out]])
    return Trials(
        np.concatenate(scores),
        np.concatenate(weights),
        np.empty(0),
        subjects,
        searched=1 - 1 / folds if folds > 1 else 1.0,
    )


def served_scores(
    probes: NDArray[np.float32],
    rows: NDArray[np.float32],
    templates: NDArray[np.float32],
    owners: NDArray[np.intp],
    lowering: Lowering = no_lowering,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each probe the best row, and the score it is named with; -inf: the index disagrees."""
    best = np.empty(len(probes), np.intp)
    served = np.empty(len(probes), np.float64)
    for start in range(0, len(probes), _CHUNK):
        chunk = probes[start : start + _CHUNK]
        cosines = chunk @ rows.T
        first = cosines.argmax(axis=1)
        agrees = owners[(chunk @ templates.T).argmax(axis=1)] == first
        best[start : start + _CHUNK] = first
        served[start : start + _CHUNK] = np.where(
            agrees, cosines.max(axis=1) - lowering(chunk), -np.inf
        )
    return best, served


def _learnt(
    learner: Learner, lessons: Iterable[Lesson], trainings: Trainings, of: int, tick: Tick
) -> Iterator[tuple[Lesson, NDArray[np.float32]]]:
    """Each lesson with the rows that are learnt from it."""
    begun: deque[Lesson] = deque()

    def unseen() -> Iterator[Lesson]:
        for lesson in lessons:
            begun.append(lesson)
            yield _unseen(lesson)

    for rows in trainings.heads(learner, unseen(), of, tick):
        yield begun.popleft(), rows


def _unseen(lesson: Lesson) -> Lesson:
    """From the means, because the champion has seen the photos that are left out."""
    means = lesson.means()
    unseen = replace(lesson, champion=np.where(lesson.known[:, None], means, 0).astype(np.float32))
    if lesson.anchor is not None:  # it has seen every photo as well
        known = np.asarray(lesson.anchor.any(axis=1))[:, None]
        unseen = replace(unseen, anchor=np.where(known, means, 0).astype(np.float32))
    return unseen


def _photo_folds(owners: NDArray[np.intp], folds: int) -> NDArray[np.intp]:
    """(n,) the fold in which each photo is searched for; -1 where it is a subject's only one."""
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], owners[order])
    rank = np.empty(len(owners), np.intp)
    rank[order] = np.arange(len(owners)) - starts
    alone = np.bincount(owners)[owners] < 2 if len(owners) else np.empty(0, bool)
    return np.where(alone, -1, rank % folds).astype(np.intp)


def _without(lesson: Lesson, inside: NDArray[np.bool_]) -> Lesson:
    return lesson.of_subjects(np.flatnonzero(inside), inside[lesson.owners])
