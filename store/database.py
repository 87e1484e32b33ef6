"""Opening the database that is the only truth, and saying plainly what is wrong with it."""

import functools
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from store.errors import (
    CannotBeKept,
    DatabaseAway,
    GalleryDamaged,
    GalleryLocked,
    GalleryMissing,
    StoreError,
)
from wording.message import message

_BUSY_SECONDS = 30
# Of PostgreSQL. A server that is gone without a word (its cable, its host) is found out by the
# keepalives or by what was sent to it and is not acknowledged: after about 5 s, not after hours.
_POSTGRESQL = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,  # ms
    "application_name": "rollcall",
    "options": f"-c lock_timeout={_BUSY_SECONDS}s -c idle_in_transaction_session_timeout=10min",
}
_POOL = {"pool_size": 8, "max_overflow": 24, "pool_timeout": 10}
# PostgreSQL, appendix A: error codes.
_LOCKED = ("55P03", "40P01", "40001")  # lock_not_available, deadlock, serialization failure
_DISK_FULL = "53100"
# What PostgreSQL's own connections say of themselves: the server ends, starts or has crashed, or it
# takes nobody more. Without a code: nobody was reached.
_AWAY = ("08", "57P", "53300")


def sqlite_url(path: Path) -> str:
    return str(sa.URL.create("sqlite", database=str(path)))


