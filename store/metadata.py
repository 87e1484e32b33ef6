"""Reading the truth: facts, subjects, labels, consents and operating points."""

import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from store.errors import GalleryDamaged, GalleryMissing, KeyMissing
from store.records import (
    Consent,
    GalleryFacts,
    Job,
    StoredCohort,
    StoredHead,
    StoredOperatingPoint,
    Subject,
)
from store.schema import (
    cohorts,
    consents,
    gallery,
    heads,
    jobs,
    operating_points,
    samples,
    subjects,
    templates,
)
from store.vault import Vault, key_id_of
from wording.message import Message, message, read_message, stored_message

Value = TypeVar("Value")
_CHUNK = 500  # bound parameters a statement, well under SQLite's limit


def name_key(name: str) -> str:
    """Names are compared as people read them: composed, without case, single spaces."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def facts(connection: sa.Connection) -> GalleryFacts:
    # By name: a backup's copy may be of an older version.
    row = connection.execute(_FACTS).mappings().first()
    if row is None:
        raise GalleryMissing(message("the database holds no gallery; run: rollcall init"))
    return GalleryFacts(
        gallery_id=row["gallery_id"],
        created_at=datetime.fromisoformat(row["created_at"]),
        backbone=row["backbone"],
        backbone_reason=read_stored_message(row["backbone_reason"]),
        detector=row["detector"],
        dimension=row["dimension"],
        fingerprint=row["fingerprint"],
        golden=np.frombuffer(row["golden"], np.float32).reshape(-1, row["dimension"]),
        consent_policy=row["consent_policy"],
    )


def fingerprint(connection: sa.Connection) -> str:
    """Of the pipeline that the gallery's templates are of."""
    return str(connection.execute(_FINGERPRINT).scalar_one())


def key_id(connection: sa.Connection) -> str:
    """Of the master key that the gallery is under."""
    return str(connection.execute(sa.select(gallery.c.key_id)).scalar_one())


def open_vault(connection: sa.Connection, key: bytes) -> Vault:
    """What the master key opens in this gallery, also in one of an older version.

    Raises:
        KeyMissing: it is another gallery's key, or one of before a rotation.
    """
    held = key_id(connection)
    if held != key_id_of(key):
        raise KeyMissing(
            message(
                "this key ({given}) is not the one the gallery is under ({key_id}); "
                "give the right key in ROLLCALL_KEY or put its key file back",
                given=key_id_of(key),
                key_id=held,
            )
        )
    columns = {column["name"] for column in sa.inspect(connection).get_columns("gallery")}
    if "inner_keys" not in columns:
        return Vault(key)
    return Vault(key, connection.execute(sa.select(gallery.c.inner_keys)).scalar_one())


def message_to_store(text: str) -> str:
    """For a column of text: a message as JSON, so that it can be translated when it is read."""
    return json.dumps(stored_message(text)) if isinstance(text, Message) else text


def read_stored_message(text: str) -> str:
    """Galleries of before have the English text alone."""
    return read_message(json.loads(text)) if text.startswith('{"template"') else text


def generation(connection: sa.Connection) -> int:
    return int(connection.execute(_GENERATION).scalar_one())


def all_subjects(connection: sa.Connection) -> dict[str, Subject]:
    """Every subject by id, merged ones too, oldest first."""
    chosen = sa.select(subjects)
    counted = sa.select(templates.c.subject_id, sa.func.count())
    return _subjects(connection, chosen, counted)


def some_subjects(connection: sa.Connection, subject_ids: Collection[str]) -> dict[str, Subject]:
    """These subjects, without the templates of those merged into them."""
    found: dict[str, Subject] = {}
    for ids in chunks(list(subject_ids)):
        chosen = sa.select(subjects).where(subjects.c.subject_id.in_(ids))
        counted = sa.select(templates.c.subject_id, sa.func.count()).where(
            templates.c.subject_id.in_(ids)
        )
        found |= _subjects(connection, chosen, counted)
    return found


def page_of_subjects(
    connection: sa.Connection,
    search: str,
    states: Collection[str],
    order: str,
    offset: int,
    limit: int,
) -> tuple[list[Subject], int]:
    """As `Gallery.page_of_subjects`."""
    key = name_key(search)
    wanted = sa.and_(
        subjects.c.state.in_(list(states)),
        sa.or_(
            subjects.c.name_key.contains(key, autoescape=True),
            sa.func.lower(subjects.c.external_id).contains(key, autoescape=True),
            subjects.c.subject_id == search.strip(),
        ),
    )
    ordered = {
        "name": (subjects.c.name_key, subjects.c.subject_id),
        "newest": (subjects.c.enrolled_at.desc(), subjects.c.subject_id),
        "oldest": (subjects.c.enrolled_at, subjects.c.subject_id),
    }[order]
    among = sa.select(sa.func.count()).select_from(subjects).where(wanted)
    total = int(connection.execute(among).scalar_one())
    here = sa.select(subjects.c.subject_id).where(wanted).order_by(*ordered)
    ids = list(connection.execute(here.offset(offset).limit(limit)).scalars())
    found = some_subjects(connection, ids)
    counted = _templates_of_families(connection, ids)
    return [replace(found[i], templates=counted[i]) for i in ids], total


