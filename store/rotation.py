"""A new master key, in one transaction: what the old one opens of the new state is nothing.

Every subject's data key is wrapped anew, what belongs to no subject is sealed anew with a new key,
and the audit trail goes on with a new key. Digests whose input is not kept (secrets of API keys,
tokens, ids of the erased) keep theirs, which nothing can be read with.
"""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from store import audit, metadata, seal
from store.archive import Archive
from store.database import translated
from store.errors import GalleryDamaged, KeyMissing
from store.schema import (
    cohorts,
    gallery,
    heads,
    negatives,
    seals,
    sightings,
    subject_keys,
    users,
    webhooks,
)
from store.vault import Vault
from store.verification import verify_connection
from wording.message import message

DEED = "keys.rotate"
_PRINT = "fingerprint"
# What is sealed with the key of nobody's faces: table, columns, and what each is bound to, as
# `Vault.seal_face` was told it: a word, then the row's id and the fingerprint, or the id alone.
FACES: tuple[tuple[sa.Table, dict[str, str], bool], ...] = (
    (
        sightings,
        {"image": "sighting-image", "vector": "sighting-vector", "details": "sighting-details"},
        True,
    ),
    (negatives, {"vector": "negative-vector", "details": "negative-details"}, True),
    (cohorts, {"vectors": "cohort"}, True),
    (webhooks, {"secret": "webhook"}, False),
    (users, {"totp": "second factor"}, False),
)


@dataclass(frozen=True)
class Rotation:
    """subjects: whose data keys were wrapped anew. sealed: rows that belong to no subject, and
    files of heads, that were sealed anew. end: of the audit trail."""

    vault: Vault
    subjects: int
    sealed: int
    end: tuple[int, bytes]


def rotate(
    engine: sa.Engine, archive: Archive, vault: Vault, master: bytes, actor: str, at: datetime
) -> Rotation:
    """Put the gallery under another master key; all of it or nothing.

    Files of heads lie sealed anew beside the old ones before the commit; `Archive.settle` ends it.

    Raises:
        GalleryDamaged: something was changed outside Rollcall: a rotation would seal it as right.
        KeyMissing: somebody else has rotated the key meanwhile.
    """
    with translated(), engine.begin() as connection:
        # The lock of every writer. The generation is in the seal, so it moves after the check.
        connection.execute(sa.update(gallery).values(generation=gallery.c.generation))
        check_key(connection, vault)
        found = verify_connection(connection, vault).findings
        if found:
            raise GalleryDamaged(
                message(
                    "the gallery was altered ({what}); nothing was rotated. "
                    "Run: rollcall audit verify",
                    what=found[0].message,
                )
            )
        connection.execute(sa.update(gallery).values(generation=gallery.c.generation + 1))
        new = vault.rotated(master, since=audit.last(connection)[0] + 1)
        wrapped = _wrap_subjects(connection, vault, new)
        sealed = sum(_seal_faces(connection, vault, new, *one) for one in FACES)
        sealed += _seal_heads(connection, archive, new)
        connection.execute(
            sa.update(gallery).values(key_id=new.key_id, inner_keys=new.sealed_inner_keys())
        )
        _, kept = seal.seal_all(connection, new)
        details = {"from": vault.key_id, "to": new.key_id, "subjects": wrapped}
        audit.append(connection, new, at=at, actor=actor, action=DEED, details=details)
        connection.execute(sa.delete(seals))
        end = seal.close(connection, new, {}, kept, metadata.generation(connection))
    return Rotation(new, wrapped, sealed, end)


def check_key(connection: sa.Connection, vault: Vault) -> None:
    """Raises KeyMissing when the gallery is under another key than when it was opened."""
    if metadata.key_id(connection) != vault.key_id:
        raise KeyMissing(
            message("the gallery's key was rotated meanwhile; end this process and start it again")
        )


def _wrap_subjects(connection: sa.Connection, old: Vault, new: Vault) -> int:
    rows = connection.execute(sa.select(subject_keys.c.subject_id, subject_keys.c.wrapped)).all()
    values = [
        {"whose": row.subject_id, "anew": new.wrap(old.unwrap(row.subject_id, row.wrapped))}
        for row in rows
    ]
    if values:
        statement = (
            sa.update(subject_keys)
            .where(subject_keys.c.subject_id == sa.bindparam("whose"))
            .values(wrapped=sa.bindparam("anew"), key_id=new.key_id)
        )
        connection.execute(statement, values)
    return len(values)


def _seal_faces(
    connection: sa.Connection,
    old: Vault,
    new: Vault,
    table: sa.Table,
    words: dict[str, str],
    of_a_pipeline: bool,
) -> int:
    (key,) = table.primary_key.columns
    count = 0
    ids = list(connection.execute(sa.select(key)).scalars())
    for row_id in ids:  # one at a time: a cohort's vectors may be large
        row = connection.execute(sa.select(table).where(key == row_id)).mappings().one()
        bound = (row_id, row[_PRINT]) if of_a_pipeline else (row_id,)
        anew = {
            column: new.seal_face(old.open_face(row[column], word, *bound), word, *bound)
            for column, word in words.items()
            if row[column] is not None
        }
        if anew:
            connection.execute(sa.update(table).where(key == row_id).values(**anew))
            count += 1
    return count


def _seal_heads(connection: sa.Connection, archive: Archive, new: Vault) -> int:
    count = 0
    for head in metadata.all_heads(connection):
        if "file_sha256" not in head.manifest:
            continue
        digest = archive.reseal(head.head_id, str(head.manifest["file_sha256"]), new)
        manifest = json.dumps({**head.manifest, "file_sha256": digest})
        mine = heads.c.head_id == head.head_id
        connection.execute(sa.update(heads).where(mine).values(manifest=manifest))
        count += 1
    return count
