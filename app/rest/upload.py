"""Photos that come over HTTP: counted while they are read, never on the disk."""

from typing import Annotated

from fastapi import File, UploadFile
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.rest.problem import problem
from enrollment.photo import MAX_BYTES, Photo, photo_bytes

MOST_PHOTOS = 5
_MARGIN = 64 * 1024  # what a form adds to its files
MOST_BODY = MOST_PHOTOS * MAX_BYTES + _MARGIN
_TOO_LARGE = f"a request holds at most {MOST_PHOTOS} photos of {MAX_BYTES // 1024**2} MB"

OnePhoto = Annotated[UploadFile, File(description="JPEG, PNG, WebP or HEIC, at most 10 MB")]
Photos = Annotated[
    list[UploadFile],
    File(
        description="JPEG, PNG, WebP or HEIC, at most 10 MB each",
        min_length=1,
        max_length=MOST_PHOTOS,
    ),
]


class BodyLimit:
    """Refuses what is larger than a request may be, whatever its headers say."""

    def __init__(self, app: ASGIApp, most: int = MOST_BODY) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            await problem(413, _TOO_LARGE)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                # FastAPI hands on none but this while it reads a form.
                raise HTTPException(413, _TOO_LARGE)
            return message

        await self._app(scope, counted, send)


def photo_of(upload: UploadFile) -> Photo:
    """Its bytes, and one more where it is too large, so that the decoder says so."""
    return photo_bytes(upload.filename or "photo", upload.file.read(MAX_BYTES + 1))
