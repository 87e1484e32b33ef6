"""Seals: keyed digests that say that rows are still what Rollcall wrote.

Each subject has a seal over everything that is kept of them; each table of policy has one; the sum
of the subjects' seals, modulo 2**256, tells that nobody came, went or came back in an older state;
and the *whole* seal binds all of these to the generation and to the end of the audit trail.
"""

import functools
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store import audit, metadata
from store.errors import GalleryDamaged
from store.schema import (
    api_keys,
    cohorts,
    consents,
    erasures,
    gallery,
    heads,
    negatives,
    operating_points,
    requests,
    samples,
    seals,
    shadow,
    shadow_templates,
    subject_keys,
    subjects,
    templates,
    users,
    webhooks,
)
from store.vault import Vault
from wording.message import message

FIRST = "seal.first"
_AGAIN = "seal.renew"
WHOLE = "whole"
SUBJECTS = "subjects"
_MODULUS = 1 << 256
_LONG = 64  # bytes: longer values are sealed by their digest
Columns = dict[str, list[str]]  # table -> which of its columns are sealed
Lines = dict[str, list[bytes]]  # subject id -> its rows of a table, as they are sealed


def _but(table: sa.Table, *without: str) -> tuple[sa.Table, list[str]]:
    """Every column of a table but these."""
    return table, [column.name for column in table.columns if column.name not in without]


# What is kept of one subject. Pictures and measurements are bound to their row by their cipher.
_OF_SUBJECT = dict(
    [
        _but(subjects),
        _but(subject_keys, "seal"),
        _but(consents),
        _but(samples, "image", "details"),
        _but(templates),
        _but(shadow_templates),
        _but(requests),
    ]
)

# Policy: what decides for everybody. A table is added here, and sealed at the next opening. What is
# written outside `Gallery.change` must be left out.
_POLICY = dict(
    [
        _but(gallery, "generation"),  # which is in the whole seal
        _but(operating_points),
        _but(api_keys),
        _but(users, "failed", "failed_at", "totp_step"),  # attempts count outside policy
        _but(
            webhooks,  # how far each was told is written outside `Gallery.change`
            "delivered_to",
            "failed",
            "failing_since",
            "next_at",
            "paused_at",
            "leased_by",
            "leased_until",
        ),
        _but(heads),
        _but(shadow),
        _but(cohorts, "vectors"),  # bound to their row by their cipher
        _but(negatives, "vector", "details"),  # the same
        _but(erasures, "state"),  # `finish_erasures` writes it
    ]
)


@dataclass(frozen=True)
class Kept:
    """One row of `seals`."""

    columns: Columns
    seal: bytes


def read(connection: sa.Connection) -> dict[str, Kept]:
    """Every kept seal by name; empty: this gallery was never sealed."""
    rows = connection.execute(_EVERY_SEAL).all()
    return {row.name: Kept(json.loads(row.columns), row.seal) for row in rows}


def fits(
    connection: sa.Connection,
    vault: Vault,
    kept: Mapping[str, Kept],
    generation: int | None = None,
) -> bool:
    """Does the whole seal hold: the other seals, the generation and the end of the audit trail?

    Args:
        generation: of when it was sealed; None: the present one.
    """
    if generation is None:
        generation = metadata.generation(connection)
    last = audit.last(connection)
    return WHOLE in kept and kept[WHOLE].seal == _whole(vault, kept, generation, last)


def altered(connection: sa.Connection, vault: Vault, kept: Mapping[str, Kept]) -> list[str]:
    """Tables of policy that are not as they were sealed."""
    return [
        name
        for name, one in kept.items()
        if name not in (WHOLE, SUBJECTS) and table_seal(connection, vault, one) != one.seal
    ]


def check(
    connection: sa.Connection, vault: Vault, tables: Collection[sa.Table] | None = None
) -> None:
    """Refuse where policy was changed outside Rollcall: fail closed.

    Args:
        tables: what is about to be used; None: all of policy.

    Raises:
        GalleryDamaged: with the next step.
    """
    kept = read(connection)
    check_whole(fits(connection, vault, kept))
    names = None if tables is None else {table.name for table in tables}
    among = {name: one for name, one in kept.items() if names is None or name in names}
    for name in altered(connection, vault, among):
        raise changed_outside(name)


def begin(connection: sa.Connection, vault: Vault, at: datetime, *, anchored: bool) -> None:
    """Seal everything as it is, once: a new gallery, one of before, or where this version of the
    program seals more. The caller holds the lock.

    Args:
        anchored: does a second place know this gallery? Then it had seals.

    Raises:
        GalleryDamaged: it had seals and has none, or what was sealed was changed.
    """
    kept = read(connection)
    if kept and not out_of_date(kept):
        return  # another process was quicker
    if kept:
        check_whole(fits(connection, vault, kept))
        for name in altered(connection, vault, kept):
            raise changed_outside(name)
        check_whole(wrong_subjects(connection, vault, kept) == ([], True))
    else:
        check_whole(not (anchored or audit.has(connection, FIRST)))
    people, sealed = seal_all(connection, vault)
    audit.append(
        connection,
        vault,
        at=at,
        actor="rollcall",
        action=_AGAIN if kept else FIRST,
        details={"subjects": people},
    )
    connection.execute(sa.delete(seals))
    close(connection, vault, {}, sealed, metadata.generation(connection))


