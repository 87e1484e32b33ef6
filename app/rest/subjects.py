"""/subjects: who is enrolled; enroll, change, erase."""

import time
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Query
from fastapi.responses import JSONResponse

from app.rest.bodies import Enrollment, Erased, SubjectChange, Subjects, SubjectsPage
from app.rest.discretion import told
from app.rest.guard import Caller, needs, refuse_unless
from app.rest.idempotency import IdempotencyKey, once
from app.rest.page import Limit, Offset, next_offset
from app.rest.problem import Problem
from app.rest.upload import Photos, photo_of
from enrollment.api_keys import ADMIN, ENROLL, READ
from enrollment.enrollee import MAX_NAME
from enrollment.enroller import SubjectReport, allow_collision, refuse_collision
from enrollment.intake import Enrollee
from enrollment.people import Person, subject_document
from enrollment.reasons import ReasonCode
from enrollment.service import Service

subjects = APIRouter(prefix="/subjects", tags=["subjects"])

Name = Annotated[str, Form(min_length=1, max_length=MAX_NAME, examples=["Ada Lovelace"])]
Text = Annotated[str | None, Form(max_length=10_000)]
OnCollision = Annotated[
    Literal["refuse", "allow"], Form(description="When somebody enrolled looks the same.")
]


@subjects.get("", response_model=SubjectsPage)
def list_subjects(
    caller: Annotated[Caller, needs(READ)],
    search: Annotated[str, Query(max_length=200)] = "",
    offset: Offset = 0,
    limit: Limit = 50,
) -> dict[str, object]:
    """Some of the enrolled, by name."""
    found, total = caller.service.people_page(search, offset=offset, limit=limit)
    return {
        "subjects": [subject_document(subject) for subject in found],
        "total": total,
        "next_offset": next_offset(offset, len(found), total),
    }


@subjects.post("", response_model=Enrollment, responses={201: {"model": Enrollment}})
def enroll_subject(
    caller: Annotated[Caller, needs(ENROLL)],
    name: Name,
    photos: Photos,
    external_id: Annotated[str | None, Form(max_length=MAX_NAME)] = None,
    consent: Text = None,
    on_collision: OnCollision = "refuse",
    idempotency_key: IdempotencyKey = "",
) -> JSONResponse:
    """Enroll a person with photos: 201 for somebody new, 200 where photos were added or refused.

    Without a consent nobody is enrolled, unless the gallery was made so. Who looks like somebody
    enrolled is refused (`near_other_subject`) until `on_collision` says `allow`.
    """
    given = tuple(photo_of(photo) for photo in photos)
    person = Enrollee(name, external_id, given)
    asked = ["POST /subjects", name, str(external_id), str(consent), on_collision]
    return once(
        caller,
        idempotency_key,
        asked,
        given,
        lambda: _enroll(caller, person, consent, on_collision),
    )


@subjects.get("/{subject_id}", response_model=Subjects)
def show_subject(subject_id: UUID, caller: Annotated[Caller, needs(READ)]) -> dict[str, object]:
    """One person, with what they agreed to."""
    subject = _found(caller.service, subject_id)
    consents = [
        {"basis": c.basis, "text": c.text, "given_at": c.given_at.isoformat()}
        for c in caller.service.consents(subject.subject_id)
    ]
    return {"subjects": [subject_document(subject) | {"consents": consents}]}


@subjects.patch("/{subject_id}", response_model=Subjects)
def change_subject(
    subject_id: UUID, change: SubjectChange, caller: Annotated[Caller, needs(ENROLL)]
) -> dict[str, object]:
    """Rename, suspend (`suspended`: found by no search) or resume (`active`)."""
    subject = _found(caller.service, subject_id)
    with caller.service.acting_as(caller.acting):
        if change.name is not None and change.name != subject.name:
            caller.service.rename(subject.subject_id, change.name)
        elif change.state is not None and change.state != subject.state:
            act = caller.service.suspend if change.state == "suspended" else caller.service.resume
            act(subject.subject_id)
    return {"subjects": [subject_document(_found(caller.service, subject_id))]}


@subjects.delete("/{subject_id}", response_model=Erased)
def erase_subject(subject_id: UUID, caller: Annotated[Caller, needs(ADMIN)]) -> dict[str, object]:
    """Erase a person completely: photos, templates, consent, key. Cannot be undone."""
    subject = _found(caller.service, subject_id)
    with caller.service.acting_as(caller.acting):
        receipt = caller.service.erase(subject.subject_id)
    return {"subject_id": receipt.subject_id, "receipt": receipt.as_document()}


@subjects.post("/{subject_id}/samples", response_model=Enrollment)
def add_samples(
    subject_id: UUID,
    caller: Annotated[Caller, needs(ENROLL)],
    photos: Photos,
    consent: Text = None,
    idempotency_key: IdempotencyKey = "",
) -> JSONResponse:
    """Add photos of a person; each is kept or refused with its reasons."""
    subject = _found(caller.service, subject_id)
    given = tuple(photo_of(photo) for photo in photos)
    person = Enrollee(subject.name, subject.external_id, given, subject.subject_id)
    asked = ["POST samples", subject.subject_id, str(consent)]
    return once(
        caller, idempotency_key, asked, given, lambda: _enroll(caller, person, consent, "refuse")
    )


def _found(service: Service, subject_id: UUID) -> Person:
    """By id alone: a name in an address would stand in every log on its way."""
    if service.subject(str(subject_id)) is None:
        raise Problem(404, "nobody of this id is enrolled")
    return service.person(str(subject_id))


def _enroll(
    caller: Caller, person: Enrollee, consent: str | None, on_collision: str
) -> tuple[int, dict[str, object]]:
    budget = caller.service.key_budget
    refuse_unless(budget.check(caller.key))
    answer = allow_collision if on_collision == "allow" else refuse_collision
    started = time.monotonic()
    with caller.service.acting_as(caller.acting):
        (report,) = caller.service.enroll([person], consent, answer)
    budget.collided(caller.key, _questions(report))
    document: dict[str, object] = {
        "subjects": [report.as_document()],
        "accepted": report.accepted,
        "refused": len(report.samples) - report.accepted,
        "seconds": round(time.monotonic() - started, 3),
    }
    return 201 if report.created else 200, told(document, scores=caller.sees_scores)


def _questions(report: SubjectReport) -> int:
    """Faces of which the answer says that they are like somebody enrolled, or unlike the one whose
    they were said to be; new photos that are unlike each other say nothing of anybody."""
    telling = {ReasonCode.NEAR_OTHER_SUBJECT}
    if report.enrolled and not report.created:
        telling.add(ReasonCode.NOT_THIS_PERSON)
    codes = [{reason.code for reason in sample.reasons} for sample in report.samples]
    return sum(bool(found & telling) for found in codes)
