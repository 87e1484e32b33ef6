"""Faces that somebody said no to: "this is not Anna", "this is a stranger". Sealed, no picture."""

import json
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from store.metadata import chunks
from store.records import Negative, Sighting
from store.schema import negatives
from store.vault import Vault


def insert(
    connection: sa.Connection,
    vault: Vault,
    fingerprint: str,
    at: str,
    sighting: Sighting,
    subject_id: str | None,
    lineage: Mapping[str, object],
) -> str:
    """Returns the negative's id."""
    negative_id = uuid.uuid4().hex
    context = negative_id, fingerprint
    connection.execute(
        sa.insert(negatives).values(
            negative_id=negative_id,
            at=at,
            fingerprint=fingerprint,
            subject_id=subject_id,
            nearest_subject_id=sighting.nearest,
            rival_subject_id=sighting.rival,
            vector=vault.seal_face(sighting.vector.tobytes(), "negative-vector", *context),
            details=vault.seal_face(json.dumps(lineage).encode(), "negative-details", *context),
        )
    )
    return negative_id


def select(connection: sa.Connection, vault: Vault, fingerprint: str) -> list[Negative]:
    """All that this pipeline made, in order of id."""
    rows = connection.execute(
        sa.select(negatives)
        .where(negatives.c.fingerprint == fingerprint)
        .order_by(negatives.c.negative_id)
    )
    found = []
    for row in rows:
        context = row.negative_id, fingerprint
        found.append(
            Negative(
                negative_id=row.negative_id,
                at=datetime.fromisoformat(row.at),
                subject_id=row.subject_id,
                details=json.loads(vault.open_face(row.details, "negative-details", *context)),
                vector=np.frombuffer(
                    vault.open_face(row.vector, "negative-vector", *context), np.float32
                ),
            )
        )
    return found


def delete(connection: sa.Connection, negative_ids: Collection[str]) -> int:
    """Returns how many were there."""
    return sum(
        connection.execute(sa.delete(negatives).where(negatives.c.negative_id.in_(chunk))).rowcount
        for chunk in chunks(list(negative_ids))
    )


def delete_of(connection: sa.Connection, subject_ids: Collection[str]) -> int:
    """Delete those that name these subjects or came from faces like theirs; returns how many."""
    ids = list(subject_ids)
    return connection.execute(
        sa.delete(negatives).where(
            negatives.c.subject_id.in_(ids)
            | negatives.c.nearest_subject_id.in_(ids)
            | negatives.c.rival_subject_id.in_(ids)
        )
    ).rowcount
