"""Two sites' heads as one: a challenger, which the gate judges like any other before it serves.

The backbone is frozen and the same, so rows are comparable: rows of different people stand beside
each other, and who is at both sites has the mean of both rows, each weighing as much as it has
photos.
"""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from enrollment.champion import IMPRINT, MERGED, arrays_of, mode_of
from enrollment.night_record import kept_reason
from enrollment.other_site import OtherSite
from models.head_file import HeadArrays, pack
from models.head_trainer import unit_rows
from store.archive import Archive
from store.errors import GalleryDamaged, UnknownSubject
from store.gallery import Gallery
from store.records import StoredHead, Templates
from wording.message import message, words_of


@dataclass(frozen=True)
class JoinedHead:
    """head_id: None where none was made, and why."""

    head_id: str | None
    why: str


def join_heads(gallery: Gallery, archive: Archive, other: OtherSite, actor: str) -> JoinedHead:
    """Put the two heads that serve beside each other, as a challenger of here.

    None is made where nothing was trained, or where the other head has seen somebody who is not
    here: it would carry on what was learnt from people who were left out or erased.
    """
    mine, theirs = gallery.champion(), other.gallery.champion()
    try:
        ours = _trained(mine, archive, gallery.facts.dimension)
        other_head = _trained(theirs, other.archive, gallery.facts.dimension)
    except GalleryDamaged as error:
        return JoinedHead(None, words_of(error))
    if ours is None and other_head is None:
        return JoinedHead(None, message("both sites serve plain means, and so does this one"))
    absent = set(other_head.subject_ids if other_head else ()) - set(gallery.subject_ids())
    if absent:
        return JoinedHead(
            None,
            message(
                "the other site's head has learnt from {n} people who are not here; the next "
                "night makes one without them",
                n=len(absent),
            ),
        )
    found = gallery.templates()
    joined = side_by_side([h for h in (ours, other_head) if h is not None], found)
    if ours is not None and _same(joined, ours):
        return JoinedHead(None, message("the head that serves has both sites' rows already"))
    return _keep(gallery, archive, joined, found.generation, other, actor)


def side_by_side(heads: Sequence[HeadArrays], found: Templates) -> HeadArrays:
    """A row for everybody who is found: of the heads that learnt just these people's templates.

    A row serves only for the templates that it was made from; templates that no head has learnt
    count by their mean.
    """
    names = tuple(dict.fromkeys(found.subject_ids))
    position = {name: i for i, name in enumerate(names)}
    owner = {i: position[s] for i, s in zip(found.ids, found.subject_ids, strict=True)}
    place = {template_id: i for i, template_id in enumerate(found.ids)}
    rows = np.zeros((len(names), found.vectors.shape[1]), np.float64)
    learnt: dict[int, set[int]] = defaultdict(set)
    for head in heads:
        for i, row in enumerate(head.rows):
            mine = head.template_ids[head.owners == i].tolist()
            whose = {owner.get(template_id) for template_id in mine}
            if len(whose) == 1 and (one := whose.pop()) is not None:
                rows[one] += len(mine) * row.astype(np.float64)
                learnt[one] |= set(mine)
    for template_id, one in owner.items():
        if template_id not in learnt[one]:
            rows[one] += found.vectors[place[template_id]]
    return HeadArrays(
        names,
        unit_rows(rows.astype(np.float32)),
        np.asarray(found.ids, np.int64),
        np.asarray([owner[i] for i in found.ids], np.int64),
    )


def served_by(
    joined: HeadArrays | None,
    subject_ids: Sequence[str],
    template_ids: NDArray[np.int64],
    owners: NDArray[np.intp],
    rows: NDArray[np.float32],
) -> NDArray[np.float32]:
    """`rows`, with those of the joined head wherever it was made from just these templates."""
    if joined is None:
        return rows
    result = rows.copy()
    for i, subject_id in enumerate(subject_ids):
        row = joined.row_of(subject_id, template_ids[owners == i].tolist())
        if row is not None:
            result[i] = row
    return result


def waiting_head(gallery: Gallery, archive: Archive) -> HeadArrays | None:
    """The last joined head that the gate has not judged yet; None where there is none."""
    heads = waiting(gallery.heads())
    try:
        return _trained(heads[-1], archive, gallery.facts.dimension) if heads else None
    except GalleryDamaged:
        return None


def waiting(heads: Sequence[StoredHead]) -> list[StoredHead]:
    """Joined heads that the gate has not judged."""
    return [h for h in heads if h.state == "challenger" and mode_of(h) == MERGED]


def _trained(head: StoredHead | None, archive: Archive, dimension: int) -> HeadArrays | None:
    if head is None or mode_of(head) == IMPRINT:
        return None
    return arrays_of(head, archive, dimension)


def _same(one: HeadArrays, other: HeadArrays) -> bool:
    if set(one.subject_ids) != set(other.subject_ids):
        return False
    order = [other.subject_ids.index(s) for s in one.subject_ids]
    return bool(np.allclose(one.rows, other.rows[order], atol=1e-5))


def _keep(
    gallery: Gallery,
    archive: Archive,
    joined: HeadArrays,
    generation: int,
    other: OtherSite,
    actor: str,
) -> JoinedHead:
    """File first, then the row; the joined head of before goes."""
    before = waiting(gallery.heads())
    held = waiting_head(gallery, archive)
    if held is not None and _same(joined, held):
        return JoinedHead(before[-1].head_id, message("it was made by an earlier merge"))
    run_id = secrets.token_hex(8)
    day = datetime.now(UTC).date().isoformat()
    head_id = f"{day}-{MERGED}-{run_id[:8]}"
    why = message("the rows of two sites beside each other; the gate has not judged them yet")
    manifest = {
        "mode": MERGED,
        "day": day,
        "run_id": run_id,
        "gallery": other.gallery.facts.gallery_id,
        "subjects": len(joined.subject_ids),
        "file_sha256": archive.write_head(head_id, pack(joined)),
        **kept_reason(why),
    }
    try:
        with gallery.change(actor, raises_generation=False) as change:
            if not archive.holds([head_id], []):
                raise UnknownSubject(message("somebody was erased while the head was being made"))
            change.add_head(head_id, "challenger", generation, manifest, joined.subject_ids)
            change.drop_heads([head.head_id for head in before])
    except UnknownSubject as error:
        return JoinedHead(None, words_of(error))
    archive.sweep(*gallery.named_files())
    return JoinedHead(head_id, why)
