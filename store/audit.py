"""The audit trail: append-only, each row sealed to the one before it with a keyed digest.

A row is written in the transaction of what it records, so nothing happens without one. Rows name
their object by a keyed pseudonym, never by name, and hold no photo, template or score.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii

import sqlalchemy as sa

from store.records import AuditRecord
from store.schema import audit
from store.vault import Vault

_GENESIS = b"\x00" * 32
_LAST = sa.select(audit.c.seq, audit.c.mac).order_by(audit.c.seq.desc()).limit(1)
_APPEND = sa.insert(audit)
_AT_ONCE = 10_000  # rows
LOOKS = ("person.look", "people.look")  # who saw what, where nothing was changed


def append(
    connection: sa.Connection,
    vault: Vault,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject_id: str = "",
    details: Mapping[str, object] | None = None,
) -> None:
    """Add one row to the chain. The caller holds the gallery's write lock."""
    end, prev = last(connection)
    row: dict[str, object] = {
        "seq": end + 1,
        "at": at.isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "object": pseudonym(vault, subject_id) if subject_id else "",
        "details": json.dumps(details or {}, sort_keys=True),
    }
    mac = vault.audit_mac(_canonical(row, prev), end + 1)
    connection.execute(_APPEND, {**row, "prev": prev, "mac": mac})


def last(connection: sa.Connection) -> tuple[int, bytes]:
    """Number and digest of the newest row; 0 where there is none."""
    row = connection.execute(_LAST).first()
    return (row.seq, row.mac) if row else (0, _GENESIS)


def mac_at(connection: sa.Connection, seq: int) -> bytes | None:
    """The digest of a row; None where there is no such row."""
    wanted = sa.select(audit.c.mac).where(audit.c.seq == seq)
    return connection.execute(wanted).scalar_one_or_none()


def has(connection: sa.Connection, action: str) -> bool:
    """Is there a row of this action?"""
    wanted = sa.select(audit.c.seq).where(audit.c.action == action).limit(1)
    return connection.execute(wanted).first() is not None


def verified_to(connection: sa.Connection, vault: Vault) -> int:
    """Up to which row every one is what was written, computed anew from the first on."""
    wanted = sa.select(
        audit.c.seq,
        audit.c.at,
        audit.c.actor,
        audit.c.action,
        audit.c.object,
        audit.c.details,
        audit.c.prev,
        audit.c.mac,
    ).order_by(audit.c.seq)
    wanted = wanted.execution_options(yield_per=_AT_ONCE)
    # What `_canonical` gives, without the making of a list and a dictionary: a third of the time.
    text, sealed, expected = encode_basestring_ascii, vault.audit_mac, 0
    end = _GENESIS
    for seq, at, actor, action, about, details, prev, mac in connection.execute(wanted):
        canonical = (
            f"[{seq}, {text(at)}, {text(actor)}, {text(action)}, {text(about)}, {text(details)}, "
            f'"{end.hex()}"]'
        )
        if seq != expected + 1 or prev != end or mac != sealed(canonical.encode(), seq):
            return expected
        end, expected = mac, seq
    return expected


def page(
    connection: sa.Connection,
    actions: Collection[str] = (),
    names: Collection[str] = (),
    offset: int = 0,
    limit: int = 50,
) -> tuple[list[AuditRecord], int]:
    """Some of the trail, newest first, and how many rows there are in all.

    Args:
        actions: only these; empty: every one.
        names: only what is about these pseudonyms, or names them; empty: about anybody.
    """
    wanted = sa.and_(
        sa.true(),
        *([audit.c.action.in_(list(actions))] if actions else ()),
        *([sa.or_(*_about(names))] if names else ()),
    )
    among = sa.select(sa.func.count()).select_from(audit).where(wanted)
    total = int(connection.execute(among).scalar_one())
    rows = connection.execute(
        sa.select(audit).where(wanted).order_by(audit.c.seq.desc()).offset(offset).limit(limit)
    )
    return [_record(row) for row in rows], total


def after(
    connection: sa.Connection, seq: int, actions: Collection[str], limit: int
) -> list[tuple[AuditRecord, str]]:
    """The next rows of these actions, in order, each with its digest in hex: who was put back to an
    older state has other rows under the same numbers."""
    wanted = sa.select(audit).where(audit.c.seq > seq, audit.c.action.in_(list(actions)))
    rows = connection.execute(wanted.order_by(audit.c.seq).limit(limit))
    return [(_record(row), row.mac.hex()) for row in rows]


def _record(row: sa.Row[tuple[object, ...]]) -> AuditRecord:
    return AuditRecord(
        seq=row.seq,
        at=datetime.fromisoformat(row.at),
        actor=row.actor,
        action=row.action,
        pseudonym=row.object,
        details=json.loads(row.details),
    )


def _about(names: Collection[str]) -> list[sa.ColumnElement[bool]]:
    return [
        audit.c.object.in_(list(names)),
        *(audit.c.details.contains(name, autoescape=True) for name in names),
    ]


def last_deed(connection: sa.Connection) -> int:
    """The number of the newest row that is more than a look."""
    wanted = sa.select(audit.c.seq).where(audit.c.action.not_in(LOOKS))
    found = connection.execute(wanted.order_by(audit.c.seq.desc()).limit(1)).scalar()
    return int(found or 0)


def actions(connection: sa.Connection) -> list[str]:
    """Every action that the trail has, in order of name."""
    return list(
        connection.execute(sa.select(audit.c.action).distinct().order_by(audit.c.action)).scalars()
    )


def pseudonym(vault: Vault, subject_id: str) -> str:
    return vault.lookup_mac("subject", subject_id.encode()).hex()[:24]


def _canonical(row: Mapping[str, object], prev: bytes) -> bytes:
    return json.dumps([*row.values(), prev.hex()], ensure_ascii=True).encode()
