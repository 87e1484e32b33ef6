"""Another backbone's templates beside those that serve, and the move from one to the other.

They are sealed as templates are: with each subject's own key, bound to the fingerprint of their own
pipeline, so an erasure takes them along and no row of one backbone opens as the other's.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from store import metadata, sightings
from store.change import Change, template_context
from store.errors import StoreError
from store.index import check_vectors
from store.records import GalleryFacts, NewSighting, Shadow, ShadowTemplates
from store.schema import gallery, negatives, samples, shadow_templates, templates
from store.schema import shadow as table
from store.vault import SubjectKey, Vault
from store.vectors import subject_keys_of
from wording.message import message

_AT_ONCE = 2_000  # rows


@dataclass(frozen=True)
class NewTemplate:
    """vector: (dimension,) float32, unit length; None where no face was found in the photo."""

    sample_id: str
    vector: NDArray[np.float32] | None


# -- reading --------------------------------------------------------------------------------------


def read(connection: sa.Connection) -> Shadow | None:
    row = connection.execute(sa.select(table)).mappings().first()
    if row is None:
        return None
    made = sa.select(sa.func.count(), sa.func.count(shadow_templates.c.vector))
    rows, whole = connection.execute(made).one()
    left = sa.select(sa.func.count()).select_from(_WITHOUT)
    return Shadow(
        state=row["state"],
        since=datetime.fromisoformat(row["since"]),
        facts=_facts(connection, row),
        templates=whole,
        faceless=rows - whole,
        missing=int(connection.execute(left).scalar_one()),
    )


def pending(connection: sa.Connection) -> list[str]:
    """Ids of the photos that have a template, and none of the shadow yet."""
    return list(connection.execute(sa.select(_WITHOUT.c.sample_id)).scalars())


def templates_of(connection: sa.Connection, vault: Vault) -> ShadowTemplates:
    """As `Gallery.shadow_templates`."""
    facts = _expect(connection)
    owners = metadata.searchable(connection)
    ids: list[int] = []
    without: list[tuple[int, str]] = []
    found: list[NDArray[np.float32]] = []
    opener = _Opener(connection, vault, facts)
    last = -1
    while rows := connection.execute(_PAIRS, {"after": last, "most": _AT_ONCE}).all():
        last = rows[-1].template_id
        here = [row for row in rows if row.template_id in owners]
        whole = [row for row in here if row.vector is not None]
        ids += [row.template_id for row in whole]
        found.append(opener.vectors([(r.shadow_id, r.subject_id, r.vector) for r in whole]))
        without += [(r.template_id, owners[r.template_id]) for r in here if r.vector is None]
    vectors = np.concatenate(found) if found else np.empty((0, facts.dimension), np.float32)
    return ShadowTemplates(
        ids=tuple(ids),
        owners=tuple(owners[i] for i in ids),
        vectors=vectors,
        without=tuple(without),
        generation=metadata.generation(connection),
    )


def vectors_of(
    connection: sa.Connection, vault: Vault, subject_ids: Collection[str]
) -> NDArray[np.float32]:
    """(n, dimension): every one of these very subjects'; (0, 0) where there is no shadow."""
    row = connection.execute(sa.select(table)).mappings().first()
    if row is None:
        return np.empty((0, 0), np.float32)
    facts = _facts(connection, row)
    opener = _Opener(connection, vault, facts)
    found = [np.empty((0, facts.dimension), np.float32)]
    for chunk in metadata.chunks(list(subject_ids)):
        rows = connection.execute(
            sa.select(
                shadow_templates.c.template_id,
                shadow_templates.c.subject_id,
                shadow_templates.c.vector,
            ).where(
                shadow_templates.c.subject_id.in_(chunk), shadow_templates.c.vector.is_not(None)
            )
        ).all()
        found.append(opener.vectors([(int(i), str(s), bytes(v)) for i, s, v in rows]))
    return np.concatenate(found)


