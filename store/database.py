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

from store.errors import GalleryDamaged, GalleryLocked, StoreError
from wording.message import message

_BUSY_SECONDS = 30


def sqlite_url(path: Path) -> str:
    return str(sa.URL.create("sqlite", database=str(path)))


def open_engine(url: str) -> sa.Engine:
    """An engine on SQLite or PostgreSQL.

    SQLite runs in WAL with `synchronous=FULL`, because NORMAL loses acknowledged commits when the
    power fails, and with `secure_delete`, because a plain DELETE leaves the template in the file.

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
            return sa.create_engine(parsed.set(drivername="postgresql+psycopg"))
        except ModuleNotFoundError as error:
            raise StoreError(
                message("PostgreSQL needs its driver: pip install 'psycopg[binary]'")
            ) from error
    raise StoreError(
        message("databases of kind {kind!r} are not supported; use sqlite or postgresql", kind=kind)
    )


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
    except sa.exc.OperationalError as error:
        raise _unusable(str(error.orig)) from error
    except sqlite3.OperationalError as error:  # of what goes past SQLAlchemy
        raise _unusable(str(error)) from error
    except sa.exc.DatabaseError as error:
        raise _damaged(str(error.orig)) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(str(error)) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # nothing but rows is read here
        raise _damaged(str(error)) from error


def _unusable(text: str) -> StoreError:
    if "locked" in text or "busy" in text:
        return GalleryLocked(
            message(
                "another process has held the gallery for {seconds} s; "
                "wait for it to finish and try again",
                seconds=_BUSY_SECONDS,
            )
        )
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