def open_engine(url: str) -> sa.Engine:
    """An engine on SQLite or PostgreSQL.

    SQLite runs in WAL with `synchronous=FULL`, because NORMAL loses acknowledged commits when the
    power fails, and with `secure_delete`, because a plain DELETE leaves the template in the file.
    PostgreSQL's connections are tried before they are used, so that those of before a restart of
    its server are thrown away; what stands in the URL's query goes before what is set here.

    Raises:
        StoreError: the URL is of another kind, or its driver is not installed.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise StoreError(
            message(
                "the database URL cannot be read; expected sqlite:///FILE or postgresql://HOST/NAME"
            )
        ) from error
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    if kind == "postgresql":
        try:
            engine = sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                connect_args={k: v for k, v in _POSTGRESQL.items() if k not in parsed.query},
                **_POOL,
            )
            sa.event.listen(engine, "connect", _prepare_postgresql)
            return engine
        except ModuleNotFoundError as error:
            raise StoreError(
                message("PostgreSQL needs its driver: pip install 'psycopg[binary]'")
            ) from error
    raise StoreError(
        message("databases of kind {kind!r} are not supported; use sqlite or postgresql", kind=kind)
    )


def knock(engine: sa.Engine) -> None:
    """Raises DatabaseAway where nobody answers."""
    with translated(), engine.connect():
        pass


def make_database(engine: sa.Engine) -> None:
    """In PostgreSQL, the database that the URL names, where it is not there; its role must be
    allowed to. Nothing for SQLite, which makes its file by itself.

    Raises:
        StoreError: it is not, and cannot be made.
    """
    if engine.dialect.name != "postgresql":
        return
    try:
        with engine.connect():
            return
    except sa.exc.OperationalError as error:
        unusable = _unusable(error)
    name = str(engine.url.database)
    beside = open_engine(engine.url.set(database="postgres").render_as_string(hide_password=False))
    try:
        with (
            translated(),
            beside.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            named = sa.text("SELECT 1 FROM pg_database WHERE datname = :name")
            if connection.execute(named, {"name": name}).first() is not None:
                raise unusable
            quoted = beside.dialect.identifier_preparer.quote_identifier(name)
            connection.exec_driver_sql(f"CREATE DATABASE {quoted}")
    finally:
        beside.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN comes too late for the reads of a transaction: `_begin_sqlite` does it.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = ON",
        "foreign_keys = ON",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: sa.PoolProxiedConnection, _record: object) -> None:
    # A server that is set up so loses commits that were acknowledged when it crashes. Nothing that
    # waits for more (a standby) is made weaker.
    cursor = connection.cursor()
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    cursor.close()
    connection.commit()


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to this version, in one transaction.

    Raises:
        StoreError: the database was written by a newer version of the program.
    """
    config = _alembic()
    with translated(), engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if current is not None and current not in known:
            raise StoreError(
                message(
                    "this gallery was written by a newer Rollcall; install that version to open it"
                )
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def needs_migration(engine: sa.Engine) -> bool:
    with translated(), engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current != _newest()


@functools.cache
def _newest() -> str | None:
    """Of the migrations that come with this program."""
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def checkpoint(engine: sa.Engine) -> bool:
    """Fold the write-ahead log into the database and cut it to nothing.

    Only after this are deleted rows gone from the files. Returns False while another process reads
    an older state; try again then. True at once where there is no such log (PostgreSQL).
    """
    if engine.dialect.name != "sqlite":
        return True
    with translated(), engine.connect() as connection:
        connection.rollback()
        raw: Any = connection.connection.driver_connection
        busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(busy == 0)


def damage(engine: sa.Engine) -> str | None:
    """What SQLite's own check finds wrong with the file, or None."""
    if engine.dialect.name != "sqlite":
        return None
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    except sa.exc.DatabaseError as error:
        return str(error.orig)
    return None if found == "ok" else str(found)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into this room's."""
    try:
        yield
    except sa.exc.TimeoutError as error:  # every connection is in use
        raise _locked() from error
    except sa.exc.OperationalError as error:
        raise _unusable(error) from error
    except sa.exc.DBAPIError as error:
        # The driver's own word, before anything was sent: PostgreSQL's texts hold no NUL.
        if isinstance(error, sa.exc.DataError) and _code(error) is None:
            raise CannotBeKept(
                message("this text cannot be kept: it has a sign that is none; leave it out")
            ) from error
        if error.connection_invalidated or not isinstance(error, sa.exc.DatabaseError):
            raise _away(error) from error
        raise _damaged(str(error.orig)) from error
    except sqlite3.OperationalError as error:  # of what goes past SQLAlchemy
        raise _unusable_file(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(str(error)) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # nothing but rows is read here
        raise _damaged(str(error)) from error


def _unusable(error: sa.exc.OperationalError) -> StoreError:
    code = _code(error)
    if isinstance(error.orig, sqlite3.Error):
        return _unusable_file(str(error.orig))
    if code in _LOCKED:
        return _locked()
    if code == _DISK_FULL:
        return _unusable_file("disk is full")
    if code is None and 'database "' in str(error.orig) and "not exist" in str(error.orig):
        return GalleryMissing(message("the database holds no gallery; run: rollcall init"))
    if error.connection_invalidated or code is None or code.startswith(_AWAY):
        return _away(error)
    return _unusable_file(str(error.orig))


def _code(error: sa.exc.DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _away(error: sa.exc.DBAPIError) -> DatabaseAway:
    said = " ".join(str(error.orig).split())[:200]
    return DatabaseAway(
        message(
            "the database cannot be reached ({error}); nothing that was confirmed is lost. "
            "See that its server runs and can be reached from here, then repeat",
            error=said,
        )
    )


def _locked() -> GalleryLocked:
    return GalleryLocked(
        message(
            "another process has held the gallery for {seconds} s; "
            "wait for it to finish and try again",
            seconds=_BUSY_SECONDS,
        )
    )


def _unusable_file(text: str) -> StoreError:
    if "locked" in text or "busy" in text:
        return _locked()
    # What should be text is none any more, or the description of a table.
    if "decode" in text or "no such column" in text:
        return _damaged(text)
    if "disk is full" in text:
        return StoreError(
            message("the disk is full; nothing was changed. Free some space and repeat the command")
        )
    return StoreError(message("the database cannot be used: {text}", text=text))


def _damaged(said: str) -> GalleryDamaged:
    return GalleryDamaged(
        message("the database is damaged ({error}); restore it from a backup", error=said[:200])
    )
