"""One person whole, on the way from one gallery into another: ids, times and consents stay.

What is encrypted is opened with the key of where it comes from and sealed with a new key of where
it goes; in between it is in memory alone.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from store import audit, metadata
from store.change import Change, template_context
from store.index import check_vectors
from store.records import Consent, GalleryFacts, Negative, Subject
from store.schema import audit as trail
from store.schema import (
    consents,
    erasures,
    negatives,
    samples,
    shadow_templates,
    subject_keys,
    subjects,
    templates,
)
from store.vault import Vault
from store.vectors import subject_keys_of, vectors

IMPORT = "subject.import"
Links = tuple[str | None, str | None]


@dataclass(frozen=True)
class CarriedSample:
    """templates: id -> (dimension,) of those that were made from it."""

    sample_id: str
    subject_id: str
    consent_id: str
    image: bytes
    details: Mapping[str, object]
    captured_at: datetime
    templates: Mapping[int, NDArray[np.float32]]


@dataclass(frozen=True)
class Carried:
    """Everything of one subject that goes along."""

    subject: Subject
    consents: tuple[Consent, ...]
    samples: tuple[CarriedSample, ...]


@dataclass(frozen=True)
class Here:
    """Which rows are here already, and consents that were taken back here.

    taken: subjects whose consents, photos or templates have an id that is another's here.
    """

    subjects: frozenset[str]
    consents: Mapping[str, bool]  # id -> was it taken back?
    samples: frozenset[str]
    taken: frozenset[str] = frozenset()


def read(
    connection: sa.Connection, vault: Vault, facts: GalleryFacts, subject_ids: Collection[str]
) -> list[Carried]:
    """These subjects as they are now, oldest first. Raises GalleryDamaged: a row does not open."""
    found = metadata.some_subjects(connection, subject_ids)
    keys = subject_keys_of(connection, vault, found)
    made: dict[str, list[int]] = {}
    rows = connection.execute(
        sa.select(templates.c.template_id, templates.c.sample_id)
        .where(templates.c.subject_id.in_(list(found)))
        .order_by(templates.c.template_id)
    ).all()
    for row in rows:
        made.setdefault(row.sample_id, []).append(row.template_id)
    ids = [row.template_id for row in rows]
    by_id = dict(zip(ids, vectors(connection, vault, facts, ids), strict=True))
    taken: dict[str, list[CarriedSample]] = {}
    kept = (
        sa.select(samples)
        .where(samples.c.subject_id.in_(list(found)))
        .order_by(samples.c.captured_at, samples.c.sample_id)
    )
    for row in connection.execute(kept):
        key = keys[row.subject_id]
        taken.setdefault(row.subject_id, []).append(
            CarriedSample(
                row.sample_id,
                row.subject_id,
                row.consent_id,
                key.open(row.image, "image", row.sample_id),
                json.loads(key.open(row.details, "details", row.sample_id)),
                datetime.fromisoformat(row.captured_at),
                {i: by_id[i] for i in made.get(row.sample_id, [])},
            )
        )
    return [
        Carried(
            subject,
            tuple(metadata.consents_of(connection, subject_id)),
            tuple(taken.get(subject_id, ())),
        )
        for subject_id, subject in found.items()
    ]


def here(connection: sa.Connection, people: Iterable[Carried]) -> Here:
    """What of these is here."""
    everyone = list(people)
    ids = [one.subject.subject_id for one in everyone]
    given = [c.consent_id for one in everyone for c in one.consents]
    photos = [s.sample_id for one in everyone for s in one.samples]
    back = _among(connection, consents.c.consent_id, given, consents.c.withdrawn_at)
    return Here(
        frozenset(_among(connection, subjects.c.subject_id, ids)),
        {consent_id: at is not None for consent_id, at in back.items()},
        frozenset(_among(connection, samples.c.sample_id, photos)),
        _taken(connection, everyone, given, photos),
    )


def _taken(
    connection: sa.Connection, people: Sequence[Carried], given: list[str], photos: list[str]
) -> frozenset[str]:
    agreed = _among(connection, consents.c.consent_id, given, consents.c.subject_id)
    shown = _among(connection, samples.c.sample_id, photos, samples.c.subject_id)
    made = [i for one in people for sample in one.samples for i in sample.templates]
    found = _among(connection, templates.c.template_id, made, templates.c.sample_id)
    found |= _among(connection, shadow_templates.c.template_id, made, shadow_templates.c.sample_id)
    return frozenset(
        one.subject.subject_id
        for one in people
        if any(
            agreed.get(c.consent_id, one.subject.subject_id) != one.subject.subject_id
            for c in one.consents
        )
        or any(
            shown.get(s.sample_id, one.subject.subject_id) != one.subject.subject_id
            or any(found.get(i, s.sample_id) != s.sample_id for i in s.templates)
            for s in one.samples
        )
    )


def erased_among(connection: sa.Connection, vault: Vault, subject_ids: Iterable[str]) -> set[str]:
    """Those on the list of the erased."""
    macs = {vault.lookup_mac("subject", s.encode()).hex(): s for s in subject_ids}
    return {macs[mac] for mac in _among(connection, erasures.c.subject_mac, list(macs))}


def owner_of_external_id(connection: sa.Connection, external_id: str) -> str | None:
    """Whose number this is, also one who was merged into somebody."""
    wanted = sa.select(subjects.c.subject_id).where(subjects.c.external_id == external_id)
    return connection.execute(wanted).scalar_one_or_none()


def put_subject(
    change: Change, subject: Subject, external_id: str | None, state: str, into: str | None
) -> None:
    """Somebody who was not here, under the id they have there, with a key of here."""
    subject_id = subject.subject_id
    change.sealing.add(subject_id)
    change.connection.execute(
        sa.insert(subjects).values(
            subject_id=subject_id,
            name=subject.name,
            name_key=metadata.name_key(subject.name),
            external_id=external_id,
            state=state,
            merged_into=into,
            enrolled_at=_text(subject.enrolled_at),
        )
    )
    _, wrapped = change.vault.new_key(subject_id)
    change.connection.execute(
        sa.insert(subject_keys).values(
            subject_id=subject_id, key_id=change.vault.key_id, wrapped=wrapped
        )
    )


def put_consents(
    change: Change, subject_id: str, given: Collection[Consent], known: Here
) -> tuple[int, int]:
    """Those that are not here, and withdrawals of those that are: (new, taken back)."""
    new = [c for c in given if c.consent_id not in known.consents]
    back = [c for c in given if c.withdrawn_at and known.consents.get(c.consent_id) is False]
    if new or back:
        change.sealing.touch([subject_id])
    for consent in new:
        change.connection.execute(
            sa.insert(consents).values(
                consent_id=consent.consent_id,
                subject_id=subject_id,
                basis=consent.basis,
                text=consent.text,
                given_at=_text(consent.given_at),
                withdrawn_at=_text(consent.withdrawn_at),
                version=consent.version,
                expires_at=_text(consent.expires_at),
            )
        )
    for consent in back:
        change.connection.execute(
            sa.update(consents)
            .where(consents.c.consent_id == consent.consent_id)
            .values(withdrawn_at=_text(consent.withdrawn_at))
        )
    return len(new), len(back)


def put_samples(
    change: Change,
    subject_id: str,
    new: Collection[tuple[CarriedSample, bytes]],
    answers_as: str | None,
) -> None:
    """Photos and templates under their own ids, sealed with the subject's key of here.

    Args:
        new: with the SHA-256 by which each is known. answers_as: the active subject that is found
            by them; None: nobody is.

    Raises:
        BadVector: a vector is not a finite unit row of the gallery's dimension.
    """
    if not new:
        return
    change.sealing.touch([subject_id])
    key = subject_keys_of(change.connection, change.vault, [subject_id])[subject_id]
    fingerprint = change.facts.fingerprint
    for sample, digest in new:
        change.connection.execute(
            sa.insert(samples).values(
                sample_id=sample.sample_id,
                subject_id=subject_id,
                consent_id=sample.consent_id,
                content_mac=metadata.content_mac(change.vault, digest),
                image=key.seal(sample.image, "image", sample.sample_id),
                details=key.seal(
                    json.dumps(dict(sample.details)).encode(), "details", sample.sample_id
                ),
                captured_at=_text(sample.captured_at),
            )
        )
        for template_id, vector in sample.templates.items():
            check_vectors(vector[None], 1, change.facts.dimension)
            context = template_context(template_id, fingerprint)
            change.connection.execute(
                sa.insert(templates).values(
                    template_id=template_id,
                    subject_id=subject_id,
                    sample_id=sample.sample_id,
                    fingerprint=fingerprint,
                    vector=key.seal(vector.astype(np.float32).tobytes(), *context),
                )
            )
            if answers_as is not None:
                change.added.append((template_id, answers_as, vector))


def origins(connection: sa.Connection, vault: Vault) -> dict[int, str]:
    """Template id -> the gallery that it was enrolled in, of those that came from another one."""
    rows = connection.execute(
        sa.select(trail.c.object, trail.c.details)
        .where(trail.c.action == IMPORT)
        .order_by(trail.c.seq.desc())
    ).all()
    if not rows:
        return {}
    came = {row.object: str(json.loads(row.details)["gallery"]) for row in rows}
    everybody = metadata.subject_ids(connection)
    sites = {s: came[name] for s in everybody if (name := audit.pseudonym(vault, s)) in came}
    found: dict[int, str] = {}
    for chunk in metadata.chunks(sorted(sites)):
        wanted = sa.select(templates.c.template_id, templates.c.subject_id)
        for row in connection.execute(wanted.where(templates.c.subject_id.in_(chunk))):
            found[row.template_id] = sites[row.subject_id]
    return found


def links_of_negatives(connection: sa.Connection) -> dict[str, Links]:
    """Negative's id -> the subjects whom it looked like: nearest, rival."""
    wanted = negatives.c.negative_id, negatives.c.nearest_subject_id, negatives.c.rival_subject_id
    return {row[0]: (row[1], row[2]) for row in connection.execute(sa.select(*wanted))}


def put_negative(change: Change, negative: Negative, links: Links) -> None:
    """A no that was said there, under its own id. Raises BadVector, as `put_samples`."""
    check_vectors(negative.vector[None], 1, change.facts.dimension)
    change.relabelled = True
    context = negative.negative_id, change.facts.fingerprint
    details = json.dumps(dict(negative.details)).encode()
    change.connection.execute(
        sa.insert(negatives).values(
            negative_id=negative.negative_id,
            at=_text(negative.at),
            fingerprint=change.facts.fingerprint,
            subject_id=negative.subject_id,
            nearest_subject_id=links[0],
            rival_subject_id=links[1],
            vector=change.vault.seal_face(negative.vector.tobytes(), "negative-vector", *context),
            details=change.vault.seal_face(details, "negative-details", *context),
        )
    )


def _among(
    connection: sa.Connection,
    column: sa.Column[Any],
    wanted: list[Any],
    *also: sa.Column[Any],
) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for chunk in metadata.chunks(wanted):
        rows = connection.execute(sa.select(column, *also).where(column.in_(chunk)))
        found |= {row[0]: row[1] if also else None for row in rows}
    return found


def _text(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None