def seal_all(connection: sa.Connection, vault: Vault) -> tuple[int, dict[str, Kept]]:
    """How many subjects there are, and the seals of everything but the whole, to be written."""
    of_all = subject_seals(connection, vault, _columns(_OF_SUBJECT))
    keep_subjects(connection, of_all)
    kept = {SUBJECTS: Kept(_columns(_OF_SUBJECT), as_bytes(sum_of(of_all.values())))}
    for table, columns in _POLICY.items():
        unsealed = Kept({table.name: columns}, b"")
        kept[table.name] = Kept(unsealed.columns, table_seal(connection, vault, unsealed))
    return len(of_all), kept


def out_of_date(kept: Mapping[str, Kept]) -> bool:
    """Does this version of the program seal more, or other columns, than was sealed?"""
    wanted = {SUBJECTS: _columns(_OF_SUBJECT)} | {
        table.name: {table.name: columns} for table, columns in _POLICY.items()
    }
    return {name: one.columns for name, one in kept.items() if name != WHOLE} != wanted


def wrong_subjects(
    connection: sa.Connection, vault: Vault, kept: Mapping[str, Kept]
) -> tuple[list[str], bool]:
    """Subjects that are not as they were sealed, and whether the sum of all seals fits."""
    columns = kept[SUBJECTS].columns
    now = subject_seals(connection, vault, columns)
    held = {
        row.subject_id: row.seal
        for row in connection.execute(sa.select(subject_keys.c.subject_id, subject_keys.c.seal))
    }
    wrong = [s for s, sealed in now.items() if held.get(s) != sealed]
    total = as_bytes(sum_of(seal for seal in held.values() if seal is not None))
    return sorted(wrong), total == kept[SUBJECTS].seal


