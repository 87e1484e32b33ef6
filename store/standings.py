"""Reading who may be due for something: consents, requests and suspensions, and nothing else.

Narrow on purpose: of ten thousand people with a consent that holds, none is read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from store import audit
from store.records import ConsentText, Standing
from store.schema import audit as trail
from store.schema import consents, requests, subjects
from store.vault import Vault


def candidates(
    connection: sa.Connection, vault: Vault, ending: datetime, consent_required: bool
) -> list[Standing]:
    """Everybody whom some rule may be about: no consent that holds beyond `ending`, an open
    request, or suspended. Who was merged into others counts as these.

    Args:
        consent_required: False leaves out those who were never asked.
    """
    given = _given().subquery()
    asking = sa.select(requests.c.subject_id).where(requests.c.done_at.is_(None))
    limit = ending.astimezone(UTC).isoformat(timespec="microseconds")
    unasked = given.c.consents.is_(None)
    holds = sa.or_(given.c.unlimited > 0, given.c.ends_at > limit)
    rows = connection.execute(
        sa.select(
            subjects.c.subject_id, subjects.c.state, subjects.c.enrolled_at,
            given.c.consents, given.c.held, given.c.withdrawn_at, given.c.ends_at,
            given.c.unlimited,
        )
        .outerjoin(given, given.c.subject_id == subjects.c.subject_id)
        .where(
            subjects.c.state != "merged",
            sa.or_(
                subjects.c.state == "suspended",
                subjects.c.subject_id.in_(asking),
                unasked if consent_required else sa.false(),
                sa.and_(sa.not_(unasked), sa.not_(sa.func.coalesce(holds, sa.false()))),
            ),
        )
    ).mappings().all()  # fmt: skip
    suspended = [row["subject_id"] for row in rows if row["state"] == "suspended"]
    since = _suspended_since(connection, vault, suspended)
    kinds = _kinds(connection)
    found = {row["subject_id"]: _standing(row, since, kinds) for row in rows}
    return list(_with_merged(connection, found, kinds).values())


def texts(connection: sa.Connection) -> list[ConsentText]:
    """Every wording that a consent which was not taken back rests on, the newest first."""
    rows = connection.execute(
        sa.select(
            consents.c.version,
            consents.c.text,
            sa.func.count(consents.c.subject_id.distinct()).label("people"),
            sa.func.min(consents.c.given_at).label("first"),
        )
        .where(consents.c.basis == "consent", consents.c.withdrawn_at.is_(None))
        .group_by(consents.c.version, consents.c.text)
        .order_by(sa.func.min(consents.c.given_at).desc())
    )
    return [
        ConsentText(row.version, row.text, row.people, datetime.fromisoformat(row.first))
        for row in rows
    ]


def _given() -> sa.Select[Any]:
    """Consents counted by subject."""
    held = consents.c.withdrawn_at.is_(None)
    return (
        sa.select(
            consents.c.subject_id,
            sa.func.count().label("consents"),
            sa.func.sum(sa.case((held, 1), else_=0)).label("held"),
            sa.func.max(consents.c.withdrawn_at).label("withdrawn_at"),
            sa.func.max(sa.case((held, consents.c.expires_at))).label("ends_at"),
            sa.func.sum(
                sa.case((sa.and_(held, consents.c.expires_at.is_(None)), 1), else_=0)
            ).label("unlimited"),
        )
        .where(consents.c.basis == "consent")
        .group_by(consents.c.subject_id)
    )


def _kinds(connection: sa.Connection) -> dict[str, tuple[str, str]]:
    """Subject id -> (due, kind) of the open request that is due first."""
    rows = connection.execute(
        sa.select(requests.c.subject_id, requests.c.due_at, requests.c.kind)
        .where(requests.c.done_at.is_(None))
        .order_by(requests.c.due_at.desc())
    )
    return {row.subject_id: (row.due_at, row.kind) for row in rows}


def _suspended_since(
    connection: sa.Connection, vault: Vault, subject_ids: Iterable[str]
) -> dict[str, str]:
    names = {audit.pseudonym(vault, subject_id): subject_id for subject_id in subject_ids}
    if not names:
        return {}
    rows = connection.execute(
        sa.select(trail.c.object, sa.func.max(trail.c.at).label("at"))
        .where(trail.c.action == "subject.suspended")
        .group_by(trail.c.object)
    )
    return {names[row.object]: row.at for row in rows if row.object in names}


def _standing(
    row: sa.RowMapping, since: Mapping[str, str], kinds: Mapping[str, tuple[str, str]]
) -> Standing:
    due_at, kind = kinds.get(row["subject_id"], (None, None))
    return Standing(
        subject_id=row["subject_id"],
        state=row["state"],
        enrolled_at=datetime.fromisoformat(row["enrolled_at"]),
        consents=row["consents"] or 0,
        held=row["held"] or 0,
        withdrawn_at=_moment(row["withdrawn_at"]),
        ends_at=_moment(row["ends_at"]),
        unlimited=bool(row["unlimited"]),
        suspended_at=_moment(since.get(row["subject_id"])),
        requested=kind,
        due_at=_moment(due_at),
    )


def _with_merged(
    connection: sa.Connection,
    found: Mapping[str, Standing],
    kinds: Mapping[str, tuple[str, str]],
) -> dict[str, Standing]:
    """What those who were merged into others agreed to and asked for counts for these."""
    merged = connection.execute(
        sa.select(subjects.c.subject_id, subjects.c.merged_into).where(subjects.c.state == "merged")
    ).all()
    together = dict(found)
    if not merged:
        return together
    into = {row.subject_id: row.merged_into for row in merged}
    given = _given().where(
        consents.c.subject_id.in_(
            sa.select(subjects.c.subject_id).where(subjects.c.state == "merged")
        )
    )
    rows = {row["subject_id"]: row for row in connection.execute(given).mappings()}
    for subject_id in rows.keys() | (kinds.keys() & into.keys()):
        root = subject_id
        while root in into:
            root = into[root]
        if root not in together and subject_id in kinds:
            together[root] = _one(connection, root)
        if root in together:
            together[root] = _joined(together[root], rows.get(subject_id), kinds.get(subject_id))
    return together


def _one(connection: sa.Connection, subject_id: str) -> Standing:
    """Somebody no rule is about but for what one merged into them asks for."""
    given = _given().where(consents.c.subject_id == subject_id).subquery()
    row = connection.execute(
        sa.select(
            subjects.c.subject_id, subjects.c.state, subjects.c.enrolled_at,
            given.c.consents, given.c.held, given.c.withdrawn_at, given.c.ends_at,
            given.c.unlimited,
        )
        .outerjoin(given, given.c.subject_id == subjects.c.subject_id)
        .where(subjects.c.subject_id == subject_id)
    ).mappings().one()  # fmt: skip
    return _standing(row, {}, {})


def _joined(
    standing: Standing, given: sa.RowMapping | None, asked: tuple[str, str] | None
) -> Standing:
    if given is not None:
        standing = replace(
            standing,
            consents=standing.consents + given["consents"],
            held=standing.held + given["held"],
            withdrawn_at=_later(standing.withdrawn_at, _moment(given["withdrawn_at"])),
            ends_at=_later(standing.ends_at, _moment(given["ends_at"])),
            unlimited=standing.unlimited or bool(given["unlimited"]),
        )
    if asked is not None:
        due_at = datetime.fromisoformat(asked[0])
        if standing.due_at is None or due_at < standing.due_at:
            standing = replace(standing, requested=asked[1], due_at=due_at)
    return standing


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
