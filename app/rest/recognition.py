"""/identify and /verify."""

from typing import Annotated

from fastapi import APIRouter, Form

from app.rest.bodies import Answers, Verified
from app.rest.discretion import told
from app.rest.guard import Caller, needs
from app.rest.metrics import Counted
from app.rest.upload import OnePhoto, photo_of
from enrollment.api_keys import IDENTIFY

recognition = APIRouter(tags=["recognition"])


@recognition.post("/identify", response_model=Answers)
def identify(
    photo: OnePhoto, caller: Annotated[Caller, needs(IDENTIFY)], metrics: Counted
) -> dict[str, object]:
    """Who is on a photo: one answer for each face, the largest first."""
    answers = caller.service.identify(photo_of(photo))
    for answer in answers:
        metrics.decided("identify", answer.decision)
    return {"faces": [told(a.as_document(), scores=caller.sees_scores) for a in answers]}


@recognition.post("/verify", response_model=Verified)
def verify(
    photo: OnePhoto,
    name: Annotated[str, Form(min_length=1, description="Name, external id or id.")],
    caller: Annotated[Caller, needs(IDENTIFY)],
    metrics: Counted,
) -> dict[str, object]:
    """Does the photo show this person?"""
    answer = caller.service.verify(photo_of(photo), name)
    metrics.decided("verify", answer.decision)
    return told(answer.as_document(), scores=caller.sees_scores)
