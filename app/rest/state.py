"""/health, /ready and /metrics: for those who run it."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.rest.bodies import State
from app.rest.guard import Caller, needs
from app.rest.metrics import Metrics
from app.rest.problem import Problem
from enrollment.api_keys import READ
from enrollment.service import Service

state = APIRouter(tags=["operations"])


@state.get("/health", response_model=State, response_model_exclude_none=True)
def health() -> dict[str, object]:
    """The process answers."""
    return {"status": "ok"}


@state.get("/ready", response_model=State, response_model_exclude_none=True)
def ready(request: Request) -> dict[str, object]:
    """The gallery can be read and its models are loaded; 503 where not, and why.

    `from_memory`: the database is away, and recognition alone goes on, for so many seconds.
    """
    service: Service = request.app.state.service
    service.generation()  # raises what is wrong with the gallery
    if not service.is_warm:
        raise Problem(503, "the models are being loaded; ask again in a moment")
    reached = service.reached
    if reached.away is None:
        service.check_index()
        return {"status": "ready"}
    return {"status": "from_memory", "seconds_left": int(reached.from_memory)}


@state.get("/metrics", response_class=Response)
def read_metrics(caller: Annotated[Caller, needs(READ)], request: Request) -> Response:
    """For Prometheus."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)
