"""A backup becomes a gallery again, in a folder of its own that nothing reads yet.

Who was erased after it was made has no key any more, and is erased from it before anything else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from store import metadata
from store.backup import DATABASE, Header, check_database, open_keys, unpack
from store.change import Change
from store.database import migrate, open_engine, sqlite_url, translated
from store.schema import cohorts, gallery, heads, negatives, sightings, subjects
from store.sealing import Sealing
from store.shroud import Lost
from store.vault import Vault

DEED = "backup.restore"


@dataclass(frozen=True)
class OpenedBackup:
    """A backup that was opened into a folder. digest: of the index that it makes. lost: what in it
    has no key any more."""

    header: Header
    vault: Vault
    digest: str
    lost: Lost


def open_backup(
    path: Path,
    master: bytes,
    folder: Path,
    keys: Sequence[Path],
    progress: Callable[[float], None] = lambda share: None,
) -> OpenedBackup:
    """Open a backup into an empty folder; nothing of it is changed.

    Args:
        master: the key that it was made under. keys: folders that its companion may be in.

    Raises:
        GalleryDamaged: it is not what was written. KeyMissing: it belongs to another key.
        StoreError: its companion is not there.
    """
    header = unpack(path, Vault(master), folder, progress)
    engine = open_engine(sqlite_url(folder / DATABASE))
    try:
        with translated(), engine.connect() as connection:
            vault = metadata.open_vault(connection, master)
    finally:
        engine.dispose()
    lost = open_keys(folder, header, vault, keys)
    digest = check_database(folder / DATABASE, header, vault, lost)
    return OpenedBackup(header, vault, digest, lost)


def write_down(
    folder: Path,
    opened: OpenedBackup,
    actor: str,
    at: datetime,
    details: Mapping[str, object],
) -> None:
    """Erase what has no key, and say in the audit trail that a backup was restored; one change.

    Args:
        details: of that row.
    """
    engine = open_engine(sqlite_url(folder / DATABASE))
    try:
        migrate(engine)
        with translated(), engine.begin() as connection:
            connection.execute(sa.update(gallery).values(generation=gallery.c.generation + 1))
            reached = metadata.generation(connection)
            sealing = Sealing(connection, opened.vault, reached - 1)
            change = Change(
                connection,
                opened.vault,
                metadata.facts(connection),
                reached,
                at,
                actor,
                sealing,
                lambda _action: None,
            )
            with sealing.watching():
                change.record(DEED, "", details)
                _erase(change, opened.lost)
            sealing.close(reached)
    finally:
        engine.dispose()


def _erase(change: Change, lost: Lost) -> None:
    if lost.subjects:
        part_from(change, lost.subjects)
        change.erase(lost.subjects, lost.rows.get("sightings", ()), lost.rows.get("negatives", ()))
    for table in (sightings, negatives, cohorts):
        (key,) = table.primary_key.columns
        for row_id in lost.rows.get(table.name, ()):
            change.connection.execute(sa.delete(table).where(key == row_id))
    for head_id in lost.rows.get("heads", ()):
        change.connection.execute(sa.delete(heads).where(heads.c.head_id == head_id))


def part_from(change: Change, gone: tuple[str, ...]) -> None:
    """Whoever was merged into somebody who is gone, and is not gone, stands alone: they had been
    taken apart again before the erasure."""
    rows = change.connection.execute(
        sa.select(subjects.c.subject_id, subjects.c.merged_into).where(
            subjects.c.merged_into.is_not(None)
        )
    ).all()
    for row in rows:
        if row.merged_into in set(gone) and row.subject_id not in set(gone):
            change.set_state(row.subject_id, "active")
