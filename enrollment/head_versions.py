"""The versions of the head: which serves, and letting another one serve instead."""

from collections.abc import Sequence
from datetime import UTC

from enrollment.champion import arrays_of, mode_of
from enrollment.errors import BadInput
from enrollment.intake import printable
from enrollment.joined_heads import waiting
from enrollment.night_lease import JOB
from enrollment.night_record import reason_of
from store.archive import Archive
from store.gallery import Gallery
from store.records import StoredHead
from wording.message import message


def document_of(head: StoredHead) -> dict[str, object]:
    """For the doors: what was measured, and nobody's identity."""
    manifest = head.manifest
    return {
        "head_id": head.head_id,
        "state": head.state,
        "mode": mode_of(head),
        "created_at": head.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "generation": head.generation,
        "subjects": manifest.get("subjects"),
        "figures": manifest.get("figures"),
        "reason": reason_of(manifest),
        "run_id": manifest.get("run_id"),
    }


def find_head(heads: Sequence[StoredHead], wanted: str) -> StoredHead:
    """The head of this id, or of the only id that begins so. Raises BadInput."""
    exact = [h for h in heads if h.head_id == wanted]
    matches = exact or [h for h in heads if h.head_id.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = ", ".join(h.head_id for h in matches)
        raise BadInput(
            message(
                "{n} heads begin with {id}: give one of {ids}",
                n=len(matches),
                id=printable(wanted),
                ids=ids,
            )
        )
    raise BadInput(message("there is no head {id}; see: rollcall head list", id=printable(wanted)))


def promote(gallery: Gallery, archive: Archive, wanted: str, actor: str) -> StoredHead:
    """Let a kept version serve, because a person says so.

    Raises:
        BadInput: there is no such head.
        GalleryDamaged: its file is not what was written.
    """
    head = find_head(gallery.heads(), wanted)
    if head.state == "champion":
        return head
    gallery.refresh()
    _check_backbone(head, gallery)
    _check_file(head, gallery, archive)
    if waiting([head]):
        raise BadInput(
            message(
                "head {id} was put together from two sites and nobody has measured it; let the "
                "gate judge it first: rollcall nightly --mode merged --force",
                id=head.head_id,
            )
        )
    with gallery.change(actor) as change:
        change.check_backbone(head.fingerprint)
        change.promote(head.head_id)
    return find_head(gallery.heads(), head.head_id)


def rollback(gallery: Gallery, archive: Archive, actor: str) -> StoredHead:
    """Back to the head that served before this one.

    Raises:
        BadInput: there was none.
        GalleryDamaged: its file is not what was written.
    """
    gallery.refresh()
    mine = gallery.facts.fingerprint
    head = earlier([head for head in gallery.heads() if head.fingerprint == mine])
    if head is None:
        raise BadInput(message("there is no earlier head to go back to; see: rollcall head list"))
    return promote(gallery, archive, head.head_id, actor)


def serving(heads: Sequence[StoredHead]) -> StoredHead | None:
    """The one that serves; None before the first was promoted."""
    return next((head for head in heads if head.state == "champion"), None)


def earlier(heads: Sequence[StoredHead]) -> StoredHead | None:
    """The one that served before the one that serves; heads are given oldest first."""
    at = next((i for i, head in enumerate(heads) if head.state == "champion"), len(heads))
    return next((head for head in reversed(heads[:at]) if head.state == "retired"), None)


def lost(gallery: Gallery) -> bool:
    """Did the head that served go with somebody who was erased, with no night since?

    The subjects' means serve until then, which know nobody who is gone.
    """
    if gallery.champion() is not None:
        return False
    erased_at = gallery.last_erasure()
    nights = [job.finished_at for job in gallery.jobs(JOB) if job.finished_at is not None]
    return erased_at is not None and bool(nights) and max(nights) < erased_at


def _check_backbone(head: StoredHead, gallery: Gallery) -> None:
    if head.fingerprint != gallery.facts.fingerprint:
        raise BadInput(
            message(
                "head {id} was made with another backbone than {backbone}, which serves; nothing "
                "was changed. The next night makes one",
                id=head.head_id,
                backbone=gallery.facts.backbone,
            )
        )


def _check_file(head: StoredHead, gallery: Gallery, archive: Archive) -> None:
    if "file_sha256" in head.manifest:
        arrays_of(head, archive, gallery.facts.dimension)
