"""/nightly and /heads: learning, and which version serves."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.rest.bodies import Heads, Night
from app.rest.discretion import told
from app.rest.guard import Caller, needs
from app.rest.problem import Problem
from enrollment.api_keys import NIGHTLY, READ
from enrollment.head_versions import document_of

HeadId = Annotated[str, Path(pattern=r"^[0-9A-Za-z._-]+$", max_length=100)]

nights = APIRouter(tags=["learning"])


@nights.post("/nightly", response_model=Night)
def run_night(
    caller: Annotated[Caller, needs(NIGHTLY)],
    force: Annotated[bool, Query(description="Also when nothing changed.")] = False,
    full: Annotated[bool, Query(description="Train everything anew.")] = False,
) -> dict[str, object]:
    """Learn what is new, once a UTC day; answers when the night is over, which may take minutes."""
    with caller.service.acting_as(caller.acting):
        document = caller.service.nightly(force=force, full=full).as_document()
    return told(document, scores=caller.sees_scores)


@nights.get("/nightly/{day}", response_model=Night)
def show_night(day: date, caller: Annotated[Caller, needs(READ)]) -> dict[str, object]:
    """How a night ended."""
    night = caller.service.night_of(day.isoformat())
    if night is None:
        raise Problem(404, f"no night of {day} has ended")
    return told(night, scores=caller.sees_scores)


@nights.get("/heads", response_model=Heads)
def list_heads(caller: Annotated[Caller, needs(READ)]) -> dict[str, object]:
    """The kept versions, oldest first, and which one serves."""
    heads = [document_of(head) for head in caller.service.heads()]
    return told({"heads": heads}, scores=caller.sees_scores)


@nights.post("/heads/{head_id}/promote")
def promote_head(head_id: HeadId, caller: Annotated[Caller, needs(NIGHTLY)]) -> dict[str, object]:
    """Let a kept version serve, because a person says so."""
    if head_id not in {head.head_id for head in caller.service.heads()}:
        raise Problem(404, "there is no such version; see GET /heads")
    with caller.service.acting_as(caller.acting):
        document = document_of(caller.service.promote_head(head_id))
    return told(document, scores=caller.sees_scores)
