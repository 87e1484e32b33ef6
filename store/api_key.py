"""Keys of other software: who may ask for what, and what they were answered already.

A key itself is never stored, only a keyed digest of it: whoever reads the database can neither use
one nor test a guess.
"""

import json
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from store.records import ApiKey, KeyUse, StoredAnswer
from store.schema import answers, api_keys, key_use
from store.vault import Vault


def add(connection: sa.Connection, vault: Vault, key: ApiKey, secret: str) -> None:
    connection.execute(
        sa.insert(api_keys).values(
            key_id=key.key_id,
            name=key.name,
            digest=digest_of(vault, secret),
            scopes=json.dumps(sorted(key.scopes)),
            daily=key.daily,
            created_at=_text(key.created_at),
            expires_at=_text(key.expires_at),
        )
    )
    created = _text(key.created_at)
    connection.execute(
        sa.insert(key_use).values(key_id=key.key_id, day="", asked=0, failed=0, last_at=created)
    )


def every(connection: sa.Connection) -> list[ApiKey]:
    """Oldest first; those that have ended too."""
    rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at))
    return [_of(row) for row in rows]


def of_secret(connection: sa.Connection, vault: Vault, secret: str) -> ApiKey | None:
    row = connection.execute(_OF_DIGEST, {"digest": digest_of(vault, secret)}).first()
    return None if row is None else _of(row)


def revoke(connection: sa.Connection, key_id: str, at: datetime) -> bool:
    """False where there is no such key, or it was revoked before."""
    revoked = connection.execute(
        sa.update(api_keys)
        .where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=_text(at))
    )
    return bool(revoked.rowcount)


def use(connection: sa.Connection, key_id: str, after: Callable[[KeyUse], KeyUse | None]) -> KeyUse:
    """Change how often a key has asked, under the lock of its row; returns what was before.

    Args:
        after: what becomes of it; None leaves it as it was.
    """
    row = connection.execute(_LOCK_USE, {"whose": key_id}).one()
    before = KeyUse(row.day, row.asked, row.failed, datetime.fromisoformat(row.last_at))
    then = after(before)
    if then is not None:
        counted = {"day": then.day, "asked": then.asked, "failed": then.failed}
        at = _text(then.last_at)
        connection.execute(_PUT_USE, {"whose": key_id, **counted, "last_at": at})
    return before


def answer(
    connection: sa.Connection, key_id: str, idempotency_key: str, since: datetime
) -> StoredAnswer | None:
    """What was answered to this, if that was not before `since`."""
    row = connection.execute(
        sa.select(answers).where(
            answers.c.key_id == key_id,
            answers.c.idempotency_key == idempotency_key,
            answers.c.at >= _text(since),
        )
    ).first()
    if row is None:
        return None
    return StoredAnswer(row.request_digest, int(row.status), json.loads(row.body))


def put_answer(
    connection: sa.Connection,
    key_id: str,
    idempotency_key: str,
    given: StoredAnswer,
    at: datetime,
    older_than: datetime,
) -> None:
    """Remember an answer, and forget those of before `older_than`. The first one stays."""
    forget_answers(connection, older_than)
    if answer(connection, key_id, idempotency_key, older_than) is None:
        connection.execute(
            sa.insert(answers).values(
                key_id=key_id,
                idempotency_key=idempotency_key,
                request_digest=given.request_digest,
                status=given.status,
                body=json.dumps(given.body),
                at=_text(at),
            )
        )


def forget_answers(connection: sa.Connection, older_than: datetime | None = None) -> int:
    """Those of before; None: every one, for an answer may name anybody."""
    old = sa.true() if older_than is None else answers.c.at < _text(older_than)
    return int(connection.execute(sa.delete(answers).where(old)).rowcount)


def digest_of(vault: Vault, secret: str) -> bytes:
    return vault.lookup_mac("api-key", secret.encode())


def _of(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        key_id=str(row.key_id),
        name=str(row.name),
        scopes=frozenset(json.loads(row.scopes)),
        daily=int(row.daily),
        created_at=datetime.fromisoformat(str(row.created_at)),
        expires_at=datetime.fromisoformat(str(row.expires_at)),
        revoked_at=datetime.fromisoformat(row.revoked_at) if row.revoked_at else None,
    )


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


# For every question that is asked: to build a statement takes longer than to run it.
_OF_DIGEST = sa.select(api_keys).where(api_keys.c.digest == sa.bindparam("digest"))
_MINE = key_use.c.key_id == sa.bindparam("whose")
# Writing first takes the lock, in SQLite and in PostgreSQL alike.
_LOCK_USE = sa.update(key_use).where(_MINE).values(asked=key_use.c.asked).returning(key_use)
_PUT_USE = (
    sa.update(key_use)
    .where(_MINE)
    .values({name: sa.bindparam(name) for name in ("day", "asked", "failed", "last_at")})
)
