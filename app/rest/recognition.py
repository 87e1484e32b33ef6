"""/identify and /verify."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Form

from app.rest.bodies import Answers, Verified
from app.rest.discretion import told
from app.rest.guard import Caller, needs, refuse_unless
from app.rest.upload import OnePhoto, photo_of
from enrollment.api_keys import IDENTIFY

recognition = APIRouter(tags=["recognition"])


@recognition.post("/identify", response_model=Answers)
def identify(photo: OnePhoto, caller: Annotated[Caller, needs(IDENTIFY)]) -> dict[str, object]:
    """Who is on a photo: one answer for each face, the largest first.

    `from_memory`: the database is away, and the answer is of the last state that was confirmed.
    """
    with _admitted(caller) as outcome:
        answers = caller.service.identify(photo_of(photo))
        outcome += [answer.decision for answer in answers]
    return {
        "faces": [told(a.as_document(), scores=caller.sees_scores) for a in answers],
        "from_memory": caller.service.reached.away is not None,
    }


@recognition.post("/verify", response_model=Verified)
def verify(
    photo: OnePhoto,
    name: Annotated[str, Form(min_length=1, description="Name, external id or id.")],
    caller: Annotated[Caller, needs(IDENTIFY)],
) -> dict[str, object]:
    """Does the photo show this person?"""
    with _admitted(caller) as outcome:
        answer = caller.service.verify(photo_of(photo), name)
        outcome.append(answer.decision)
    return told(answer.as_document(), scores=caller.sees_scores)


@contextmanager
def _admitted(caller: Caller) -> Iterator[list[str]]:
    """Within, a key asks who somebody is; it is told the decisions, and they are counted.

    Raises:
        Problem: 429 where the budget of the day is spent or after failures, 403 for a key that
            failed too often.
    """
    budget, decisions = caller.service.key_budget, list[str]()
    refuse_unless(budget.admit(caller.key))
    try:
        yield decisions
    finally:
        counts = Counter(decisions)
        budget.settle(caller.key, named=counts["known"], unnamed=counts["unknown"])
