"""Errors as `application/problem+json` (RFC 9457): what happened, and what to do next."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.failure import exit_code
from app.rest.answering import asked
from enrollment.errors import BadInput, Ending, NotEnrolled, RollcallError
from models.errors import ModelError
from store.errors import (
    BackboneMoved,
    CannotBeKept,
    DatabaseAway,
    GalleryLocked,
    IndexUnusable,
    StoreError,
)

MEDIA_TYPE = "application/problem+json"
_SECONDS_TO_RETRY = 5
# The error itself says where the database is and as whom we ask it.
_AWAY = "the database cannot be reached; nothing that was confirmed is lost; repeat the request"
_INDEX = "nobody can be recognised just now: the index does not answer, or not rightly; repeat it"
# To whom showed no key, as to everybody who asks /ready.
_OUT_OF_ORDER = "the gallery cannot be used now; on its machine this says why: rollcall doctor"
_TITLES = {
    400: "Bad request",
    401: "No key",
    403: "Not in this key's scopes",
    404: "Not found",
    405: "Method not allowed",
    409: "Refused",
    413: "Too large",
    415: "Unsupported media type",
    422: "Bad input",
    429: "Too often",
    500: "An error of ours",
    503: "Cannot be used now",
}


class Problem(Exception):
    """Ends a request with this status."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    title = _TITLES.get(status, "Error")
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def answer_errors(api: FastAPI) -> None:
    """Let every error of every room end as a problem, and none as a traceback."""
    api.exception_handler(Problem)(_of_problem)
    api.exception_handler(HTTPException)(_of_http)
    api.exception_handler(RequestValidationError)(_of_validation)
    for kind in (RollcallError, StoreError, ModelError):
        api.exception_handler(kind)(_of_room)
    api.exception_handler(Exception)(_of_anything)


def _of_problem(_: Request, error: Problem) -> JSONResponse:
    return problem(error.status, error.detail, error.headers)


def _of_http(_: Request, error: HTTPException) -> JSONResponse:
    return problem(error.status_code, str(error.detail), dict(error.headers or {}))


def _of_validation(_: Request, error: RequestValidationError) -> JSONResponse:
    # Without the input: it may be a name or a photo, and this text is logged by its reader.
    said = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()]
    return problem(422, "; ".join(said))


def _of_room(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, NotEnrolled):
        return problem(404, str(error))
    if isinstance(error, BadInput):
        return problem(409, str(error))
    if isinstance(error, CannotBeKept):
        return problem(422, str(error))
    if not isinstance(error, Ending):  # which the log tells of by itself
        asked(request).log.error(error, asked(request).request_id)
    if isinstance(error, GalleryLocked | DatabaseAway | BackboneMoved | IndexUnusable):
        said = _AWAY if isinstance(error, DatabaseAway) else str(error)
        said = _INDEX if isinstance(error, IndexUnusable) else said
        return problem(503, said, {"Retry-After": str(_SECONDS_TO_RETRY)})
    assert exit_code(error) is not None  # noqa: S101 - one of a room's own
    return problem(503, _OUT_OF_ORDER if asked(request).key_id is None else str(error))


def _of_anything(_: Request, _error: Exception) -> JSONResponse:
    # It goes on to `Answering`, which logs its kind and place: its text may hold a name.
    return problem(500, "this should not have happened; the server's log says where")