def left_without(connection: sa.Connection) -> list[str]:
    """Subjects, merged ones as those they answer as, who have templates and would have none."""
    owners = metadata.answering(connection)
    now = connection.execute(sa.select(templates.c.subject_id).distinct()).scalars()
    then = connection.execute(
        sa.select(shadow_templates.c.subject_id)
        .where(shadow_templates.c.vector.is_not(None))
        .distinct()
    ).scalars()
    return sorted({owners[s] for s in now} - {owners[s] for s in then})


def set_aside(connection: sa.Connection, fingerprint: str) -> int:
    """How many faces that were said no to are of this pipeline: they have no picture."""
    counted = sa.select(sa.func.count()).where(negatives.c.fingerprint == fingerprint)
    return int(connection.execute(counted).scalar_one())


# -- writing, within a change ---------------------------------------------------------------------


def begin(change: Change, facts: GalleryFacts) -> None:
    """Nothing is there yet of this backbone; of no other either."""
    change.connection.execute(
        sa.insert(table).values(one=1, **_described(facts), **_since(change, "building"))
    )
    change.record("backbone.prepare", "", {"to": facts.backbone, "fingerprint": facts.fingerprint})


def put(change: Change, new: Sequence[NewTemplate]) -> int:
    """Keep what was made of kept photos; whose photo is gone meanwhile is passed over. How many
    were kept.

    Raises:
        BadVector: a vector is not a finite unit row of that backbone's dimension.
    """
    facts = _expect(change.connection)
    wanted = {one.sample_id: one.vector for one in new}
    here = sa.select(samples.c.sample_id, samples.c.subject_id).where(
        samples.c.sample_id.in_(list(wanted)),
        samples.c.sample_id.not_in(sa.select(shadow_templates.c.sample_id)),
    )
    owners = {row.sample_id: row.subject_id for row in change.connection.execute(here)}
    if not owners:
        return 0
    change.sealing.touch(set(owners.values()))
    keys = subject_keys_of(change.connection, change.vault, set(owners.values()))
    rows = [
        _row(keys[subject_id], facts, sample_id, wanted[sample_id])
        for sample_id, subject_id in owners.items()
    ]
    change.connection.execute(sa.insert(shadow_templates), rows)
    return len(rows)


def switch(change: Change, faces: Mapping[str, NewSighting]) -> GalleryFacts:
    """The gallery moves to the shadow's backbone, and what it had becomes the shadow.

    Args:
        faces: the review queue as that backbone sees it, by id; who is not in it leaves the queue.
    """
    connection, before, after = change.connection, change.facts, _expect(change.connection)
    mine = templates.c.fingerprint == before.fingerprint
    everybody = sa.union(
        sa.select(templates.c.subject_id), sa.select(shadow_templates.c.subject_id)
    )
    change.sealing.touch(list(connection.execute(everybody).scalars()))
    columns = [column.name for column in templates.columns]
    coming = sa.select(*(shadow_templates.c[name] for name in columns)).where(
        shadow_templates.c.vector.is_not(None)
    )
    connection.execute(sa.insert(templates).from_select(columns, coming))
    connection.execute(sa.delete(shadow_templates))
    going = sa.select(*(templates.c[name] for name in columns)).where(mine)
    connection.execute(sa.insert(shadow_templates).from_select(columns, going))
    connection.execute(sa.delete(templates).where(mine))
    connection.execute(sa.update(gallery).values(**_described(after)))
    connection.execute(sa.update(table).values(**_described(before), **_since(change, "kept")))
    change.facts = after
    change.relabelled = True
    _move_queue(change, before.fingerprint, faces)
    return after


def drop(change: Change) -> bool:
    """Nothing of that backbone stays, also no face that was said no to while it served; False
    where there is no shadow."""
    row = change.connection.execute(sa.select(table.c.fingerprint, table.c.backbone)).first()
    if row is None:
        return False
    whose = sa.select(shadow_templates.c.subject_id).distinct()
    change.sealing.touch(list(change.connection.execute(whose).scalars()))
    change.connection.execute(sa.delete(shadow_templates))
    change.connection.execute(sa.delete(table))
    change.connection.execute(
        sa.delete(negatives).where(negatives.c.fingerprint == row.fingerprint)
    )
    change.record("backbone.discard", "", {"of": row.backbone})
    return True