def namesakes(connection: sa.Connection, name: str, external_id: str | None) -> list[Subject]:
    """As `Gallery.namesakes`."""
    same = subjects.c.name_key == name_key(name)
    if external_id is not None:
        same = sa.or_(same, subjects.c.external_id == external_id)
    return _these(connection, sa.and_(subjects.c.state != "merged", same))


def called(connection: sa.Connection, who: str) -> list[Subject]:
    """As `Gallery.called`."""
    same = (
        subjects.c.subject_id == who,
        subjects.c.external_id == who,
        subjects.c.name_key == name_key(who),
    )
    return _these(connection, sa.or_(*same))


def _these(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> list[Subject]:
    here = sa.select(subjects.c.subject_id).where(wanted)
    ordered = here.order_by(subjects.c.enrolled_at, subjects.c.subject_id)
    ids = list(connection.execute(ordered).scalars())
    found = some_subjects(connection, ids)
    counted = _templates_of_families(connection, ids)
    return [replace(found[i], templates=counted[i]) for i in ids]


def families(connection: sa.Connection, subject_ids: Sequence[str]) -> dict[str, str]:
    """Each of these and everybody merged into it -> the one of these that answers."""
    owners = {subject_id: subject_id for subject_id in subject_ids}
    newest = list(subject_ids)
    while newest:
        rows = connection.execute(
            sa.select(subjects.c.subject_id, subjects.c.merged_into).where(
                subjects.c.merged_into.in_(newest)
            )
        ).all()
        newest = [row.subject_id for row in rows if row.subject_id not in owners]
        owners |= {row.subject_id: owners[row.merged_into] for row in rows}
    return owners


def names(connection: sa.Connection, subject_ids: Collection[str]) -> dict[str, str]:
    """What these are called, those merged into others too; who is not there is left out."""
    found: dict[str, str] = {}
    for chunk in chunks(list(subject_ids)):
        wanted = sa.select(subjects.c.subject_id, subjects.c.name)
        rows = connection.execute(wanted.where(subjects.c.subject_id.in_(chunk)))
        found.update(tuple(row) for row in rows.all())
    return found


def _templates_of_families(connection: sa.Connection, subject_ids: Sequence[str]) -> dict[str, int]:
    """Templates of each of these and of everybody merged into it."""
    parents: dict[str, str] = {}  # of everybody below these
    newest = set(subject_ids)
    while newest:
        rows = connection.execute(
            sa.select(subjects.c.subject_id, subjects.c.merged_into).where(
                subjects.c.merged_into.in_(list(newest))
            )
        ).all()
        newest = {row.subject_id for row in rows} - parents.keys()
        parents |= {row.subject_id: row.merged_into for row in rows}
    counts = dict.fromkeys(subject_ids, 0)
    counted = sa.select(templates.c.subject_id, sa.func.count()).where(
        templates.c.subject_id.in_([*subject_ids, *parents])
    )
    for subject_id, count in connection.execute(counted.group_by(templates.c.subject_id)):
        owner: str | None = subject_id
        while owner is not None:
            if owner in counts:
                counts[owner] += count
            owner = parents.get(owner)
    return counts


def count_of_subjects(connection: sa.Connection) -> int:
    """How many there are, without those merged into others."""
    counted = sa.select(sa.func.count()).select_from(subjects).where(subjects.c.state != "merged")
    return int(connection.execute(counted).scalar_one())


def count_of_templates(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(templates)).scalar_one())


def _subjects(
    connection: sa.Connection, chosen: sa.Select[Any], counted: sa.Select[Any]
) -> dict[str, Subject]:
    rows = connection.execute(
        chosen.order_by(subjects.c.enrolled_at, subjects.c.subject_id)
    ).mappings()
    found = {row["subject_id"]: row for row in rows}
    counts = dict.fromkeys(found, 0)
    owners = _roots({subject_id: row["merged_into"] for subject_id, row in found.items()})
    for owner, count in connection.execute(counted.group_by(templates.c.subject_id)):
        if owner not in owners:
            raise GalleryDamaged(
                message(
                    "there are templates of {subject}, who is not there; run: rollcall audit "
                    "verify, and restore a backup",
                    subject=owner,
                )
            )
        counts[owners[owner]] += count
    return {
        subject_id: Subject(
            subject_id=subject_id,
            name=row["name"],
            external_id=row["external_id"],
            state=row["state"],
            merged_into=row["merged_into"],
            enrolled_at=datetime.fromisoformat(row["enrolled_at"]),
            templates=counts[subject_id],
        )
        for subject_id, row in found.items()
    }


