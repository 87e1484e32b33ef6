"""Other software that is told what happens here, and how far each has been told.

What is to be told is never written down: it is what the audit trail has after `delivered_to`. How
far that is counts outside policy, as a key's use does, so telling changes nothing of the gallery.
"""

import json
from datetime import datetime

import sqlalchemy as sa

from store import audit
from store.records import AuditRecord, StoredWebhook
from store.schema import webhooks
from store.vault import Vault

_CONTEXT = "webhook"


def add(connection: sa.Connection, vault: Vault, hook: StoredWebhook) -> None:
    connection.execute(
        sa.insert(webhooks).values(
            webhook_id=hook.webhook_id,
            name=hook.name,
            url=hook.url,
            events=json.dumps(sorted(hook.events)),
            secret=vault.seal_face(hook.secret.encode(), _CONTEXT, hook.webhook_id),
            created_at=_text(hook.created_at),
            delivered_to=hook.delivered_to,
            failed=hook.failed,
            next_at=_text(hook.next_at),
            leased_by="",
            leased_until="",
        )
    )


def remove(connection: sa.Connection, webhook_id: str) -> bool:
    """False where it is gone already."""
    gone = connection.execute(sa.delete(webhooks).where(webhooks.c.webhook_id == webhook_id))
    return bool(gone.rowcount)


def every(connection: sa.Connection, vault: Vault) -> list[StoredWebhook]:
    """Oldest first."""
    rows = connection.execute(sa.select(webhooks).order_by(webhooks.c.created_at))
    return [_of(vault, row) for row in rows]


def behind(connection: sa.Connection, now: datetime) -> list[str]:
    """Ids of those that may be tried now and have not been told everything."""
    rows = connection.execute(
        sa.select(webhooks.c.webhook_id, webhooks.c.events, webhooks.c.delivered_to).where(
            webhooks.c.paused_at.is_(None), webhooks.c.next_at <= _text(now)
        )
    ).all()
    return [
        row.webhook_id
        for row in rows
        if audit.after(connection, row.delivered_to, json.loads(row.events), 1)
    ]


def claim(
    connection: sa.Connection,
    vault: Vault,
    webhook_id: str,
    by: str,
    now: datetime,
    until: datetime,
) -> StoredWebhook | None:
    """Let this server alone deliver until then, or longer where it had it already.

    None: another one does, or there is nothing to be tried now.
    """
    free = sa.or_(webhooks.c.leased_by == by, webhooks.c.leased_until <= _text(now))
    claimed = connection.execute(
        sa.update(webhooks)
        .where(
            webhooks.c.webhook_id == webhook_id,
            webhooks.c.paused_at.is_(None),
            webhooks.c.next_at <= _text(now),
            free,
        )
        .values(leased_by=by, leased_until=_text(until))
    )
    if not claimed.rowcount:
        return None
    wanted = sa.select(webhooks).where(webhooks.c.webhook_id == webhook_id)
    return _of(vault, connection.execute(wanted).one())


def release(connection: sa.Connection, by: str, webhook_id: str) -> None:
    """Another server need not wait for the end of the lease."""
    mine = sa.and_(webhooks.c.webhook_id == webhook_id, webhooks.c.leased_by == by)
    connection.execute(sa.update(webhooks).where(mine).values(leased_by="", leased_until=""))


def acknowledge(connection: sa.Connection, webhook_id: str, seq: int) -> None:
    """The receiver has taken the trail's row of this number. Never goes back."""
    mine = sa.and_(webhooks.c.webhook_id == webhook_id, webhooks.c.delivered_to < seq)
    connection.execute(sa.update(webhooks).where(mine).values(delivered_to=seq))
    put_trouble(connection, webhook_id, 0, None, None, None)


def put_trouble(
    connection: sa.Connection,
    webhook_id: str,
    failed: int,
    failing_since: datetime | None,
    next_at: datetime | None,
    paused_at: datetime | None,
) -> None:
    """How often it failed; next_at None: it may be tried at once."""
    connection.execute(
        sa.update(webhooks)
        .where(webhooks.c.webhook_id == webhook_id)
        .values(
            failed=failed,
            failing_since=_text(failing_since) if failing_since else None,
            next_at=_text(next_at) if next_at else "",
            paused_at=_text(paused_at) if paused_at else None,
        )
    )


def to_tell(
    connection: sa.Connection, hook: StoredWebhook, limit: int
) -> list[tuple[AuditRecord, str]]:
    """What this one has not taken yet, in order, each with its digest."""
    return audit.after(connection, hook.delivered_to, hook.events, limit)


def _of(vault: Vault, row: sa.Row[tuple[object, ...]]) -> StoredWebhook:
    webhook_id = str(row.webhook_id)
    return StoredWebhook(
        webhook_id=webhook_id,
        name=str(row.name),
        url=str(row.url),
        events=tuple(json.loads(row.events)),
        secret=vault.open_face(row.secret, _CONTEXT, webhook_id).decode(),
        created_at=datetime.fromisoformat(str(row.created_at)),
        next_at=datetime.fromisoformat(str(row.next_at or row.created_at)),
        delivered_to=int(row.delivered_to),
        failed=int(row.failed),
        failing_since=_at(row.failing_since),
        paused_at=_at(row.paused_at),
    )


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
