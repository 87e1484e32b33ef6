"""What a backup holds of people, under keys that are not in it.

In the copy of the database each person's own key is taken out, and what names them or shows them is
sealed under that key. What belongs to no person's key and may show a face all the same (the review
queue, negatives, strangers, heads, reports) is sealed under a key of its own. The records that open
all this go into the backup's companion, where an erasure reaches them.
"""

import base64
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from store import metadata
from store.companion import SUBJECT, THING, Record
from store.database import translated
from store.errors import GalleryDamaged
from store.vault import SubjectKey, Vault
from wording.message import message

_OF_SUBJECT = (
    ("subjects", "subject_id", ("name", "name_key", "external_id")),
    ("consents", "consent_id", ("text",)),
    ("requests", "request_id", ("note", "answer")),
    ("samples", "sample_id", ("content_mac",)),
)
_THINGS = (
    ("sightings", "sighting_id", ("content_mac", "image", "vector", "details")),
    ("negatives", "negative_id", ("vector", "details")),
    ("cohorts", "cohort_id", ("vectors",)),
)
_Value = str | bytes | None


@dataclass(frozen=True)
class Lost:
    """What has no key any more: ids by table; of `subjects`, who was erased since."""

    rows: Mapping[str, tuple[str, ...]]

    @property
    def subjects(self) -> tuple[str, ...]:
        return self.rows["subjects"]


def name_of(vault: Vault, kind: str, name: str) -> bytes:
    """How a record is found again; of a subject as the list of the erased says it."""
    if kind == "subjects":
        return vault.lookup_mac("subject", name.encode())
    return vault.lookup_mac("in a backup", f"{kind}:{name}".encode())


def things(connection: sa.Connection, vault: Vault) -> set[bytes]:
    """Names of everything that belongs to no subject and is still kept."""
    found = {
        name_of(vault, table, row_id)
        for table, key, _ in _THINGS
        for row_id in connection.execute(sa.text(f"SELECT {key} FROM {table}")).scalars()  # noqa: S608
    }
    found |= {name_of(vault, "heads", head_id) for head_id in metadata.head_files(connection)}
    return found | {name_of(vault, "reports", r) for r in metadata.reports(connection)}


def shroud(database: Path, vault: Vault) -> list[Record]:
    """Take out of a copy of a database what opens what is kept of people."""
    records = []
    with _copy(database) as copy:
        keys = {}
        for subject_id, wrapped in copy.execute("SELECT subject_id, wrapped FROM subject_keys"):
            keys[subject_id] = vault.unwrap(subject_id, wrapped)
            records.append(Record(SUBJECT, name_of(vault, "subjects", subject_id), wrapped))
        copy.execute("UPDATE subject_keys SET wrapped = x''")
        table: str
        columns: tuple[str, ...]
        for table, key, columns in _OF_SUBJECT:
            for values in _read(copy, table, key, columns):
                own = keys.get(str(values["subject_id"]))
                if own is None:
                    raise _without_key(str(values["subject_id"]))
                _write(copy, table, key, columns, values, own, True)
        for table, key, columns in _THINGS:
            for values in _read(copy, table, key, columns):
                own, record = new_thing(vault, table, str(values[key]))
                records.append(record)
                _write(copy, table, key, columns, values, own, True)
        copy.execute("DELETE FROM answers")  # which may name anybody, and last a day
        copy.commit()
    return records


def new_thing(vault: Vault, kind: str, name: str) -> tuple[SubjectKey, Record]:
    """A key for something that belongs to no subject."""
    own, wrapped = vault.new_key(f"{kind}:{name}")
    return own, Record(THING, name_of(vault, kind, name), wrapped)


def thing(vault: Vault, kind: str, name: str, held: Mapping[bytes, bytes]) -> SubjectKey | None:
    """The key of such a thing; None where it is gone."""
    wrapped = held.get(name_of(vault, kind, name))
    return None if wrapped is None else vault.unwrap(f"{kind}:{name}", wrapped)


def unshroud(database: Path, vault: Vault, held: Mapping[bytes, bytes]) -> Lost:
    """Put back into a copy what still has its key.

    Args:
        held: the companion's records.

    Raises:
        GalleryDamaged: a record or a row is not what was written.
    """
    lost: dict[str, list[str]] = {"subjects": []}
    with _copy(database) as copy:
        keys = {}
        for (subject_id,) in copy.execute("SELECT subject_id FROM subject_keys").fetchall():
            wrapped = held.get(name_of(vault, "subjects", subject_id))
            if wrapped is None:
                lost["subjects"].append(subject_id)
                continue
            keys[subject_id] = vault.unwrap(subject_id, wrapped)
            copy.execute(
                "UPDATE subject_keys SET wrapped = ? WHERE subject_id = ?", (wrapped, subject_id)
            )
        table: str
        columns: tuple[str, ...]
        for table, key, columns in _OF_SUBJECT:
            for values in _read(copy, table, key, columns):
                own = keys.get(str(values["subject_id"]))
                if own is not None:
                    _write(copy, table, key, columns, values, own, False)
        for table, key, columns in _THINGS:
            lost[table] = []
            for values in _read(copy, table, key, columns):
                own = thing(vault, table, str(values[key]), held)
                if own is None:
                    lost[table].append(str(values[key]))
                else:
                    _write(copy, table, key, columns, values, own, False)
        copy.commit()
    return Lost({table: tuple(ids) for table, ids in lost.items()})


@contextmanager
def _copy(database: Path) -> Iterator[sqlite3.Connection]:
    """What was there before is overwritten, and no journal keeps it."""
    with translated(), closing(sqlite3.connect(database)) as copy:
        copy.execute("PRAGMA secure_delete = ON")
        copy.execute("PRAGMA journal_mode = MEMORY")
        yield copy


def _without_key(subject_id: str) -> GalleryDamaged:
    return GalleryDamaged(
        message(
            "the key of subject {subject} was changed; restore the gallery from a backup",
            subject=subject_id,
        )
    )


def _read(
    copy: sqlite3.Connection, table: str, key: str, columns: tuple[str, ...]
) -> list[dict[str, _Value]]:
    with_owner = table in {name for name, _, _ in _OF_SUBJECT}
    wanted = tuple(dict.fromkeys((key, *(("subject_id",) if with_owner else ()), *columns)))
    rows = copy.execute(f"SELECT {', '.join(wanted)} FROM {table}")  # noqa: S608 - names of ours
    return [dict(zip(wanted, row, strict=True)) for row in rows]


def _write(
    copy: sqlite3.Connection,
    table: str,
    key: str,
    columns: tuple[str, ...],
    values: Mapping[str, _Value],
    own: SubjectKey,
    sealing: bool,
) -> None:
    row_id = str(values[key])
    change = _sealed if sealing else _opened
    changed = [change(own, values[c], "backup", table, row_id, c) for c in columns]
    names = ", ".join(f"{column} = ?" for column in columns)
    copy.execute(f"UPDATE {table} SET {names} WHERE {key} = ?", (*changed, row_id))  # noqa: S608


def _sealed(own: SubjectKey, value: _Value, *context: str) -> _Value:
    if isinstance(value, str):
        return base64.b64encode(own.seal(value.encode(), *context)).decode()
    return None if value is None else own.seal(value, *context)


def _opened(own: SubjectKey, value: _Value, *context: str) -> _Value:
    if isinstance(value, str):
        try:
            return own.open(base64.b64decode(value, validate=True), *context).decode()
        except ValueError as error:
            raise own.changed() from error
    return None if value is None else own.open(value, *context)
