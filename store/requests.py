"""Reading what people ask for about their data."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store.records import Request
from store.schema import requests, subjects


def page(
    connection: sa.Connection, answered: bool, offset: int, limit: int
) -> tuple[list[Request], int]:
    """Some of them and how many there are: the open ones, due first; or the answered, newest
    first."""
    wanted = requests.c.done_at.is_not(None) if answered else requests.c.done_at.is_(None)
    among = sa.select(sa.func.count()).select_from(requests).where(wanted)
    total = int(connection.execute(among).scalar_one())
    first = requests.c.done_at.desc() if answered else requests.c.due_at
    rows = connection.execute(
        sa.select(requests)
        .where(wanted)
        .order_by(first, requests.c.request_id)
        .offset(offset)
        .limit(limit)
    ).all()
    who = _answering(connection, {row.subject_id for row in rows})
    return [_request(row, *who[row.subject_id]) for row in rows], total


def open_now(connection: sa.Connection) -> int:
    wanted = sa.select(sa.func.count()).select_from(requests).where(requests.c.done_at.is_(None))
    return int(connection.execute(wanted).scalar_one())


def _answering(
    connection: sa.Connection, subject_ids: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Subject id -> (id, name) of the subject that answers for it."""
    found: dict[str, tuple[str, str]] = {}
    for subject_id in subject_ids:
        answers: str | None = subject_id
        while answers is not None:
            row = connection.execute(
                sa.select(subjects.c.subject_id, subjects.c.name, subjects.c.merged_into).where(
                    subjects.c.subject_id == answers
                )
            ).one()
            found[subject_id] = row.subject_id, row.name
            answers = row.merged_into
    return found


def _request(row: sa.Row[Any], subject_id: str, name: str) -> Request:
    return Request(
        request_id=row.request_id,
        subject_id=subject_id,
        name=name,
        kind=row.kind,
        requested_at=datetime.fromisoformat(row.requested_at),
        due_at=datetime.fromisoformat(row.due_at),
        note=row.note,
        done_at=datetime.fromisoformat(row.done_at) if row.done_at else None,
        outcome=row.outcome,
        answer=row.answer,
    )
