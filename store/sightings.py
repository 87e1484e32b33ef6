"""The review queue's rows: faces that nobody has decided on. Sealed with the vault's own key."""

import json
import uuid
from collections.abc import Collection
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from store.metadata import chunks
from store.records import NewSighting, Sighting
from store.schema import sightings
from store.vault import Vault


def insert(
    connection: sa.Connection, vault: Vault, fingerprint: str, at: str, new: NewSighting
) -> str:
    """Returns the sighting's id."""
    sighting_id = uuid.uuid4().hex
    context = sighting_id, fingerprint
    connection.execute(
        sa.insert(sightings).values(
            sighting_id=sighting_id,
            at=at,
            kind=new.kind,
            fingerprint=fingerprint,
            nearest_subject_id=new.nearest,
            rival_subject_id=new.rival,
            content_mac=_content_mac(vault, new.image),
            image=vault.seal_face(new.image, "sighting-image", *context),
            vector=vault.seal_face(new.vector.tobytes(), "sighting-vector", *context),
            details=vault.seal_face(json.dumps(new.details).encode(), "sighting-details", *context),
        )
    )
    return sighting_id


def select(
    connection: sa.Connection, vault: Vault, fingerprint: str, since: datetime | None = None
) -> list[Sighting]:
    """The queue, oldest first, as far as this pipeline made it; from `since` on, where given."""
    wanted = sa.select(
        sightings.c.sighting_id, sightings.c.at, sightings.c.kind, sightings.c.nearest_subject_id,
        sightings.c.rival_subject_id, sightings.c.vector, sightings.c.details,
    ).where(sightings.c.fingerprint == fingerprint)  # fmt: skip
    if since is not None:
        wanted = wanted.where(sightings.c.at >= since.isoformat(timespec="microseconds"))
    rows = connection.execute(wanted.order_by(sightings.c.at, sightings.c.sighting_id)).mappings()
    return [_opened(vault, fingerprint, row) for row in rows]


def ids(connection: sa.Connection, fingerprint: str) -> list[str]:
    """Of the queue as far as this pipeline made it, oldest first."""
    wanted = sa.select(sightings.c.sighting_id).where(sightings.c.fingerprint == fingerprint)
    ordered = wanted.order_by(sightings.c.at, sightings.c.sighting_id)
    return list(connection.execute(ordered).scalars())


def size(connection: sa.Connection) -> tuple[int, datetime | None]:
    """How many there are, whichever pipeline made them, and when the oldest was seen."""
    count, oldest = connection.execute(
        sa.select(sa.func.count(), sa.func.min(sightings.c.at)).select_from(sightings)
    ).one()
    return count, datetime.fromisoformat(oldest) if oldest else None


def images(
    connection: sa.Connection, vault: Vault, fingerprint: str, sighting_ids: Collection[str]
) -> dict[str, bytes]:
    """The pictures of those that are still in the queue."""
    found = {}
    for chunk in chunks(list(sighting_ids)):
        rows = connection.execute(
            sa.select(sightings.c.sighting_id, sightings.c.image).where(
                sightings.c.sighting_id.in_(chunk), sightings.c.fingerprint == fingerprint
            )
        )
        for row in rows:
            context = row.sighting_id, fingerprint
            found[row.sighting_id] = vault.open_face(row.image, "sighting-image", *context)
    return found


def has_image(connection: sa.Connection, vault: Vault, image: bytes) -> bool:
    """Is this very picture in the queue?"""
    found = connection.execute(
        sa.select(sightings.c.sighting_id).where(
            sightings.c.content_mac == _content_mac(vault, image)
        )
    ).first()
    return found is not None


def delete(connection: sa.Connection, sighting_ids: Collection[str]) -> int:
    """Returns how many were there."""
    return sum(
        connection.execute(sa.delete(sightings).where(sightings.c.sighting_id.in_(chunk))).rowcount
        for chunk in chunks(list(sighting_ids))
    )


def delete_before(connection: sa.Connection, at: datetime) -> int:
    """Delete what is older, whichever pipeline made it; returns how many that were."""
    text = at.isoformat(timespec="microseconds")
    return connection.execute(sa.delete(sightings).where(sightings.c.at < text)).rowcount


def delete_beyond(connection: sa.Connection, most: int) -> int:
    """Delete the oldest until at most that many are left; returns how many that were."""
    newest = sa.select(sightings.c.sighting_id).order_by(
        sightings.c.at.desc(), sightings.c.sighting_id.desc()
    )
    return delete(connection, list(connection.execute(newest.offset(most)).scalars()))


def delete_like(connection: sa.Connection, subject_ids: Collection[str]) -> int:
    """Delete those that were taken to look like these subjects; returns how many that were."""
    ids = list(subject_ids)
    return connection.execute(
        sa.delete(sightings).where(
            sightings.c.nearest_subject_id.in_(ids) | sightings.c.rival_subject_id.in_(ids)
        )
    ).rowcount


def _content_mac(vault: Vault, image: bytes) -> bytes:
    return vault.lookup_mac("sighting", image)


def _opened(vault: Vault, fingerprint: str, row: sa.RowMapping) -> Sighting:
    context = row["sighting_id"], fingerprint
    details = vault.open_face(row["details"], "sighting-details", *context)
    vector = vault.open_face(row["vector"], "sighting-vector", *context)
    return Sighting(
        sighting_id=row["sighting_id"],
        at=datetime.fromisoformat(row["at"]),
        kind=row["kind"],
        nearest=row["nearest_subject_id"],
        rival=row["rival_subject_id"],
        details=json.loads(details),
        vector=np.frombuffer(vector, np.float32),
    )