def _move_queue(change: Change, before: str, faces: Mapping[str, NewSighting]) -> None:
    for sighting in sightings.select(change.connection, change.vault, before):
        new = faces.get(sighting.sighting_id)
        sightings.delete(change.connection, [sighting.sighting_id])
        if new is not None:
            at = sighting.at.isoformat(timespec="microseconds")
            sightings.insert(change.connection, change.vault, change.facts.fingerprint, at, new)


def _row(
    key: SubjectKey, facts: GalleryFacts, sample_id: str, vector: NDArray[np.float32] | None
) -> dict[str, object]:
    template_id = secrets.randbits(63)
    sealed = None
    if vector is not None:
        check_vectors(vector[None], 1, facts.dimension)
        context = template_context(template_id, facts.fingerprint)
        sealed = key.seal(vector.astype(np.float32).tobytes(), *context)
    return {
        "template_id": template_id,
        "subject_id": key.subject_id,
        "sample_id": sample_id,
        "fingerprint": facts.fingerprint,
        "vector": sealed,
    }


def _since(change: Change, state: str) -> dict[str, object]:
    return {"state": state, "since": change.at.isoformat(timespec="microseconds")}


def _described(facts: GalleryFacts) -> dict[str, object]:
    return {
        "backbone": facts.backbone,
        "backbone_reason": metadata.message_to_store(facts.backbone_reason),
        "detector": facts.detector,
        "dimension": facts.dimension,
        "fingerprint": facts.fingerprint,
        "golden": facts.golden.astype(np.float32).tobytes(),
    }


def _facts(connection: sa.Connection, row: sa.RowMapping) -> GalleryFacts:
    dimension = row["dimension"]
    return replace(
        metadata.facts(connection),
        backbone=row["backbone"],
        backbone_reason=metadata.read_stored_message(row["backbone_reason"]),
        detector=row["detector"],
        dimension=dimension,
        fingerprint=row["fingerprint"],
        golden=np.frombuffer(row["golden"], np.float32).reshape(-1, dimension),
    )


def _expect(connection: sa.Connection) -> GalleryFacts:
    row = connection.execute(sa.select(table)).mappings().first()
    if row is None:
        raise StoreError(
            message("there is no shadow of another backbone any more; nothing was changed")
        )
    return _facts(connection, row)


class _Opener:
    """Opens sealed vectors of one pipeline; knows the keys that it has met."""

    def __init__(self, connection: sa.Connection, vault: Vault, facts: GalleryFacts) -> None:
        self._connection, self._vault, self._facts = connection, vault, facts
        self._keys: dict[str, SubjectKey] = {}

    def vectors(self, rows: Sequence[tuple[int, str, bytes]]) -> NDArray[np.float32]:
        unknown = {subject_id for _, subject_id, _ in rows} - self._keys.keys()
        self._keys |= subject_keys_of(self._connection, self._vault, unknown)
        found = np.empty((len(rows), self._facts.dimension), np.float32)
        for place, (template_id, subject_id, sealed) in enumerate(rows):
            context = template_context(template_id, self._facts.fingerprint)
            plain = memoryview(found[place].data).cast("B")
            self._keys[subject_id].open_into(sealed, plain, *context)
        return found


_WITHOUT = (
    sa.select(templates.c.sample_id)
    .outerjoin(shadow_templates, shadow_templates.c.sample_id == templates.c.sample_id)
    .where(shadow_templates.c.sample_id.is_(None))
    .order_by(templates.c.template_id)
    .subquery()
)
_PAIRS = (
    sa.select(
        templates.c.template_id,
        templates.c.subject_id,
        shadow_templates.c.template_id.label("shadow_id"),
        shadow_templates.c.vector,
    )
    .outerjoin(shadow_templates, shadow_templates.c.sample_id == templates.c.sample_id)
    .where(templates.c.template_id > sa.bindparam("after"))
    .order_by(templates.c.template_id)
    .limit(sa.bindparam("most"))
)
