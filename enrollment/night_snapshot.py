"""What a night looks at: the gallery at one generation, and what the champion was made from."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enrollment.champion import MERGED, arrays_of, mode_of
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
    fingerprint: str  # of the pipeline that the templates are of
    subjects: tuple[Subject, ...]
    tonight: Learnt
    champion: StoredHead | None
    before: Learnt | None
    damaged: str | None
    gone: int

    @property
    def champion_id(self) -> str | None:
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
    fingerprint = gallery.facts.fingerprint  # before the templates: a move meanwhile is found out
    found = gallery.templates()
    subjects = [s for s in gallery.subjects().values() if s.subject_id in set(found.subject_ids)]
    ids = np.asarray(found.ids, np.int64)
    head = gallery.champion()
    trained, damaged = _trained(head, archive, gallery.facts.dimension)
    lesson = _lesson([s.subject_id for s in subjects], found.subject_ids, found.vectors)
    lesson = _of_two_sites(lesson, ids, gallery, archive)
    old = _old(ids, head)
    return Snapshot(
        generation=found.generation,
        fingerprint=fingerprint,
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


def _of_two_sites(
    lesson: Lesson, ids: NDArray[np.int64], gallery: Gallery, archive: Archive
) -> Lesson:
    """Where each template was enrolled, and the last head that both sites had, if there is one."""
    origins = gallery.origins()
    if not origins:
        return lesson
    names = sorted(set(origins.values()))
    numbers = {template_id: 1 + names.index(site) for template_id, site in origins.items()}
    sites = np.asarray([numbers.get(i, 0) for i in ids.tolist()], np.intp)
    return replace(lesson, sites=sites, anchor=_shared_head(lesson, gallery, archive))


def _shared_head(lesson: Lesson, gallery: Gallery, archive: Archive) -> NDArray[np.float32] | None:
    """The rows of the last merged head, whoever they serve for; None where none can be read."""
    merged = [h for h in gallery.heads() if mode_of(h) == MERGED and "file_sha256" in h.manifest]
    arrays, _ = _trained(merged[-1] if merged else None, archive, gallery.facts.dimension)
    if arrays is None:
        return None
    rows = dict(zip(arrays.subject_ids, arrays.rows, strict=True))
    nothing = np.zeros(lesson.champion.shape[1], np.float32)
    return np.stack([rows.get(s, nothing) for s in lesson.subject_ids]).reshape(
        lesson.champion.shape
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
    return replace(lesson, champion=champion, changed=changed)


def _only(lesson: Lesson, chosen: NDArray[np.bool_]) -> Lesson:
    """The lesson of these templates alone, for the subjects that have any of them."""
    return lesson.of_subjects(np.unique(lesson.owners[chosen]), chosen)