def check_people(
    connection: sa.Connection, vault: Vault, known: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Is everybody as they were sealed? Fail closed: a name in a damaged row is another's name.

    Args:
        known: the seals that were found right before; who still has the same is not read again.

    Returns:
        Everybody's seals, to be known from now on.

    Raises:
        GalleryDamaged: somebody is not, with the next step.
    """
    kept = read(connection)
    everybody = held(connection)
    check_whole(SUBJECTS in kept and None not in everybody.values())
    check_whole(as_bytes(sum_of(everybody.values())) == kept[SUBJECTS].seal)
    fresh = {s: sealed for s, sealed in everybody.items() if known.get(s) != sealed}
    columns = kept[SUBJECTS].columns
    some = sorted(fresh) if known else None
    lines = {name: lines_of(connection, name, columns, some) for name in columns}
    now = seals_of(vault, lines)
    for subject_id in sorted(now.keys() | fresh.keys()):
        if now.get(subject_id) != fresh.get(subject_id):
            raise GalleryDamaged(
                message(
                    "what is kept of subject {subject} was changed outside Rollcall; nobody is "
                    "named. Run: rollcall audit verify, and restore a backup",
                    subject=subject_id,
                )
            )
    return everybody


def held(connection: sa.Connection) -> dict[str, bytes]:
    """Everybody's seals as they are kept; nobody is looked at."""
    return {row.subject_id: row.seal for row in connection.execute(_HELD)}


def differing(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> frozenset[str]:
    """Subjects whose seals are not the same in both."""
    return frozenset(subject_id for subject_id, _ in one.items() ^ other.items())


# -- the digests ----------------------------------------------------------------------------------


def subject_seals(connection: sa.Connection, vault: Vault, columns: Columns) -> dict[str, bytes]:
    """Subject id -> seal, of everybody."""
    return seals_of(vault, {name: lines_of(connection, name, columns, None) for name in columns})


def seals_of(vault: Vault, lines: Mapping[str, Lines]) -> dict[str, bytes]:
    """Subject id -> seal.

    Args:
        lines: by table.
    """
    whole: Lines = {}
    for of_table in lines.values():
        for subject_id, some in of_table.items():
            whole.setdefault(subject_id, []).extend(some)
    # Sorted here: a database's own order of texts may change with its locale.
    return {
        subject_id: vault.audit_mac(b"seal of a subject\n" + b"\n".join(sorted(of_one)))
        for subject_id, of_one in whole.items()
    }


def lines_of(
    connection: sa.Connection, name: str, columns: Columns, subject_ids: Sequence[str] | None
) -> Lines:
    """What a table has of these subjects, or of everybody."""
    found: Lines = {}
    prefix = name.encode()
    for rows in _rows(connection, name, tuple(columns[name]), subject_ids):
        for row in rows:
            found.setdefault(row[0], []).append(prefix + _line(row[1:]))
    return found


def _rows(
    connection: sa.Connection,
    name: str,
    columns: tuple[str, ...],
    subject_ids: Sequence[str] | None,
) -> Iterator[Iterable[Sequence[Any]]]:
    wanted, of_some = _selects(name, columns)
    if subject_ids is None:
        yield connection.execute(wanted)
        return
    for chunk in metadata.chunks(subject_ids):
        yield connection.execute(of_some, {"whose": chunk})


@functools.cache
def _selects(name: str, columns: tuple[str, ...]) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """Of everybody, and of some: to build a statement takes longer than to run it."""
    table = _TABLES[name]
    wanted = sa.select(table.c.subject_id, *(table.c[column] for column in columns))
    return wanted, wanted.where(table.c.subject_id.in_(sa.bindparam("whose", expanding=True)))


@functools.cache
def _whole_table(name: str, columns: tuple[str, ...]) -> sa.Select[Any]:
    table = _TABLES[name]
    return sa.select(*(table.c[column] for column in columns))


def table_seal(connection: sa.Connection, vault: Vault, kept: Kept) -> bytes:
    ((name, columns),) = kept.columns.items()
    rows = connection.execute(_whole_table(name, tuple(columns)))
    lines = sorted(_line(row) for row in rows)
    return vault.audit_mac(b"seal of a table\n" + name.encode() + b"\n" + b"\n".join(lines))


def _whole(
    vault: Vault, kept: Mapping[str, Kept], generation: int, last: tuple[int, bytes]
) -> bytes:
    parts = [
        [name, one.columns, one.seal.hex()] for name, one in sorted(kept.items()) if name != WHOLE
    ]
    sealed = json.dumps([parts, generation, last[0], last[1].hex()], sort_keys=True)
    return vault.audit_mac(b"seal of the whole\n" + sealed.encode())


def _line(values: Sequence[object]) -> bytes:
    return json.dumps([_plain(value) for value in values]).encode()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex() if len(value) <= _LONG else hashlib.sha256(value).hexdigest()
    return value


def sum_of(of: Iterable[bytes]) -> int:
    return sum(int.from_bytes(seal, "big") for seal in of)


def as_bytes(total: int) -> bytes:
    return (total % _MODULUS).to_bytes(32, "big")


# -- the rows -------------------------------------------------------------------------------------


def _columns(of: Mapping[sa.Table, list[str]]) -> Columns:
    return {table.name: columns for table, columns in of.items()}


def keep_subjects(connection: sa.Connection, sealed: Mapping[str, bytes]) -> None:
    if not sealed:
        return
    connection.execute(
        _KEEP, [{"whose": subject_id, "sealed": seal} for subject_id, seal in sealed.items()]
    )


def write(connection: sa.Connection, before: Mapping[str, Kept], now: Mapping[str, Kept]) -> None:
    """What is new or another one than before."""
    other = [
        {"which": name, "sealed_columns": json.dumps(one.columns), "sealed": one.seal}
        for name, one in now.items()
        if before.get(name) != one
    ]
    for statement, rows in (
        (_REPLACE, [row for row in other if row["which"] in before]),
        (_INSERT, [row for row in other if row["which"] not in before]),
    ):
        if rows:
            connection.execute(statement, rows)


def close(
    connection: sa.Connection,
    vault: Vault,
    before: Mapping[str, Kept],
    now: Mapping[str, Kept],
    generation: int,
) -> tuple[int, bytes]:
    """Write the seals, the whole one anew; returns the end of the audit trail."""
    last = audit.last(connection)
    whole = Kept({}, _whole(vault, now, generation, last))
    write(connection, before, {**now, WHOLE: whole})
    return last


def check_whole(holds: bool) -> None:
    if not holds:
        raise GalleryDamaged(
            message(
                "the gallery's seal does not fit: the database was changed outside Rollcall, or "
                "the end of the audit trail was cut off. Run: rollcall audit verify, and restore "
                "a backup"
            )
        )


def changed_outside(name: str) -> GalleryDamaged:
    return GalleryDamaged(
        message(
            "the table {table} was changed outside Rollcall; nothing is answered with it. "
            "Run: rollcall audit verify, and restore a backup",
            table=name,
        )
    )


_EVERY_SEAL = sa.select(seals.c.name, seals.c.columns, seals.c.seal)
_HELD = sa.select(subject_keys.c.subject_id, subject_keys.c.seal)
_SEALED: dict[str, Any] = {
    "columns": sa.bindparam("sealed_columns"),
    "seal": sa.bindparam("sealed"),
}
_INSERT = sa.insert(seals).values(name=sa.bindparam("which"), **_SEALED)
_REPLACE = sa.update(seals).where(seals.c.name == sa.bindparam("which")).values(**_SEALED)
_KEEP = (
    sa.update(subject_keys)
    .where(subject_keys.c.subject_id == sa.bindparam("whose"))
    .values(seal=sa.bindparam("sealed"))
)
_TABLES = {table.name: table for table in (*_OF_SUBJECT, *_POLICY)}
