"""Everything that is kept about one person, in one zip file, for that person."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime

from enrollment.errors import BadInput
from enrollment.lineage import lineage
from enrollment.people import subject_document
from store.gallery import Gallery
from store.records import Subject
from wording.message import message

_MOST = 10_000  # rows of a list
_README = """\
What Rollcall keeps about this person.

person.json      name, staff number, state, and everybody who was merged into this person
consents.json    what was agreed to, word for word, and when
requests.json    what this person asked for, and what was answered
photos/          the kept cut-outs around the face, as they are stored
photos.json      of each: where it came from, who said so, and the measured quality
templates.json   of each photo: the numbers that a face is recognised by
recognition.json what nights counted, the head versions that were made with this person, and where
                 an operating point names this person; other people are not named
review.json      faces at the door that were compared with this person; the pictures are left out,
                 because they may show somebody else
audit.json       what the audit trail says, without any name
"""


def write_dossier(gallery: Gallery, subject_id: str, actor: str) -> bytes:
    """A zip file of it; the audit trail says that somebody asked for it.

    Raises:
        BadInput: nobody has this id.
    """
    family = gallery.family(subject_id)
    if not family:
        raise BadInput(message("there is nobody with this id; nothing was written"))
    with gallery.change(actor, raises_generation=False) as change:
        change.record("subject.export", subject_id)
    members = [subject.subject_id for subject in family]
    documents = {
        "person.json": _person(family),
        "consents.json": _consents(gallery, members),
        "requests.json": _requests(gallery, members),
        "templates.json": _templates(gallery, members),
        "recognition.json": _recognition(gallery, members),
        "review.json": _review(gallery, members),
        "audit.json": _audit(gallery, members),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README)
        for name, document in documents.items():
            archive.writestr(name, json.dumps(document, indent=1, ensure_ascii=False))
        samples = gallery.samples(members)
        told = [{**lineage(s), "details": s.details} for s in samples]
        archive.writestr("photos.json", json.dumps(told, indent=1, ensure_ascii=False))
        for sample in samples:
            archive.writestr(f"photos/{sample.sample_id}.jpg", sample.image)
    return packed.getvalue()


def _person(family: Sequence[Subject]) -> dict[str, object]:
    first, *merged = family
    return {**subject_document(first), "merged": [subject_document(s) for s in merged]}


def _consents(gallery: Gallery, members: Sequence[str]) -> list[dict[str, object]]:
    return [
        {
            "subject_id": member,
            "basis": consent.basis,
            "text": consent.text,
            "version": consent.version,
            "given_at": consent.given_at.isoformat(),
            "expires_at": _day(consent.expires_at),
            "withdrawn_at": _day(consent.withdrawn_at),
        }
        for member in members
        for consent in gallery.consents(member)
    ]


def _requests(gallery: Gallery, members: Sequence[str]) -> list[dict[str, object]]:
    waiting, _ = gallery.requests(limit=_MOST)
    answered, _ = gallery.requests(answered=True, limit=_MOST)
    return [
        {
            "kind": request.kind,
            "requested_at": request.requested_at.isoformat(),
            "due_at": request.due_at.isoformat(),
            "note": request.note,
            "outcome": request.outcome,
            "answer": request.answer,
        }
        for request in [*waiting, *answered]
        if request.subject_id in members
    ]


def _day(when: datetime | None) -> str | None:
    return when.isoformat() if when else None


def _templates(gallery: Gallery, members: Sequence[str]) -> dict[str, object]:
    return {
        "backbone": gallery.facts.backbone,
        "fingerprint": gallery.facts.fingerprint,
        "templates": [
            {"photo": f"photos/{t.sample_id}.jpg", "vector": t.vector.tolist()}
            for t in gallery.stored_templates(members)
        ],
        "of_another_backbone": _beside(gallery, members),
    }


def _beside(gallery: Gallery, members: Sequence[str]) -> dict[str, object] | None:
    """What is kept for a move to another backbone, or for the way back."""
    shadow = gallery.shadow()
    if shadow is None:
        return None
    return {
        "backbone": shadow.facts.backbone,
        "fingerprint": shadow.facts.fingerprint,
        "vectors": gallery.shadow_vectors_of(members).tolist(),
    }


def _recognition(gallery: Gallery, members: Sequence[str]) -> dict[str, object]:
    return {
        "nights": [
            {"day": night.day.date().isoformat(), "found": night.found, "tried": night.tried}
            for night in gallery.nights_of(members)
        ],
        "heads": [
            {"head_id": h.head_id, "created_at": h.created_at.isoformat(), "state": h.state}
            for h in gallery.heads_that_saw(members)
        ],
        "operating_points": [
            {"created_at": point.created_at.isoformat(), **mentions}
            for point in gallery.operating_points()
            if (mentions := _mentions(point.details, members))
        ],
    }


def _mentions(details: Mapping[str, object], members: Sequence[str]) -> dict[str, object]:
    """What an operating point says of these: strangers taken for them, and who is near them."""
    taken = [
        {"searches": entry["searches"], "share": entry["share"]}
        for entry in _entries(details, "false_matches")
        if entry["subject_id"] in members
    ]
    near = [
        {"likeness": entry["likeness"], "margin": entry["margin"]}
        for entry in _entries(details, "near_pairs")
        if entry["one"] in members or entry["other"] in members
    ]
    found = {"strangers_taken_for_this_person": taken, "colleagues_near": near}
    return {key: entries for key, entries in found.items() if entries}


def _entries(details: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    found = details.get(key)
    return list(found) if isinstance(found, list) else []


def _review(gallery: Gallery, members: Sequence[str]) -> dict[str, object]:
    return {
        "waiting": [
            {
                "at": s.at.isoformat(),
                "kind": s.kind,
                "compared_as": "nearest" if s.nearest in members else "second nearest",
            }
            for s in gallery.sightings()
            if s.nearest in members or s.rival in members
        ],
        "said_not_to_be_this_person": [
            {"at": n.at.isoformat()}
            for n in gallery.negative_list()
            if n.subject_id is not None and n.subject_id in members
        ],
    }


def _audit(gallery: Gallery, members: Sequence[str]) -> list[dict[str, object]]:
    names = gallery.pseudonyms(members).values()
    trail, _ = gallery.audit_page(names=list(names), limit=_MOST)
    return [
        {"at": entry.at.isoformat(), "actor": entry.actor, "action": entry.action}
        for entry in reversed(trail)
    ]