def _roots(merged_into: Mapping[str, str | None]) -> dict[str, str]:
    """For each subject the one of these that answers for it: itself, or whom it was merged into.

    Raises:
        GalleryDamaged: people are merged in a circle.
    """
    roots = {}
    for subject_id in merged_into:
        answers, passed = subject_id, 0
        while (into := merged_into.get(answers)) in merged_into and into is not None:
            answers, passed = into, passed + 1
            if passed > len(merged_into):
                raise GalleryDamaged(
                    message(
                        "subject {subject} was merged into itself; restore the gallery from a "
                        "backup",
                        subject=subject_id,
                    )
                )
        roots[subject_id] = answers
    return roots


def subject_ids(connection: sa.Connection) -> list[str]:
    """Everybody's, those merged into others too."""
    return list(connection.execute(sa.select(subjects.c.subject_id)).scalars())


def answering(connection: sa.Connection) -> dict[str, str]:
    """Subject id -> the subject that answers for it: itself, or the one it was merged into."""
    rows = connection.execute(sa.select(subjects.c.subject_id, subjects.c.merged_into))
    return _roots({row.subject_id: row.merged_into for row in rows})


def searchable(connection: sa.Connection) -> dict[int, str]:
    """Template id -> the active subject that answers for it."""
    rows = connection.execute(
        sa.select(subjects.c.subject_id, subjects.c.state, subjects.c.merged_into)
    ).all()
    owners = _roots({subject_id: into for subject_id, _, into in rows})
    active = {subject_id for subject_id, state, _ in rows if state == "active"}
    # In order of id it comes from the table, never from its index of owners, which could disagree
    # in a damaged file: whose a row is, is proved when the row is opened.
    found = connection.execute(_OWNERS).all()
    return {
        template_id: owners[subject_id]
        for template_id, subject_id in found
        if owners[subject_id] in active
    }


def merged(connection: sa.Connection) -> dict[str, str]:
    """Subject id -> whom it was merged into, of those who were."""
    return {row.subject_id: row.merged_into for row in connection.execute(_MERGED)}


def searchable_of(connection: sa.Connection, subject_ids: Sequence[str]) -> dict[int, str]:
    """As `searchable`, of these alone, of whom none is merged and into whom nobody is."""
    found: dict[int, str] = {}
    for chunk in chunks(subject_ids):
        rows = connection.execute(_SEARCHABLE_OF, {"whose": chunk})
        found |= {row.template_id: row.subject_id for row in rows}
    return found


def consents_of(connection: sa.Connection, subject_id: str) -> list[Consent]:
    rows = connection.execute(
        sa.select(consents).where(consents.c.subject_id == subject_id).order_by(consents.c.given_at)
    )
    return [
        Consent(
            consent_id=row.consent_id,
            basis=row.basis,
            text=row.text,
            given_at=datetime.fromisoformat(row.given_at),
            withdrawn_at=datetime.fromisoformat(row.withdrawn_at) if row.withdrawn_at else None,
            version=row.version,
            expires_at=datetime.fromisoformat(row.expires_at) if row.expires_at else None,
        )
        for row in rows
    ]


def content_mac(vault: Vault, digest: bytes) -> bytes:
    """How a photo is known: nobody without the key can test whether a given one is kept."""
    return vault.lookup_mac("content", digest)


def has_content(
    connection: sa.Connection, vault: Vault, digest: bytes, subject_ids: Collection[str]
) -> bool:
    found = connection.execute(
        sa.select(samples.c.sample_id).where(
            samples.c.content_mac == content_mac(vault, digest),
            samples.c.subject_id.in_(list(subject_ids)),
        )
    ).first()
    return found is not None


def all_operating_points(connection: sa.Connection) -> list[StoredOperatingPoint]:
    """Oldest first."""
    ordered = (operating_points.c.generation, operating_points.c.created_at)
    rows = connection.execute(sa.select(operating_points).order_by(*ordered))
    return [_operating_point(row) for row in rows]


def newest_operating_points(connection: sa.Connection, most: int) -> list[StoredOperatingPoint]:
    """The last of `all_operating_points`, oldest first."""
    ordered = (operating_points.c.generation.desc(), operating_points.c.created_at.desc())
    rows = connection.execute(sa.select(operating_points).order_by(*ordered).limit(most)).all()
    return [_operating_point(row) for row in reversed(rows)]


