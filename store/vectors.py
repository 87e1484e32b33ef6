"""Templates' vectors out of their encrypted rows, many at a time: each opening of a gallery waits
for all of them.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from store import metadata
from store.change import template_context
from store.errors import GalleryDamaged
from store.records import GalleryFacts
from store.schema import subject_keys, templates
from store.vault import SubjectKey, Vault
from wording.message import message

_AT_ONCE = 2_000  # rows; 4 MB of 512 numbers each, 32 MB of 4,096


def vectors(
    connection: sa.Connection,
    vault: Vault,
    facts: GalleryFacts,
    ids: Sequence[int],
    progress: Callable[[float], None] = lambda share: None,
) -> NDArray[np.float32]:
    """(n, dimension): the vectors of these templates, each asked for once, in this order.

    Raises:
        GalleryDamaged: a row is gone, or does not open.
    """
    found = np.empty((len(ids), facts.dimension), np.float32)
    begin = 0
    for wanted, some in in_parts(connection, vault, facts, ids):
        found[begin : begin + len(wanted)] = some
        begin += len(wanted)
        progress(begin / len(ids))
    return found


def in_parts(
    connection: sa.Connection, vault: Vault, facts: GalleryFacts, ids: Sequence[int]
) -> Iterator[tuple[Sequence[int], NDArray[np.float32]]]:
    """As `vectors`, some at a time with their ids, so that nobody needs memory for all."""
    if len(set(ids)) < len(ids):
        raise ValueError("a template is asked for twice")
    size = facts.dimension * np.dtype(np.float32).itemsize
    keys: dict[str, SubjectKey] = {}
    for wanted, rows in _rows(connection, ids):
        found = np.empty((len(wanted), facts.dimension), np.float32)
        plain = memoryview(found.data).cast("B")
        places = dict(zip(wanted, range(0, len(plain), size), strict=True))
        unknown = {subject_id for _, subject_id, _ in rows} - keys.keys()
        keys |= subject_keys_of(connection, vault, unknown)
        for template_id, subject_id, sealed in rows:
            place = places.pop(template_id, None)
            if place is None:
                continue
            if subject_id not in keys:
                raise _gone(template_id)
            context = template_context(template_id, facts.fingerprint)
            keys[subject_id].open_into(sealed, plain[place : place + size], *context)
        for template_id in places:
            raise _gone(template_id)
        yield wanted, found


def _rows(
    connection: sa.Connection, ids: Sequence[int]
) -> Iterator[tuple[Sequence[int], Sequence[Sequence[Any]]]]:
    many = len(ids) > _AT_ONCE and 2 * len(ids) > metadata.count_of_templates(connection)
    rows_of = _range if many and _rise(ids) else _list
    for begin in range(0, len(ids), _AT_ONCE):
        wanted = ids[begin : begin + _AT_ONCE]
        yield wanted, rows_of(connection, wanted)


def subject_keys_of(
    connection: sa.Connection, vault: Vault, subject_ids: Collection[str]
) -> dict[str, SubjectKey]:
    """Those of these subjects that are there. Raises GalleryDamaged when one does not open."""
    found = {}
    for chunk in metadata.chunks(sorted(subject_ids)):
        for subject_id, wrapped in connection.execute(_KEYS, {"whose": chunk}):
            found[subject_id] = vault.unwrap(subject_id, wrapped)
    return found


def _rise(ids: Sequence[int]) -> bool:
    return all(one < other for one, other in pairwise(ids))


def _range(connection: sa.Connection, ids: Sequence[int]) -> Sequence[Sequence[Any]]:
    """All between the first and the last: in one go, as they lie in the file."""
    return connection.execute(_BETWEEN, {"low": ids[0], "high": ids[-1]}).all()


def _list(connection: sa.Connection, ids: Sequence[int]) -> Sequence[Sequence[Any]]:
    """These alone, looked up one by one."""
    found: list[Sequence[Any]] = []
    for chunk in metadata.chunks(ids):
        found += connection.execute(_AMONG, {"wanted": chunk}).all()
    return found


def _gone(template_id: int) -> GalleryDamaged:
    return GalleryDamaged(
        message(
            "template {template_id} cannot be read: its row or its subject's key is gone or was "
            "changed; restore the gallery from a backup",
            template_id=template_id,
        )
    )


_ROW = sa.select(templates.c.template_id, templates.c.subject_id, templates.c.vector)
_BETWEEN = _ROW.where(templates.c.template_id.between(sa.bindparam("low"), sa.bindparam("high")))
_AMONG = _ROW.where(templates.c.template_id.in_(sa.bindparam("wanted", expanding=True)))
_KEYS = sa.select(subject_keys.c.subject_id, subject_keys.c.wrapped).where(
    subject_keys.c.subject_id.in_(sa.bindparam("whose", expanding=True))
)
