"""Reading what is kept about one person, or about the few who are shown on a page."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from store import audit as trail
from store import metadata
from store.records import Event, HeadVersion, NightCount, Subject
from store.schema import events, heads, samples
from store.vault import Vault

NIGHT = "night"


def family(connection: sa.Connection, subject_id: str) -> list[Subject]:
    """A subject and all that were merged into it, itself first; empty where there is none."""
    members = metadata.families(connection, [subject_id])
    found = metadata.some_subjects(connection, members)
    if subject_id not in found:
        return []
    return [found[subject_id], *(s for i, s in found.items() if i != subject_id)]


def newest_samples(connection: sa.Connection, subject_ids: Sequence[str]) -> dict[str, str]:
    """The newest sample's id of each of these, or of who was merged into it."""
    owners = metadata.families(connection, subject_ids)
    rank = sa.func.row_number().over(
        partition_by=samples.c.subject_id,
        order_by=(samples.c.captured_at.desc(), samples.c.sample_id.desc()),
    )
    ranked = (
        sa.select(
            samples.c.sample_id, samples.c.subject_id, samples.c.captured_at, rank.label("rank")
        )
        .where(samples.c.subject_id.in_(list(owners)))
        .subquery()
    )
    rows = connection.execute(sa.select(ranked).where(ranked.c.rank == 1)).all()
    oldest_first = sorted(rows, key=lambda row: (row.captured_at, row.sample_id))
    return {owners[row.subject_id]: row.sample_id for row in oldest_first}


def heads_that_saw(
    connection: sa.Connection, vault: Vault, subject_ids: Collection[str]
) -> list[HeadVersion]:
    """The kept versions of the head that were made with any of these, newest first.

    Found in the database: the manifests of a large gallery are megabytes.
    """
    names = [trail.pseudonym(vault, subject_id) for subject_id in subject_ids]
    rows = connection.execute(
        sa.select(heads.c.head_id, heads.c.created_at, heads.c.state)
        .where(sa.or_(*(heads.c.manifest.contains(f'"{name}"') for name in names)))
        .order_by(heads.c.created_at.desc(), heads.c.head_id)
    )
    return [
        HeadVersion(row.head_id, datetime.fromisoformat(row.created_at), row.state) for row in rows
    ]


def nights_of(connection: sa.Connection, subject_ids: Collection[str]) -> list[NightCount]:
    """What each night counted of these, together, oldest first."""
    rows = connection.execute(
        sa.select(events.c.at, events.c.details)
        .where(events.c.kind == NIGHT, events.c.subject_id.in_(list(subject_ids)))
        .order_by(events.c.at)
    )
    counts: dict[str, tuple[int, int]] = {}
    for row in rows:
        found, tried = json.loads(row.details)
        before = counts.get(row.at, (0, 0))
        counts[row.at] = before[0] + found, before[1] + tried
    return [NightCount(datetime.fromisoformat(at), *both) for at, both in counts.items()]


def page_of_events(connection: sa.Connection, offset: int, limit: int) -> tuple[list[Event], int]:
    """Some of what was counted of people, newest first, and how many rows there are in all."""
    total = connection.execute(sa.select(sa.func.count()).select_from(events)).scalar_one()
    rows = connection.execute(
        sa.select(events)
        .order_by(events.c.at.desc(), events.c.event_id)
        .offset(offset)
        .limit(limit)
    )
    found = []
    for row in rows:
        right, tried = json.loads(row.details)
        details = {"found": right, "tried": tried}
        found.append(Event(datetime.fromisoformat(row.at), row.kind, row.subject_id, details))
    return found, int(total)
