"""/operating-point, /audit and /events: what is in force, and who did what."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.rest.bodies import AuditPage, EventsPage, OperatingPointDocument, RateWanted
from app.rest.discretion import told
from app.rest.guard import Caller, needs
from app.rest.page import Limit, Offset, next_offset
from enrollment.api_keys import ADMIN, READ

oversight = APIRouter(tags=["oversight"])


@oversight.get("/operating-point", response_model=OperatingPointDocument)
def show_point(caller: Annotated[Caller, needs(READ)]) -> dict[str, object]:
    """The rate of strangers that is asked for, and what was measured."""
    service = caller.service
    document = service.point_document(service.operating_point())
    return told(document, scores=caller.sees_scores)


@oversight.put("/operating-point", response_model=OperatingPointDocument)
def set_point(wanted: RateWanted, caller: Annotated[Caller, needs(ADMIN)]) -> dict[str, object]:
    """Ask for another rate; the threshold is measured anew."""
    service = caller.service
    with service.acting_as(caller.acting):
        document = service.point_document(service.calibrate(wanted.max_fpir))
    return told(document, scores=caller.sees_scores)


@oversight.get("/audit", response_model=AuditPage)
def read_audit(
    caller: Annotated[Caller, needs(ADMIN)],
    offset: Offset = 0,
    limit: Limit = 50,
    action: Annotated[str | None, Query(max_length=100)] = None,
) -> dict[str, object]:
    """Who did what, newest first; people under pseudonyms."""
    deeds, total = caller.service.privacy.audit_page(
        actions=[action] if action else [], offset=offset, limit=limit
    )
    rows = [
        {
            "seq": deed.record.seq,
            "at": deed.record.at.isoformat(),
            "actor": deed.record.actor,
            "action": deed.record.action,
            "object": deed.record.pseudonym,
            "details": dict(deed.record.details),
        }
        for deed in deeds
    ]
    anchors = [anchor for anchor in caller.service.privacy.anchors() if anchor.seq is not None]
    furthest = max(anchors, key=lambda anchor: anchor.seq or 0, default=None)
    return {
        "audit": rows,
        "total": total,
        "next_offset": next_offset(offset, len(rows), total),
        "anchored_to": furthest.seq if furthest else None,
        "anchored_at": furthest.at.isoformat() if furthest and furthest.at else None,
    }


@oversight.get("/events", response_model=EventsPage)
def read_events(
    caller: Annotated[Caller, needs(READ)], offset: Offset = 0, limit: Limit = 50
) -> dict[str, object]:
    """What was counted of people, newest first: kept for 90 days, gone with the person."""
    found, total = caller.service.events_page(offset, limit)
    rows = [
        {
            "at": event.at.isoformat(),
            "kind": event.kind,
            "subject_id": event.subject_id,
            "details": dict(event.details),
        }
        for event in found
    ]
    return {"events": rows, "total": total, "next_offset": next_offset(offset, len(rows), total)}
