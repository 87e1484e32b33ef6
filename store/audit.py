"""The audit trail: append-only, each row sealed to the one before it with a keyed digest.

A row is written in the transaction of what it records, so nothing happens without one. Rows name
their object by a keyed pseudonym, never by name, and hold no photo, template or score.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from store.records import AuditRecord
from store.schema import audit
from store.vault import Vault

_GENESIS = b"\x00" * 32


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
    last = connection.execute(
        sa.select(audit.c.seq, audit.c.mac).order_by(audit.c.seq.desc()).limit(1)
    ).first()
    seq, prev = (last.seq + 1, last.mac) if last else (1, _GENESIS)
    row: dict[str, object] = {
        "seq": seq,
        "at": at.isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "object": pseudonym(vault, subject_id) if subject_id else "",
        "details": json.dumps(details or {}, sort_keys=True),
    }
    mac = vault.audit_mac(_canonical(row, prev))
    connection.execute(sa.insert(audit).values(**row, prev=prev, mac=mac))


def broken_at(connection: sa.Connection, vault: Vault) -> int | None:
    """The sequence number of the first row that does not fit the chain, or None."""
    prev, expected = _GENESIS, 1
    for found in connection.execute(sa.select(audit).order_by(audit.c.seq)).mappings():
        row = {key: found[key] for key in ("seq", "at", "actor", "action", "object", "details")}
        sealed = vault.audit_mac(_canonical(row, prev))
        if found["seq"] != expected or found["prev"] != prev or found["mac"] != sealed:
            return expected
        prev, expected = sealed, expected + 1
    return None


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
    found = [
        AuditRecord(
            seq=row.seq,
            at=datetime.fromisoformat(row.at),
            actor=row.actor,
            action=row.action,
            pseudonym=row.object,
            details=json.loads(row.details),
        )
        for row in rows
    ]
    return found, total


def _about(names: Collection[str]) -> list[sa.ColumnElement[bool]]:
    return [
        audit.c.object.in_(list(names)),
        *(audit.c.details.contains(name, autoescape=True) for name in names),
    ]


def length(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.max(audit.c.seq))).scalar_one() or 0)


def actions(connection: sa.Connection) -> list[str]:
    """Every action that the trail has, in order of name."""
    return list(
        connection.execute(sa.select(audit.c.action).distinct().order_by(audit.c.action)).scalars()
    )


def pseudonym(vault: Vault, subject_id: str) -> str:
    return vault.lookup_mac("subject", subject_id.encode()).hex()[:24]


def _canonical(row: Mapping[str, object], prev: bytes) -> bytes:
    return json.dumps([*row.values(), prev.hex()], ensure_ascii=True).encode()
