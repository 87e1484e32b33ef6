"""Gone means gone: rows, key, index and head row, and a test that says so."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from enrollment.cohort import MIN_STRANGERS, Kind
from enrollment.errors import BadInput, Unusable
from enrollment.receipt import content_of
from enrollment.roster import Roster
from store.archive import Archive
from store.change import Change
from store.errors import ErasureUnfinished, IndexUnusable, StoreError
from store.gallery import Gallery
from store.records import Subject
from store.restore import part_from
from wording.message import message, words_of


@dataclass(frozen=True)
class ErasureReceipt:
    """What was erased, and what was found afterwards.

    erased_rows: deleted rows by table; reports_deleted: nightly reports that named the person or
    showed the face. log_cut: the write-ahead log holds nothing any more; never in PostgreSQL, which
    keeps its log as its server is told to. remains: what the erasure does not reach, in words.
    negative_test: what a search with the erased templates finds; never this subject.
    gallery_id, public_key, signature: who says so; keys and signature as hex, see `receipt.py`.
    """

    gallery_id: str
    subject_id: str
    erased_at: str
    erased_rows: dict[str, int]
    reports_deleted: int
    log_cut: bool
    negative_test: dict[str, object]
    public_key: str = ""
    signature: str = ""
    remains: str | None = None

    def as_document(self) -> dict[str, object]:
        return asdict(self)


def erase(
    gallery: Gallery,
    archive: Archive,
    roster: Roster,
    subject: Subject,
    actor: str,
    due: Callable[[], bool],
) -> ErasureReceipt:
    """Erase a subject and everyone merged into it.

    Args:
        due: asked when nobody else can change anything any more.

    Raises:
        BadInput: somebody else was quicker, or they are not due; nothing was changed.
        Unusable: the rows are deleted, but another process or the disk kept the log from being
            cut, so old pages may still be read from the files; the next start goes on with it.
        StoreError: the disk is full or broken; nobody was erased.
    """
    with gallery.change(actor) as change:
        here, members = change.person(subject.subject_id)
        if here is None:
            raise BadInput(
                message("somebody else has erased this person meanwhile; there is nothing left")
            )
        if not due():
            raise BadInput(message("this person is not due any more; nothing was changed"))
        own = gallery.vectors_of(members)
        beside = _beside(gallery, change, members)
        rows = _erase(change, archive, own, beside, members)
    reports = len({name.partition(".")[0] for name in change.dropped_reports})
    try:
        log_cut = gallery.finish_erasures()
    except ErasureUnfinished as error:
        raise Unusable(
            message(
                "{name} is erased and can no longer be found, but it could not be written down "
                "beside the key that backups must not bring them back: {problem}. See to that and "
                "run any command: the erasure is finished at the next start",
                name=subject.name,
                problem=words_of(error),
            )
        ) from error
    except IndexUnusable as error:
        raise Unusable(
            message(
                "{name} is erased and can no longer be found, but rows of theirs, without a name, "
                "may still be in Milvus: {problem}. The erasure is finished at the next start, or "
                "with the next one",
                name=subject.name,
                problem=words_of(error),
            )
        ) from error
    except StoreError as error:
        raise Unusable(
            message(
                "{name} is erased and can no longer be found, but deleted pages are still in the "
                "log of the database, which cannot be cut ({why}); the erasure is finished at the "
                "next start",
                name=subject.name,
                why=words_of(error),
            )
        ) from error
    if not log_cut:
        raise Unusable(
            message(
                "{name} is erased and can no longer be found, but another process is reading "
                "the database, so deleted pages are still in its log; stop that process and run "
                "any command: the erasure is finished at the next start",
                name=subject.name,
            )
        )
    receipt = ErasureReceipt(
        gallery_id=gallery.facts.gallery_id,
        subject_id=subject.subject_id,
        erased_at=datetime.now(UTC).isoformat(timespec="seconds"),
        erased_rows=rows,
        reports_deleted=reports,
        log_cut=gallery.can_be_copied,
        negative_test=_negative_test(roster, own, subject.subject_id),
        public_key=gallery.public_key.hex(),
        remains=_remains(gallery),
    )
    return replace(receipt, signature=gallery.sign(content_of(receipt.as_document())).hex())


def _remains(gallery: Gallery) -> str | None:
    if gallery.index_place is None:
        return None if gallery.can_be_copied else _in_postgresql()
    if gallery.can_be_copied:
        return _in_milvus()
    return message("{one}. And: {other}", one=_in_postgresql(), other=_in_milvus())


def _in_milvus() -> str:
    return message(
        "Milvus gives no row of this person any more. Its files may hold them, turned and without "
        "a name, until it has compacted them and collected its garbage, and backups of Milvus "
        "until whoever runs it deletes those"
    )


def _in_postgresql() -> str:
    return message(
        "the tables hold nothing of this person any more. What PostgreSQL keeps beside them still "
        "may, with the person's key: its write-ahead log until it is used again, archives of "
        "that, standbys, and dumps of before; whoever runs the server deletes those"
    )


def erase_again(gallery: Gallery, archive: Archive, actor: str) -> int:
    """Erase whom a second place says were erased: this is an older state of the gallery, put back
    by whatever means. To be called before anything is served; returns how many that were."""
    ids = gallery.erased_elsewhere()
    return erase_all(gallery, archive, ids, actor) if ids else 0


def erase_all(gallery: Gallery, archive: Archive, subject_ids: Collection[str], actor: str) -> int:
    """Erase these very subjects in one transaction, and nobody who was merged into them; returns
    how many. `Gallery.finish_erasures` comes next."""
    with gallery.change(actor) as change:
        ids = tuple(s for s in subject_ids if change.subject(s) is not None)
        own = gallery.vectors_of(ids)
        beside = _beside(gallery, change, ids)
        part_from(change, ids)
        _erase(change, archive, own, beside, ids)
    return len(ids)


def _erase(
    change: Change,
    archive: Archive,
    own: NDArray[np.float32],
    beside: Collection[str],
    members: Collection[str],
) -> dict[str, int]:
    """Everything that is, or may be, of these; how many rows went, by table.

    Args:
        beside: negatives of another backbone that may be theirs, see `_beside`.
    """
    rows = change.erase(
        members,
        [s.sighting_id for s in change.sightings() if _may_be(own, s.vector, s.details)],
        [n.negative_id for n in change.negatives() if _may_be(own, n.vector, n.details)]
        + list(beside),
    )
    rows["cohort"] = _leave_cohort(change, own)
    # Before the commit: a kill in between leaves rows without files, never a face in a file. All
    # that no row names goes: what a night left that was broken off may hold them, too.
    archive.sweep(*change.named_files(), at_once=True)
    return rows


def _beside(gallery: Gallery, change: Change, members: Collection[str]) -> list[str]:
    """Faces that were said no to while the backbone served that the gallery can go back to."""
    shadow = gallery.shadow()
    if shadow is None:
        return []
    own = gallery.shadow_vectors_of(members)
    said = change.negatives(shadow.facts.fingerprint)
    return [n.negative_id for n in said if _may_be(own, n.vector, n.details)]


def _may_be(
    own: NDArray[np.float32], vector: NDArray[np.float32], details: Mapping[str, object]
) -> bool:
    """Was this face, in the review queue or said no to, perhaps this person's?

    By the likeness at which its backbone takes two photos for one person, which is kept with it:
    erasing must not need the backbone.
    """
    return len(own) > 0 and float((own @ vector).max()) >= float(str(details["same_person"]))


def _leave_cohort(change: Change, own: NDArray[np.float32]) -> int:
    """Take the strangers out who may be this person; how many rows went.

    Rows that average several people are nobody's, and stay.
    """
    stored = change.cohort()
    if stored is None or stored.details["kind"] != Kind.VECTORS or not len(own):
        return 0
    near = (stored.vectors @ own.T).max(axis=1) >= float(str(stored.details["enrolled_from"]))
    if not near.any():
        return 0
    if (~near).sum() < MIN_STRANGERS:
        change.drop_cohort()
        return len(near)
    change.put_cohort(stored.vectors[~near], stored.details)
    return int(near.sum())


def _negative_test(
    roster: Roster, probes: NDArray[np.float32], subject_id: str
) -> dict[str, object]:
    rankings = roster.rank(probes)
    return {
        "probes": len(probes),
        "found": sum(subject_id in ranking.subject_ids for ranking in rankings),
        "best_score_of_others": max(
            (ranking.scores[0] for ranking in rankings if ranking.scores), default=None
        ),
    }
