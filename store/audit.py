"""The audit trail: append-only, each row sealed to the one before it with a keyed digest.

A row is written in the transaction of what it records, so nothing happens without one. Rows name
their object by a keyed pseudonym, never by name, and hold no photo, template or score.
"""

import json
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

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


def pseudonym(vault: Vault, subject_id: str) -> str:
    return vault.lookup_mac("subject", subject_id.encode()).hex()[:24]


def _canonical(row: Mapping[str, object], prev: bytes) -> bytes:
    return json.dumps([*row.values(), prev.hex()], ensure_ascii=True).encode()
