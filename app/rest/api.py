"""The API, built in one place: `build_api(service)` is an ASGI app of its own."""

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.routing import Mount

from app.log import Log
from app.rest.answering import Answering
from app.rest.bodies import ProblemDocument
from app.rest.metrics import Metrics
from app.rest.nights import nights
from app.rest.oversight import oversight
from app.rest.pace import Pace
from app.rest.problem import MEDIA_TYPE, answer_errors
from app.rest.recognition import recognition
from app.rest.state import state
from app.rest.subjects import subjects
from app.rest.upload import BodyLimit
from app.uploads import keep_uploads_in_memory
from enrollment.service import Service

PLACE = "/api"
_VERSION = "/v1"
_TEXT = """
Enroll people by face and recognise them. Answers are the documents of `rollcall ... --json`.

Show a key as `Authorization: Bearer ...`; `rollcall api-key add NAME --scope identify` makes one.
A key without the scope `scores` is told decisions and no score. Errors are
`application/problem+json`.
"""


def build_api(service: Service, pace: Pace | None = None) -> FastAPI:
    """Everything below `/api`. pace: how fast a key may ask; None: as usual."""
    keep_uploads_in_memory()
    api: FastAPI = FastAPIOffline(
        title="Rollcall",
        version="1",
        description=_TEXT,
        docs_url="/docs",
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=_problems(),
    )
    api.state.service, api.state.metrics = service, Metrics(service)
    api.state.pace = pace or Pace()
    answer_errors(api)
    for router in (subjects, recognition, nights, oversight, state):
        api.include_router(router, prefix=_VERSION)
    api.add_middleware(BodyLimit)
    return api


def mounted(service: Service, pace: Pace | None = None, log: Log | None = None) -> Mount:
    """For a server that serves other things, too. log: None for a silent one."""
    api = build_api(service, pace)
    return Mount(PLACE, Answering(api, api.state.metrics, log or Log()))


def _problems() -> dict[int | str, dict[str, object]]:
    """Every route may end so."""
    said = {
        400: "The request cannot be read.",
        401: "No key that holds was shown.",
        403: "The key has not the scope.",
        404: "There is no such thing.",
        409: "Refused as things are; the detail says what to do.",
        413: "The request is too large.",
        422: "The input is not what is asked for.",
        429: "Too fast, the day's budget is spent, or too many faces were nobody's; Retry-After.",
        503: "The gallery cannot be used now.",
    }
    content = {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}}
    return {status: {"description": text, "content": content} for status, text in said.items()}
