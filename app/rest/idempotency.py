"""A write that is sent twice, because its answer was lost, acts once."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import Header
from fastapi.responses import JSONResponse

from app.rest.guard import Caller
from app.rest.problem import Problem
from enrollment.api_keys import StoredAnswer
from enrollment.photo import Photo

IdempotencyKey = Annotated[
    str,
    Header(
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Of your choice, a new one for each request; sent again, the first answer "
        "is given again, for a day.",
        examples=["2f1d0c9e-5b0e-4c39-8a5e-1f6b1f1c0a11"],
    ),
]


def once(
    caller: Caller,
    idempotency_key: str,
    asked: Sequence[str],
    photos: Sequence[Photo],
    act: Callable[[], tuple[int, dict[str, object]]],
) -> JSONResponse:
    """Act, or give the answer that the same request was given before.

    A crash between acting and remembering acts twice; enrolling is so made that the second time
    changes nothing.

    Raises:
        Problem: 409 where the key was used for another request.
    """
    if not idempotency_key:
        status, body = act()
        return JSONResponse(body, status)
    keys, digest = caller.service.api_keys, _digest(asked, photos)
    before = keys.answer(caller.key, idempotency_key)
    if before is None:
        status, body = act()
        keys.put_answer(caller.key, idempotency_key, StoredAnswer(digest, status, body))
        return JSONResponse(body, status)
    if before.request_digest != digest:
        raise Problem(409, "this idempotency key was used for another request; make a new one")
    return JSONResponse(before.body, before.status, {"Idempotent-Replay": "true"})


def _digest(asked: Sequence[str], photos: Sequence[Photo]) -> str:
    made = hashlib.sha256()
    for part in (*(text.encode() for text in asked), *(photo.read() for photo in photos)):
        made.update(hashlib.sha256(part).digest())
    return made.hexdigest()
