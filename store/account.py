"""People who sign in, and who is signed in.

Passwords come as argon2id encodings; a session's token is never stored, only a keyed digest of it.
"""

import json
from datetime import datetime

import sqlalchemy as sa

from store.records import Session, User
from store.schema import sessions, users
from store.vault import Vault


def add(connection: sa.Connection, vault: Vault, user: User) -> None:
    connection.execute(
        sa.insert(users).values(
            user_id=user.user_id,
            login=user.login,
            created_at=_text(user.created_at),
            issuer=user.issuer,
            external=user.external,
            failed=user.failed,
            failed_at=_text(user.failed_at),
            **_changing(vault, user),
        )
    )


def put(connection: sa.Connection, vault: Vault, before: User, after: User) -> None:
    """What differs between the two, and nothing else: somebody may change the rest meanwhile."""
    old, new = _changing(vault, before), _changing(vault, after)
    same_factor = before.totp == after.totp
    changed = {k: v for k, v in new.items() if v != old[k] and not (k == "totp" and same_factor)}
    if changed:
        mine = users.c.user_id == before.user_id
        connection.execute(sa.update(users).where(mine).values(**changed))


def use_step(connection: sa.Connection, user: User) -> bool:
    """The second factor's code of this half minute opens nothing any more; False where another
    server was quicker to take it."""
    earlier = sa.and_(users.c.user_id == user.user_id, users.c.totp_step < user.totp_step)
    used = sa.update(users).where(earlier).values(totp_step=user.totp_step)
    return bool(connection.execute(used).rowcount)


def count_attempt(connection: sa.Connection, user_id: str, at: datetime | None) -> None:
    """A wrong password, at this time; None: a right one, which ends the row."""
    mine = sa.update(users).where(users.c.user_id == user_id)
    if at is None:
        connection.execute(mine.values(failed=0))
    else:
        connection.execute(mine.values(failed=users.c.failed + 1, failed_at=_text(at)))


def every(connection: sa.Connection, vault: Vault) -> list[User]:
    """In order of login."""
    return [_user(vault, row) for row in connection.execute(_ordered()).mappings()]


def named(connection: sa.Connection, vault: Vault, login: str) -> User | None:
    wanted = sa.select(users).where(users.c.login == login)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _user(vault, row)


def of_provider(connection: sa.Connection, vault: Vault, issuer: str, external: str) -> User | None:
    wanted = sa.select(users).where(users.c.issuer == issuer, users.c.external == external)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _user(vault, row)


def open_session(connection: sa.Connection, vault: Vault, session: Session, token: str) -> None:
    connection.execute(
        sa.insert(sessions).values(
            session_id=session.session_id,
            digest=digest_of(vault, token),
            user_id=session.user.user_id,
            started_at=_text(session.started_at),
            seen_at=_text(session.seen_at),
            confirmed_at=_text(session.confirmed_at),
        )
    )


def session_of(connection: sa.Connection, vault: Vault, token: str) -> Session | None:
    """Whose token this is, unless it was ended. Whether it has run out is the caller's to say."""
    wanted = _open().where(sessions.c.digest == digest_of(vault, token))
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _session(vault, row)


def open_sessions(connection: sa.Connection, vault: Vault) -> list[Session]:
    """All that were not ended, the newest first; those that have run out too."""
    rows = connection.execute(_open().order_by(sessions.c.started_at.desc())).mappings()
    return [_session(vault, row) for row in rows]


def touch(connection: sa.Connection, session_id: str, at: datetime) -> None:
    mine = sessions.c.session_id == session_id
    connection.execute(sa.update(sessions).where(mine).values(seen_at=_text(at)))


def confirm(connection: sa.Connection, session_id: str, at: datetime) -> None:
    mine = sessions.c.session_id == session_id
    connection.execute(sa.update(sessions).where(mine).values(confirmed_at=_text(at)))


def end(connection: sa.Connection, session_id: str, at: datetime) -> bool:
    """False where it was ended before."""
    mine = sa.and_(sessions.c.session_id == session_id, sessions.c.ended_at.is_(None))
    return bool(
        connection.execute(sa.update(sessions).where(mine).values(ended_at=_text(at))).rowcount
    )


def end_all(connection: sa.Connection, user_id: str, at: datetime) -> int:
    """Every session of this person; returns how many were open."""
    mine = sa.and_(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
    return connection.execute(sa.update(sessions).where(mine).values(ended_at=_text(at))).rowcount


def forget_sessions(connection: sa.Connection, before: datetime) -> None:
    """Those that began before this."""
    connection.execute(sa.delete(sessions).where(sessions.c.started_at < _text(before)))


def _changing(vault: Vault, user: User) -> dict[str, object]:
    totp = user.totp
    return {
        "roles": json.dumps(sorted(user.roles)),
        "password": user.password,
        "one_time": int(user.one_time),
        "totp": vault.seal_face(totp.encode(), "second factor", user.user_id) if totp else None,
        "totp_step": user.totp_step,
        "disabled_at": _text(user.disabled_at) if user.disabled_at else None,
    }


def _ordered() -> sa.Select[tuple[object, ...]]:
    return sa.select(users).order_by(users.c.login)


def _open() -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(
            users,
            sessions.c.session_id,
            sessions.c.started_at,
            sessions.c.seen_at,
            sessions.c.confirmed_at,
        )
        .join(sessions, sessions.c.user_id == users.c.user_id)
        .where(sessions.c.ended_at.is_(None))
    )


def _session(vault: Vault, row: sa.RowMapping) -> Session:
    return Session(
        session_id=row["session_id"],
        user=_user(vault, row),
        started_at=datetime.fromisoformat(row["started_at"]),
        seen_at=datetime.fromisoformat(row["seen_at"]),
        confirmed_at=datetime.fromisoformat(row["confirmed_at"]),
    )


def _user(vault: Vault, row: sa.RowMapping) -> User:
    sealed, disabled = row["totp"], row["disabled_at"]
    totp = None
    if isinstance(sealed, bytes):
        totp = vault.open_face(sealed, "second factor", str(row["user_id"])).decode()
    return User(
        user_id=str(row["user_id"]),
        login=str(row["login"]),
        roles=frozenset(json.loads(str(row["roles"]))),
        created_at=datetime.fromisoformat(str(row["created_at"])),
        failed_at=datetime.fromisoformat(str(row["failed_at"])),
        password=_or_none(row["password"]),
        one_time=bool(row["one_time"]),
        totp=totp,
        totp_step=int(str(row["totp_step"])),
        issuer=_or_none(row["issuer"]),
        external=_or_none(row["external"]),
        disabled_at=datetime.fromisoformat(str(disabled)) if disabled else None,
        failed=int(str(row["failed"])),
    )


def _or_none(value: object) -> str | None:
    return None if value is None else str(value)


def digest_of(vault: Vault, token: str) -> bytes:
    return vault.lookup_mac("session", token.encode())


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
