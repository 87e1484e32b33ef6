"""A gallery that is looked at and never written to: another site's, whose people are taken over."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from store import audit, metadata, seal
from store.anchor import AnchorPlace
from store.database import needs_migration, open_engine, translated
from store.errors import GalleryDamaged, GalleryMissing, StoreError
from store.gallery import Gallery
from store.records import GalleryFacts
from wording.message import message


def facts_to_read(url: str) -> tuple[GalleryFacts, str]:
    """What the gallery was made with, and the id of the key that it is under; needs no key.

    Raises:
        GalleryMissing: the database holds none. StoreError: it is of another version.
    """
    engine = _engine(url)
    try:
        with translated(), engine.connect() as connection:
            if not sa.inspect(connection).has_table("gallery"):
                raise GalleryMissing(message("the other database holds no gallery"))
        if needs_migration(engine):
            raise StoreError(
                message(
                    "the other gallery was written by another version of Rollcall, and it is only "
                    "read here; open it once with this version there (rollcall doctor)"
                )
            )
        with translated(), engine.connect() as connection:
            return metadata.facts(connection), metadata.key_id(connection)
    finally:
        engine.dispose()


def open_to_read(url: str, key: bytes, anchors: Sequence[Path] = ()) -> Gallery:
    """An existing gallery whose every write the database refuses. `facts_to_read` comes first.

    Args:
        anchors: its second places; they are read, so that an older state is found out.

    Raises:
        KeyMissing: the key is not the one it is under.
        GalleryDamaged: it was changed outside Rollcall, or is an older state than was anchored.
    """
    engine = _engine(url)
    try:
        with translated(), engine.connect() as connection:
            facts = metadata.facts(connection)
            vault = metadata.open_vault(connection, key)
            seal.check(connection, vault)
            reached, _ = audit.last(connection)
        places = [AnchorPlace(path, vault, facts.gallery_id) for path in anchors]
        opened = Gallery(engine, vault, facts, anchors=anchors)
        held = [anchor.seq for anchor in (place.read() for place in places) if anchor]
        if max(held, default=0) > reached or opened.erased_elsewhere():
            raise GalleryDamaged(
                message(
                    "the other gallery is an older state of itself, put back from a copy: people "
                    "who were erased there since may be in it. Run there: rollcall audit verify"
                )
            )
        return opened
    except BaseException:
        engine.dispose()
        raise


def _engine(url: str) -> sa.Engine:
    engine = open_engine(_sqlite_to_read(url))
    sa.event.listen(engine, "connect", _forbid_writing)
    return engine


def _sqlite_to_read(url: str) -> str:
    """On a medium that cannot be written to SQLite needs to be told that nobody else writes.
    The same is said of a file that is no gallery, so that nothing is written to it."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return url
    path = Path(parsed.database)
    log = path.with_name(path.name + "-wal")
    written = os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size)
    if written and _is_in_wal(path):
        return url
    query = {"immutable": "1", "uri": "true"}
    return str(sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query=query))


def _is_in_wal(path: Path) -> bool:
    """As every gallery is; opening another file to write would turn it into such a one."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == b"\x02\x02"
    except OSError:
        return False


def _forbid_writing(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    if isinstance(connection, sqlite3.Connection):
        cursor.execute("PRAGMA query_only = ON")
    else:
        cursor.execute("SET default_transaction_read_only = on")
        connection.commit()
    cursor.close()
