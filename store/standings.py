"""Reading who may be due for something: consents, requests and suspensions, and nothing else.

Narrow on purpose: of ten thousand people with a consent that holds, none is read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa

from store import audit
from store.metadata import chunks
from store.records import ConsentText, Looked, Standing
from store.schema import audit as trail
from store.schema import consents, requests, samples, subjects
from store.vault import Vault


def candidates(
    connection: sa.Connection,
    vault: Vault,
    looked: Looked,
    consent_required: bool,
    only: str | None = None,
) -> list[Standing]:
    """Everybody whom some rule may be about: no consent that holds for long enough, an open
    request, suspended, or not dealt with for long. Who was merged into others counts as these.

    Args:
        consent_required: False leaves out those who were never asked. only: one subject.
    """
    into = _merged(connection)
    asked = _asked(connection, into)
    people = _people(connection, looked, asked, only)
    members: dict[str, list[str]] = {subject_id: [subject_id] for subject_id in people}
    for subject_id in into:
        root = _root(subject_id, into)
        if root in members:
            members[root].append(subject_id)
    given = _given(connection, [i for family in members.values() for i in family])
    suspended = [i for i, (state, _) in people.items() if state == "suspended"]
    since = _suspended_since(connection, vault, suspended)
    dealt = _dealt(connection, [i for family in members.values() for i in family])
    found = []
    for subject_id, (state, enrolled_at) in people.items():
        theirs = [given[i] for i in members[subject_id] if i in given]
        dealt_at = max(dealt[i] for i in members[subject_id])
        is_quiet = looked.quiet is not None and dealt_at <= _text(looked.quiet)
        matters = consent_required or subject_id in asked or is_quiet or looked.everybody
        if not theirs and not matters and state == "active":
            continue
        found.append(
            Standing(
                subject_id=subject_id,
                state=state,
                enrolled_at=datetime.fromisoformat(enrolled_at),
                dealt_at=datetime.fromisoformat(dealt_at),
                consents=sum(g.consents for g in theirs),
                held=sum(g.held for g in theirs),
                withdrawn_at=_latest(g.withdrawn_at for g in theirs),
                ends_at=_latest(g.ends_at for g in theirs),
                unlimited=any(g.unlimited for g in theirs),
                suspended_at=_moment(since.get(subject_id)),
                requested=asked[subject_id][1] if subject_id in asked else None,
                due_at=_moment(asked[subject_id][0] if subject_id in asked else None),
            )
        )
    return found


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


class _Given(NamedTuple):
    """One subject's consents, counted."""

    consents: int
    held: int
    withdrawn_at: str | None
    ends_at: str | None
    unlimited: int


def _people(
    connection: sa.Connection, looked: Looked, asked: Collection[str], only: str | None
) -> dict[str, tuple[str, str]]:
    """Subject id -> (state, since when), of those whom some rule may be about."""
    limit = _text(looked.ending)
    holds = sa.exists().where(
        consents.c.subject_id == subjects.c.subject_id,
        consents.c.basis == "consent",
        consents.c.withdrawn_at.is_(None),
        sa.or_(consents.c.expires_at.is_(None), consents.c.expires_at > limit),
    )
    narrow = sa.select(subjects.c.subject_id, subjects.c.state, subjects.c.enrolled_at)
    if only is not None:
        narrow = narrow.where(subjects.c.subject_id == only)
    some = [subjects.c.state == "suspended", sa.not_(holds)]
    if looked.quiet is not None:
        some.append(_not_dealt_with_since(_text(looked.quiet)))
    if looked.everybody:
        some.append(sa.true())
    wanted = [
        narrow.where(subjects.c.state != "merged", sa.or_(*some)),
        *(narrow.where(subjects.c.subject_id.in_(ids)) for ids in chunks(list(asked))),
    ]
    return {
        subject_id: (state, enrolled_at)
        for query in wanted
        for subject_id, state, enrolled_at in connection.execute(query)
    }


def _not_dealt_with_since(limit: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        subjects.c.enrolled_at <= limit,
        *(
            sa.not_(sa.exists().where(table.c.subject_id == subjects.c.subject_id, at > limit))
            for table, at in ((consents, consents.c.given_at), (samples, samples.c.captured_at))
        ),
    )


def _dealt(connection: sa.Connection, subject_ids: Sequence[str]) -> dict[str, str]:
    """Subject id -> when they were last enrolled, photographed or asked for consent."""
    found: dict[str, str] = {}
    for whose, at in (
        (subjects.c.subject_id, subjects.c.enrolled_at),
        (consents.c.subject_id, consents.c.given_at),
        (samples.c.subject_id, samples.c.captured_at),
    ):
        for ids in chunks(subject_ids):
            rows = connection.execute(
                sa.select(whose, sa.func.max(at)).where(whose.in_(ids)).group_by(whose)
            )
            for subject_id, last in rows:
                found[subject_id] = max(last, found.get(subject_id, ""))
    return found


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _given(connection: sa.Connection, subject_ids: Sequence[str]) -> dict[str, _Given]:
    held = consents.c.withdrawn_at.is_(None)
    counted = sa.select(
        consents.c.subject_id,
        sa.func.count(),
        sa.func.sum(sa.case((held, 1), else_=0)),
        sa.func.max(consents.c.withdrawn_at),
        sa.func.max(sa.case((held, consents.c.expires_at))),
        sa.func.sum(sa.case((sa.and_(held, consents.c.expires_at.is_(None)), 1), else_=0)),
    ).where(consents.c.basis == "consent")
    found: dict[str, _Given] = {}
    for ids in chunks(subject_ids):
        rows = connection.execute(
            counted.where(consents.c.subject_id.in_(ids)).group_by(consents.c.subject_id)
        )
        found |= {subject_id: _Given(*rest) for subject_id, *rest in rows}
    return found


def _merged(connection: sa.Connection) -> dict[str, str]:
    """Subject id -> the one it was merged into."""
    rows = connection.execute(
        sa.select(subjects.c.subject_id, subjects.c.merged_into).where(subjects.c.state == "merged")
    )
    return {row.subject_id: row.merged_into for row in rows}


def _root(subject_id: str, into: Mapping[str, str]) -> str:
    while subject_id in into:
        subject_id = into[subject_id]
    return subject_id


def _asked(connection: sa.Connection, into: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Subject id -> (due, kind) of the open request that is due first."""
    rows = connection.execute(
        sa.select(requests.c.subject_id, requests.c.due_at, requests.c.kind)
        .where(requests.c.done_at.is_(None))
        .order_by(requests.c.due_at.desc())
    )
    return {_root(row.subject_id, into): (row.due_at, row.kind) for row in rows}


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


def _latest(moments: Iterable[str | None]) -> datetime | None:
    """Of texts of one form, which compare as the times they are."""
    return _moment(max((text for text in moments if text is not None), default=None))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
