"""A copy of everything that is kept about one person, for that person (GDPR art. 15(3), 20).

Nobody else is in it: of a merge or a face that was told apart it says that there was one, not with
whom.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import datetime

from enrollment.people import subject_document
from store.gallery import Gallery
from store.records import AuditRecord, Consent, Request, Sample

_TRAIL_MOST = 10_000


def disclose(gallery: Gallery, subject_id: str, now: datetime) -> bytes:
    """A zip file: `data.json`, and the photos as they are kept."""
    members = gallery.family_of(subject_id)
    subjects = gallery.some_subjects(members)
    samples = gallery.samples(members)
    trail, _ = gallery.audit_page(
        names=list(gallery.pseudonyms(members).values()), limit=_TRAIL_MOST
    )
    answered, _ = gallery.requests(answered=True, limit=_TRAIL_MOST)
    waiting, _ = gallery.requests(limit=_TRAIL_MOST)
    vectors = gallery.vectors_of(members)
    document: dict[str, object] = {
        "made_at": now.isoformat(timespec="seconds"),
        "what_for": "recognition by face at the company that runs this gallery",
        "person": [subject_document(subjects[member]) for member in members],
        "consents": [_consent(c) for member in members for c in gallery.consents(member)],
        "requests": [_request(r) for r in [*waiting, *answered] if r.subject_id == subject_id],
        "photos": [_photo(number, sample) for number, sample in enumerate(samples, 1)],
        "numbers_computed_from_the_photos": {
            "backbone": gallery.facts.backbone,
            "fingerprint": gallery.facts.fingerprint,
            "vectors": [[round(float(x), 7) for x in vector] for vector in vectors],
        },
        "trail": [_deed(record) for record in reversed(trail)],
        "recognitions": "kept nowhere",
    }
    return _packed(document, samples)


def _packed(document: dict[str, object], samples: Sequence[Sample]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(document, indent=2, ensure_ascii=False))
        for number, sample in enumerate(samples, 1):
            archive.writestr(_file_of(number), sample.image)
    return whole.getvalue()


def _file_of(number: int) -> str:
    return f"photos/{number}.jpg"


def _photo(number: int, sample: Sample) -> dict[str, object]:
    return {
        "file": _file_of(number),
        "kept_at": sample.captured_at.isoformat(),
        "details": dict(sample.details),
    }


def _consent(consent: Consent) -> dict[str, object]:
    return {
        "basis": consent.basis,
        "text": consent.text,
        "version": consent.version,
        "given_at": consent.given_at.isoformat(),
        "expires_at": consent.expires_at.isoformat() if consent.expires_at else None,
        "withdrawn_at": consent.withdrawn_at.isoformat() if consent.withdrawn_at else None,
    }


def _request(request: Request) -> dict[str, object]:
    return {
        "kind": request.kind,
        "requested_at": request.requested_at.isoformat(),
        "due_at": request.due_at.isoformat(),
        "note": request.note,
        "done_at": request.done_at.isoformat() if request.done_at else None,
        "outcome": request.outcome,
        "answer": request.answer,
    }


def _deed(record: AuditRecord) -> dict[str, object]:
    others = ("into", "from", "sightings", "negatives")
    return {
        "at": record.at.isoformat(),
        "through": record.actor,
        "action": record.action,
        "details": {k: v for k, v in record.details.items() if k not in others},
    }