def _operating_point(row: sa.Row[Any]) -> StoredOperatingPoint:
    return StoredOperatingPoint(
        generation=row.generation,
        fingerprint=row.fingerprint,
        max_fpir=row.max_fpir,
        threshold=row.threshold,
        details=json.loads(row.details),
        created_at=datetime.fromisoformat(row.created_at),
    )


def cohort(connection: sa.Connection, vault: Vault, facts: GalleryFacts) -> StoredCohort | None:
    """The newest that this gallery's pipeline made."""
    row = connection.execute(
        sa.select(cohorts)
        .where(cohorts.c.fingerprint == facts.fingerprint)
        .order_by(cohorts.c.created_at.desc())
    ).first()
    if row is None:
        return None
    plain = vault.open_face(row.vectors, "cohort", row.cohort_id, facts.fingerprint)
    return StoredCohort(
        cohort_id=row.cohort_id,
        created_at=datetime.fromisoformat(row.created_at),
        details=json.loads(row.details),
        vectors=np.frombuffer(plain, np.float32).reshape(-1, facts.dimension),
    )


def all_heads(connection: sa.Connection) -> list[StoredHead]:
    """Oldest first."""
    rows = connection.execute(sa.select(heads).order_by(heads.c.created_at, heads.c.head_id))
    return [
        StoredHead(
            head_id=row.head_id,
            created_at=datetime.fromisoformat(row.created_at),
            generation=row.generation,
            fingerprint=row.fingerprint,
            state=row.state,
            manifest=json.loads(row.manifest),
        )
        for row in rows
    ]


def head_files(connection: sa.Connection) -> dict[str, str]:
    """Head id -> SHA-256 of its file, of those that have one."""
    return {
        head.head_id: str(head.manifest["file_sha256"])
        for head in all_heads(connection)
        if "file_sha256" in head.manifest
    }


def reports(connection: sa.Connection) -> list[str]:
    """Names of the reports' files."""
    found = [job.details.get("reports") for job in all_jobs(connection, None)]
    return [str(name) for names in found if isinstance(names, list) for name in names]


def named_files(connection: sa.Connection) -> tuple[list[str], list[str]]:
    """The heads that have a file, and the files of reports."""
    return list(head_files(connection)), reports(connection)


def all_jobs(connection: sa.Connection, job: str | None) -> list[Job]:
    """Every run of a job, or of all of them, oldest day first."""
    wanted = sa.true() if job is None else jobs.c.job == job
    rows = connection.execute(sa.select(jobs).where(wanted).order_by(jobs.c.utc_day))
    return [_job(row) for row in rows]


def job_of_day(connection: sa.Connection, job: str, day: str) -> Job | None:
    wanted = sa.select(jobs).where(jobs.c.job == job, jobs.c.utc_day == day)
    row = connection.execute(wanted).first()
    return None if row is None else _job(row)


def page_of_jobs(
    connection: sa.Connection, job: str, offset: int, limit: int
) -> tuple[list[Job], int]:
    """Some runs of a job, newest day first, and how many there are in all."""
    wanted = jobs.c.job == job
    among = sa.select(sa.func.count()).select_from(jobs).where(wanted)
    total = int(connection.execute(among).scalar_one())
    newest = sa.select(jobs).where(wanted).order_by(jobs.c.utc_day.desc())
    return [_job(row) for row in connection.execute(newest.offset(offset).limit(limit))], total


def _job(row: sa.Row[Any]) -> Job:
    return Job(
        job=row.job,
        day=row.utc_day,
        state=row.state,
        started_at=datetime.fromisoformat(row.started_at),
        finished_at=datetime.fromisoformat(row.finished_at) if row.finished_at else None,
        details=json.loads(row.details),
    )


def chunks(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


_FACTS = sa.select(
    gallery.c.gallery_id,
    gallery.c.created_at,
    gallery.c.backbone,
    gallery.c.backbone_reason,
    gallery.c.detector,
    gallery.c.dimension,
    gallery.c.fingerprint,
    gallery.c.golden,
    gallery.c.consent_policy,
)
_FINGERPRINT = sa.select(gallery.c.fingerprint)
_GENERATION = sa.select(gallery.c.generation)  # asked several times for every answer
_OWNERS = sa.select(templates.c.template_id, templates.c.subject_id).order_by(
    templates.c.template_id
)
_MERGED = sa.select(subjects.c.subject_id, subjects.c.merged_into).where(
    subjects.c.merged_into.is_not(None)
)
_SEARCHABLE_OF = (
    sa.select(templates.c.template_id, templates.c.subject_id)
    .join(subjects, subjects.c.subject_id == templates.c.subject_id)
    .where(
        templates.c.subject_id.in_(sa.bindparam("whose", expanding=True)),
        subjects.c.state == "active",
    )
)
