"""What a night looks at: the gallery at one generation, and what the champion was made from."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.champion import arrays_of, mode_of
from models.head_file import HeadArrays
from models.learners import Lesson
from store.archive import Archive
from store.errors import GalleryDamaged
from store.gallery import Gallery
from store.records import StoredHead, Subject
from wording.message import words_of


@dataclass(frozen=True)
class Learnt:
    """What can be learnt, and from which templates: `template_ids[i]` is `lesson.vectors[i]`."""

    template_ids: NDArray[np.int64]
    lesson: Lesson


@dataclass(frozen=True)
class Snapshot:
    """before: what the champion was made from, as far as it is still there; None without one.

    subjects: the active ones that have templates, in the order of the rows, oldest first.
    damaged: why the champion's file was passed over; gone: how many of its people are not here.
    """

    generation: int
    subjects: tuple[Subject, ...]
    tonight: Learnt
    champion: StoredHead | None
    before: Learnt | None
    damaged: str | None
    gone: int

    @property
    def serving(self) -> str | None:
        """The id of the head that served then."""
        return self.champion.head_id if self.champion else None

    @property
    def same_as_champion(self) -> bool:
        """Nobody came, nobody went, no photo was added and no label moved."""
        if self.champion is None or self.damaged:
            return False
        return self.champion.manifest.get("templates") == pack_owned(self.tonight)


def take(gallery: Gallery, archive: Archive) -> Snapshot:
    """The gallery as it is now."""
    found = gallery.templates()
    subjects = [s for s in gallery.subjects().values() if s.subject_id in set(found.subject_ids)]
    ids = np.asarray(found.ids, np.int64)
    head = gallery.champion()
    trained, damaged = _trained(head, archive, gallery.facts.dimension)
    lesson = _lesson([s.subject_id for s in subjects], found.subject_ids, found.vectors)
    old = _old(ids, head)
    return Snapshot(
        generation=found.generation,
        subjects=tuple(subjects),
        tonight=Learnt(ids, _with_champion(lesson, ids, old, trained)),
        champion=head,
        before=Learnt(ids[old], _only(lesson, old)) if head is not None else None,
        damaged=damaged,
        gone=_gone(gallery, head, lesson.subject_ids),
    )


def pack_owned(learnt: Learnt) -> str:
    """Templates and owners as a text: equal for equal galleries."""
    owners = np.asarray(learnt.lesson.owners, np.int64)
    both = np.stack([learnt.template_ids, owners])
    return base64.b64encode(both.tobytes()).decode()


def _gone(gallery: Gallery, head: StoredHead | None, here: Sequence[str]) -> int:
    members = head.manifest.get("members") if head else None
    present = set(gallery.pseudonyms(here).values())
    return len(set(members) - present) if isinstance(members, list) else 0


def _owned_before(head: StoredHead) -> NDArray[np.int64]:
    packed = base64.b64decode(str(head.manifest.get("templates", "")))
    return np.asarray(np.frombuffer(packed, np.int64).reshape(2, -1)[0])


def _trained(
    head: StoredHead | None, archive: Archive, dimension: int
) -> tuple[HeadArrays | None, str | None]:
    if head is None or mode_of(head) == "imprint":
        return None, None
    try:
        return arrays_of(head, archive, dimension), None
    except GalleryDamaged as error:
        return None, words_of(error)


def _lesson(names: Sequence[str], owner_ids: Sequence[str], vectors: NDArray[np.float32]) -> Lesson:
    position = {name: i for i, name in enumerate(names)}
    dimension = vectors.shape[1] if vectors.ndim == 2 else 0
    return Lesson(
        subject_ids=tuple(names),
        vectors=vectors,
        owners=np.asarray([position[s] for s in owner_ids], np.intp),
        champion=np.zeros((len(names), dimension), np.float32),
        changed=np.ones(len(names), bool),
    )


def _old(ids: NDArray[np.int64], head: StoredHead | None) -> NDArray[np.bool_]:
    if head is None:
        return np.zeros(len(ids), bool)
    return np.asarray(np.isin(ids, _owned_before(head)))


def _with_champion(
    lesson: Lesson, ids: NDArray[np.int64], old: NDArray[np.bool_], trained: HeadArrays | None
) -> Lesson:
    """The champion's row of each subject, and who has other templates than it was made from."""
    champion = np.zeros_like(lesson.champion)
    changed = np.ones(len(lesson.subject_ids), bool)
    means = lesson.means()
    for i, subject_id in enumerate(lesson.subject_ids):
        mine = lesson.owners == i
        changed[i] = not old[mine].all()
        if old[mine].any():
            row = trained.row_of(subject_id, ids[mine].tolist()) if trained else None
            champion[i] = means[i] if row is None else row
    return Lesson(lesson.subject_ids, lesson.vectors, lesson.owners, champion, changed)


def _only(lesson: Lesson, chosen: NDArray[np.bool_]) -> Lesson:
    """The lesson of these templates alone, for the subjects that have any of them."""
    owners = lesson.owners[chosen]
    present, positions = np.unique(owners, return_inverse=True)
    return Lesson(
        subject_ids=tuple(lesson.subject_ids[i] for i in present),
        vectors=lesson.vectors[chosen],
        owners=positions.astype(np.intp),
        champion=lesson.champion[present],
        changed=lesson.changed[present],
    )
