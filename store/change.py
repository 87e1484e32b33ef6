"""One change of the gallery: a transaction that holds the write lock from its first statement.

The lock is the update of the generation, so writers queue up in SQLite and in PostgreSQL alike,
and what a change reads inside it can no longer move.
"""

import json
import secrets
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from store import account, api_key, audit, metadata, negatives, sightings, webhook
from store.consent import version_of
from store.errors import BackboneMoved, UnknownSubject
from store.index import check_vectors
from store.person import NIGHT
from store.records import (
    ApiKey,
    GalleryFacts,
    Job,
    Negative,
    NewSample,
    NewSighting,
    Session,
    Sighting,
    StoredAnswer,
    StoredCohort,
    StoredWebhook,
    Subject,
    User,
)
from store.schema import (
    cohorts,
    consents,
    erasures,
    events,
    gallery,
    heads,
    jobs,
    operating_points,
    requests,
    samples,
    shadow_templates,
    subject_keys,
    subjects,
    templates,
)
from store.sealing import Sealing
from store.vault import SubjectKey, Vault
from wording.message import message

_ADD_SUBJECT = sa.insert(subjects)
_ADD_KEY = sa.insert(subject_keys)
_ADD_CONSENT = sa.insert(consents)
_ADD_SAMPLES = sa.insert(samples)
_ADD_TEMPLATES = sa.insert(templates)
_KEPT_NIGHTS = 90  # days of what nights counted of each person: 200 bytes a person and night


class Acting(Protocol):
    """In whose name something is done. `allow` raises where they may not do what is called so in
    the audit trail."""

    @property
    def actor(self) -> str: ...

    def allow(self, action: str) -> None: ...


@dataclass
class Change:
    """What may be written. Made by `Gallery.change`, which commits or undoes all of it."""

    connection: sa.Connection
    vault: Vault
    facts: GalleryFacts
    generation: int  # the generation that this change makes
    at: datetime
    actor: str
    sealing: Sealing
    allow: Callable[[str], None]  # raises where whoever acts may not do what is called so
    added: list[tuple[int, str, NDArray[np.float32]]] = field(default_factory=list)
    renamed: set[str] = field(default_factory=set)  # active ones, who are found as before
    relabelled: bool = False  # more than added templates: labels or states moved
    dropped_reports: list[str] = field(default_factory=list)  # whose files are to go
    recorded: list[str] = field(default_factory=list)  # actions of the audit trail
    _keys: dict[str, SubjectKey] = field(default_factory=dict)

    def add_subject(self, name: str, external_id: str | None) -> str:
        subject_id = str(uuid.uuid4())
        self.sealing.add(subject_id)
        # Rows are handed over beside the statement: within it, each makes it anew.
        self.connection.execute(
            _ADD_SUBJECT,
            {
                "subject_id": subject_id,
                "name": name,
                "name_key": metadata.name_key(name),
                "external_id": external_id,
                "state": "active",
                "enrolled_at": self._now(),
            },
        )
        key, wrapped = self.vault.new_key(subject_id)
        self.connection.execute(
            _ADD_KEY,
            {"subject_id": subject_id, "key_id": self.vault.key_id, "wrapped": wrapped},
        )
        self._keys[subject_id] = key
        self.record("subject.add", subject_id)
        return subject_id

    def add_consent(
        self, subject_id: str, basis: str, text: str, expires_at: datetime | None = None
    ) -> str:
        """Write down what was agreed to; `expires_at` None: until it is withdrawn."""
        self.sealing.touch([subject_id])
        consent_id = str(uuid.uuid4())
        version = version_of(text)
        self.connection.execute(
            _ADD_CONSENT,
            {
                "consent_id": consent_id,
                "subject_id": subject_id,
                "basis": basis,
                "text": text,
                "given_at": self._now(),
                "version": version,
                "expires_at": _text_of(expires_at) if expires_at else None,
            },
        )
        self.record("consent.add", subject_id, {"basis": basis, "version": version})
        return consent_id

    def withdraw_consents(self, subject_ids: Collection[str]) -> int:
        """Take back every consent of these that was not taken back; returns how many were."""
        self.sealing.touch(subject_ids)
        count = 0
        for subject_id in subject_ids:
            taken_back = self.connection.execute(
                sa.update(consents)
                .where(consents.c.subject_id == subject_id, consents.c.withdrawn_at.is_(None))
                .values(withdrawn_at=self._now())
            ).rowcount
            if taken_back:
                self.record("consent.withdraw", subject_id, {"consents": taken_back})
            count += taken_back
        return count

    def add_request(self, subject_id: str, kind: str, due_at: datetime, note: str) -> str:
        """Write down what a person asks for, "erasure" or "export"; returns the request's id."""
        self.sealing.touch([subject_id])
        request_id = str(uuid.uuid4())
        self.connection.execute(
            sa.insert(requests).values(
                request_id=request_id,
                subject_id=subject_id,
                kind=kind,
                requested_at=self._now(),
                due_at=_text_of(due_at),
                note=note,
                answer="",
            )
        )
        # Not the note: what stands in the trail outlives the person's data.
        details = {"kind": kind, "request": request_id, "due": _text_of(due_at)}
        self.record("request.add", subject_id, details)
        return request_id

    def answer_request(self, request_id: str, outcome: str, answer: str) -> bool:
        """Close an open request, "done" or "refused"; False when it is not open any more."""
        row = self.connection.execute(
            sa.select(requests.c.subject_id, requests.c.kind).where(
                requests.c.request_id == request_id, requests.c.done_at.is_(None)
            )
        ).first()
        if row is None:
            return False
        self.sealing.touch([row.subject_id])
        self.connection.execute(
            sa.update(requests)
            .where(requests.c.request_id == request_id)
            .values(done_at=self._now(), outcome=outcome, answer=answer)
        )
        details = {"kind": row.kind, "request": request_id, "outcome": outcome}
        self.record("request.answer", row.subject_id, details)
        return True

    def open_requests(self, subject_ids: Collection[str]) -> dict[str, str]:
        """Request id -> kind, of what these ask for and nobody has answered."""
        rows = self.connection.execute(
            sa.select(requests.c.request_id, requests.c.kind).where(
                requests.c.subject_id.in_(list(subject_ids)), requests.c.done_at.is_(None)
            )
        )
        return {row.request_id: row.kind for row in rows}

    def add_samples(self, subject_id: str, consent_id: str, new: Collection[NewSample]) -> None:
        """Store photos and their templates, encrypted with the subject's own key.

        Raises:
            BadVector: a vector is not a finite unit row of the gallery's dimension.
        """
        self.sealing.touch([subject_id])
        key = self._key(subject_id)
        state = self.connection.execute(
            sa.select(subjects.c.state).where(subjects.c.subject_id == subject_id)
        ).scalar_one()
        if state != "active":
            self.relabelled = True
        pictures, rows = [], []
        for sample in new:
            check_vectors(sample.vector[None], 1, self.facts.dimension)
            sample_id = str(uuid.uuid4())
            template_id = secrets.randbits(63)
            pictures.append(
                {
                    "sample_id": sample_id,
                    "subject_id": subject_id,
                    "consent_id": consent_id,
                    "content_mac": metadata.content_mac(self.vault, sample.digest),
                    "image": key.seal(sample.image, "image", sample_id),
                    "details": key.seal(json.dumps(sample.details).encode(), "details", sample_id),
                    "captured_at": self._now(),
                }
            )
            rows.append(
                {
                    "template_id": template_id,
                    "subject_id": subject_id,
                    "sample_id": sample_id,
                    "fingerprint": self.facts.fingerprint,
                    "vector": key.seal(
                        sample.vector.tobytes(),
                        *template_context(template_id, self.facts.fingerprint),
                    ),
                }
            )
            self.added.append((template_id, subject_id, sample.vector))
        if rows:
            self.connection.execute(_ADD_SAMPLES, pictures)
            self.connection.execute(_ADD_TEMPLATES, rows)
        self.record("samples.add", subject_id, {"samples": len(new)})

    def has_content(self, digest: bytes, subject_ids: Collection[str]) -> bool:
        """As `Gallery.has_content`, under the lock."""
        return metadata.has_content(self.connection, self.vault, digest, subject_ids)

    def rename(self, subject_id: str, name: str) -> None:
        relabelled = self.relabelled
        self._update(subject_id, name=name, name_key=metadata.name_key(name))
        active = sa.select(subjects.c.state).where(subjects.c.subject_id == subject_id)
        if self.connection.execute(active).scalar_one() == "active":
            # Nobody is found otherwise than before, so nothing has to be measured anew.
            self.relabelled = relabelled
            self.renamed.add(subject_id)
        self.record("subject.rename", subject_id)

    def set_state(self, subject_id: str, state: str) -> None:
        self._update(subject_id, state=state, merged_into=None)
        self.record(f"subject.{state}", subject_id)

    def tell_apart(self, subject_id: str, other: str) -> None:
        """Write down that somebody said: these look alike, and are two people."""
        self.record("subject.different", subject_id, {"from": audit.pseudonym(self.vault, other)})

    def merge(self, subject_id: str, into: str) -> None:
        """`subject_id` answers as `into` from now on. No vector is touched, so it can be undone."""
        self._update(subject_id, state="merged", merged_into=into)
        into_pseudonym = audit.pseudonym(self.vault, into)
        self.record("subject.merge", subject_id, {"into": into_pseudonym})

    def erase(
        self,
        subject_ids: Collection[str],
        sighting_ids: Collection[str] = (),
        negative_ids: Collection[str] = (),
    ) -> dict[str, int]:
        """Delete every row of these subjects; returns how many went, by table.

        Args:
            sighting_ids, negative_ids: of faces that may be theirs, beside those which are linked
                to them.
        """
        ids = list(subject_ids)
        self.sealing.drop(ids)
        counts = {
            "sightings": sightings.delete_like(self.connection, ids)
            + sightings.delete(self.connection, sighting_ids),
            "negatives": negatives.delete_of(self.connection, ids)
            + negatives.delete(self.connection, negative_ids),
        }
        for request_id, kind in self.open_requests(ids).items():
            if kind == "erasure":
                self.answer_request(request_id, "done", "")
        for table in (
            shadow_templates,
            templates,
            samples,
            consents,
            subject_keys,
            events,
            requests,
        ):
            gone = self.connection.execute(sa.delete(table).where(table.c.subject_id.in_(ids)))
            counts[table.name] = gone.rowcount
        # Merged ones point at another row of this table, so the pointing rows go first.
        for condition in (subjects.c.merged_into.is_not(None), sa.true()):
            self.connection.execute(
                sa.delete(subjects).where(subjects.c.subject_id.in_(ids), condition)
            )
        counts["heads"] = self._forget(ids)
        counts["answers"] = api_key.forget_answers(self.connection)
        for subject_id in ids:
            self.connection.execute(
                sa.insert(erasures).values(
                    subject_mac=self.vault.lookup_mac("subject", subject_id.encode()).hex(),
                    erased_at=self._now(),
                    state="erased",
                )
            )
            self.record("subject.erase", subject_id, counts)
        self.relabelled = True
        return counts

    def subject(self, subject_id: str) -> Subject | None:
        """As it is under the lock, without the templates of those merged into it."""
        return metadata.some_subjects(self.connection, [subject_id]).get(subject_id)

    # -- faces to review --------------------------------------------------------------------

    def subjects(self) -> dict[str, Subject]:
        """As `Gallery.subjects`, under the lock."""
        return metadata.all_subjects(self.connection)

    def person(self, subject_id: str) -> tuple[Subject | None, list[str]]:
        """A subject as it is under the lock, and the ids of it and of all merged into it."""
        found = metadata.some_subjects(self.connection, [subject_id])
        return found.get(subject_id), list(metadata.families(self.connection, [subject_id]))

    def sightings(self, since: datetime | None = None) -> list[Sighting]:
        """As `Gallery.sightings`, under the lock."""
        return sightings.select(self.connection, self.vault, self.facts.fingerprint, since)

    def has_sighting(self, image: bytes) -> bool:
        """As `Gallery.has_sighting`, under the lock."""
        return sightings.has_image(self.connection, self.vault, image)

    def negatives(self, fingerprint: str | None = None) -> list[Negative]:
        """As `Gallery.negative_list`, under the lock; of another pipeline where one is given."""
        return negatives.select(self.connection, self.vault, fingerprint or self.facts.fingerprint)

    def check_backbone(self, fingerprint: str) -> None:
        """To be asked by whoever writes down what an embedding says.

        Raises:
            BackboneMoved: it was made by another pipeline than the gallery's is by now.
        """
        if fingerprint != self.facts.fingerprint:
            raise moved(self.facts)

    def retire_head(self) -> str | None:
        """Let the subjects' means serve; the id of the head that served."""
        served = self.champion_id()
        self._retire()
        return served

    def add_sighting(self, new: NewSighting) -> str:
        """Queue a face; returns its id.

        Raises:
            BadVector: the vector is not a finite unit row of the gallery's dimension.
        """
        check_vectors(new.vector[None], 1, self.facts.dimension)
        return sightings.insert(
            self.connection, self.vault, self.facts.fingerprint, self._now(), new
        )

    def drop_sightings(self, sighting_ids: Collection[str]) -> int:
        """Take faces out of the queue; returns how many were in it."""
        return sightings.delete(self.connection, sighting_ids)

    def drop_old_sightings(self, before: datetime, most: int) -> int:
        """Keep to the queue's limits in time and number; returns how many went."""
        return sightings.delete_before(self.connection, before) + sightings.delete_beyond(
            self.connection, most
        )

    def add_negative(
        self, sighting: Sighting, subject_id: str | None, lineage: Mapping[str, object]
    ) -> str:
        """Remember that this face is not this subject's, or nobody's; returns the negative's id."""
        self.relabelled = True
        return negatives.insert(
            self.connection,
            self.vault,
            self.facts.fingerprint,
            self._now(),
            sighting,
            subject_id,
            lineage,
        )

    def drop_negatives(self, negative_ids: Collection[str]) -> int:
        """Forget that these were said; returns how many there were."""
        self.relabelled = True
        return negatives.delete(self.connection, negative_ids)

    # -- heads and nights -------------------------------------------------------------------

    def add_head(
        self,
        head_id: str,
        state: str,
        generation: int,
        manifest: Mapping[str, object],
        subject_ids: Collection[str],
    ) -> None:
        """Name a head; its file, where it has one, is in the archive and `file_sha256` is in the
        manifest. A new champion retires the one before.

        Raises:
            UnknownSubject: one of its subjects is gone; such a head must not be seen again.
        """
        here = set(self.connection.execute(sa.select(subjects.c.subject_id)).scalars())
        if not here.issuperset(subject_ids):
            raise UnknownSubject(message("somebody was erased while the head was being made"))
        if state == "champion":
            self.relabelled = True
            self._retire()
        members = sorted(audit.pseudonym(self.vault, s) for s in subject_ids)
        self.connection.execute(
            sa.insert(heads).values(
                head_id=head_id,
                created_at=self._now(),
                generation=generation,
                fingerprint=self.facts.fingerprint,
                state=state,
                manifest=json.dumps({**manifest, "members": members}),
            )
        )
        self.record(f"head.{state}", "", {"head": head_id})

    def champion_id(self) -> str | None:
        """The id of the head that serves, as it stands under the lock."""
        return self.connection.execute(
            sa.select(heads.c.head_id).where(heads.c.state == "champion")
        ).scalar_one_or_none()

    def promote(self, head_id: str) -> None:
        """Let a kept head serve; the serving one retires."""
        self.relabelled = True
        self._retire()
        self.connection.execute(
            sa.update(heads).where(heads.c.head_id == head_id).values(state="champion")
        )
        self.record("head.champion", "", {"head": head_id})

    def drop_heads(self, head_ids: Collection[str]) -> None:
        self.connection.execute(sa.delete(heads).where(heads.c.head_id.in_(list(head_ids))))

    def _retire(self) -> None:
        self.connection.execute(
            sa.update(heads).where(heads.c.state == "champion").values(state="retired")
        )

    def named_files(self) -> tuple[list[str], list[str]]:
        """The heads that have a file, and the files of reports, as rows name them now."""
        return metadata.named_files(self.connection)

    def job(self, job: str, day: str) -> Job | None:
        """This run as it stands under the lock."""
        return metadata.job_of_day(self.connection, job, day)

    def jobs(self, job: str) -> list[Job]:
        """As `Gallery.jobs`, under the lock."""
        return metadata.all_jobs(self.connection, job)

    def put_job(
        self,
        job: str,
        day: str,
        state: str,
        started_at: datetime,
        details: Mapping[str, object],
        finished_at: datetime | None = None,
    ) -> None:
        """Write what stands of a run, over what stood there. A finished one has finished now where
        no other time is given."""
        ended = finished_at.isoformat(timespec="microseconds") if finished_at else self._now()
        self.drop_job(job, day)
        self.connection.execute(
            sa.insert(jobs).values(
                job=job,
                utc_day=day,
                state=state,
                started_at=started_at.isoformat(timespec="microseconds"),
                finished_at=ended if state == "finished" else None,
                details=json.dumps(details),
            )
        )

    def put_night(self, day: str, counts: Mapping[str, tuple[int, int]]) -> None:
        """Keep what a night counted of each person; of old nights nothing stays.

        Rows of the subject, not part of the job: they go with the person who is erased.

        Args:
            day: UTC, ISO 8601; what stood there is written over. counts: subject id -> (found,
                tried); who was erased meanwhile is passed over.
        """
        here = set(self.connection.execute(sa.select(subjects.c.subject_id)).scalars())
        at = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        oldest = at - timedelta(days=_KEPT_NIGHTS)
        self.connection.execute(
            sa.delete(events).where(
                events.c.kind == NIGHT,
                sa.or_(events.c.at == at.isoformat(), events.c.at < oldest.isoformat()),
            )
        )
        rows = [
            {
                "event_id": secrets.token_hex(8),
                "at": at.isoformat(),
                "kind": NIGHT,
                "subject_id": subject_id,
                "details": json.dumps(both),
            }
            for subject_id, both in counts.items()
            if subject_id in here
        ]
        if rows:
            self.connection.execute(sa.insert(events), rows)

    def drop_job(self, job: str, day: str) -> None:
        self.connection.execute(sa.delete(jobs).where(jobs.c.job == job, jobs.c.utc_day == day))

    def add_operating_point(
        self, *, generation: int, threshold: float, max_fpir: float, details: Mapping[str, object]
    ) -> None:
        self.connection.execute(
            sa.insert(operating_points).values(
                operating_point_id=str(uuid.uuid4()),
                created_at=self._now(),
                generation=generation,
                fingerprint=self.facts.fingerprint,
                max_fpir=max_fpir,
                threshold=threshold,
                details=json.dumps(details),
            )
        )
        self.record("operating-point.set", "", {"threshold": threshold, "max_fpir": max_fpir})

    def put_cohort(self, vectors: NDArray[np.float32], details: Mapping[str, object]) -> str:
        """Measure confidence against these strangers from now on; the ones before are gone.

        Args:
            vectors: (k, dimension) float32 unit rows.

        Raises:
            BadVector: a vector is not a finite unit row of the gallery's dimension.
        """
        check_vectors(vectors, len(vectors), self.facts.dimension)
        self.drop_cohort()
        cohort_id = str(uuid.uuid4())
        fingerprint = self.facts.fingerprint
        content = vectors.astype(np.float32).tobytes()
        self.connection.execute(
            sa.insert(cohorts).values(
                cohort_id=cohort_id,
                created_at=self._now(),
                fingerprint=fingerprint,
                details=json.dumps(details),
                vectors=self.vault.seal_face(content, "cohort", cohort_id, fingerprint),
            )
        )
        self.record("cohort.set", "", {"rows": len(vectors)})
        return cohort_id

    def cohort(self) -> StoredCohort | None:
        """As `Gallery.cohort`, under the lock."""
        return metadata.cohort(self.connection, self.vault, self.facts)

    def drop_cohort(self) -> None:
        """Back to the cohort that comes with the backbone, if one does."""
        self.relabelled = True
        self.connection.execute(sa.delete(cohorts))

    def set_max_fpir(self, max_fpir: float) -> None:
        self.connection.execute(sa.update(gallery).values(max_fpir=max_fpir))

    def _forget(self, subject_ids: Collection[str]) -> int:
        """Drop the trained heads that saw these subjects, and the reports that name them."""
        gone = {audit.pseudonym(self.vault, s) for s in subject_ids}
        saw = [
            head.head_id
            for head in metadata.all_heads(self.connection)
            if "file_sha256" in head.manifest and gone & set(_texts(head.manifest.get("members")))
        ]
        self.drop_heads(saw)
        self._forget_false_matches(subject_ids)
        for row in self.connection.execute(sa.select(jobs)).all():
            details = json.loads(row.details)
            if gone & set(_texts(details.get("mentions"))):
                self.dropped_reports += _texts(details.get("reports"))
                details |= {"reports": [], "mentions": []}
                self.connection.execute(
                    sa.update(jobs)
                    .where(jobs.c.job == row.job, jobs.c.utc_day == row.utc_day)
                    .values(details=json.dumps(details))
                )
        return len(saw)

    def _forget_false_matches(self, subject_ids: Collection[str]) -> None:
        """Operating points outlive people; whom strangers were taken for does not."""
        for row in self.connection.execute(sa.select(operating_points)).all():
            details = json.loads(row.details)
            for key in ("false_matches", "near_pairs"):
                kept = [
                    entry
                    for entry in details.get(key, ())
                    if not any(subject_id in json.dumps(entry) for subject_id in subject_ids)
                ]
                if kept != list(details.get(key, ())):
                    details[key] = kept
                    self.connection.execute(
                        sa.update(operating_points)
                        .where(operating_points.c.operating_point_id == row.operating_point_id)
                        .values(details=json.dumps(details))
                    )

    def add_api_key(
        self, name: str, scopes: Collection[str], days: int, daily: int, secret: str
    ) -> ApiKey:
        """Let software that has this secret ask for what is in these scopes."""
        until = self.at + timedelta(days=days)
        key = ApiKey(str(uuid.uuid4()), name, frozenset(scopes), daily, self.at, until)
        api_key.add(self.connection, self.vault, key, secret)
        details = {
            "key_id": key.key_id,
            "name": name,
            "scopes": sorted(scopes),
            "days": days,
            "daily": daily,
        }
        self.record("api_key.add", "", details)
        return key

    def revoke_api_key(self, key: ApiKey) -> bool:
        """From now on it opens nothing; False where it was revoked before."""
        revoked = api_key.revoke(self.connection, key.key_id, self.at)
        if revoked:
            self.record("api_key.revoke", "", {"key_id": key.key_id, "name": key.name})
        return revoked

    def add_webhook(
        self, name: str, url: str, events: Collection[str], secret: str
    ) -> StoredWebhook:
        """Tell other software, from the next deed on; its own beginning is in the trail alone."""
        webhook_id = str(uuid.uuid4())
        details = {"webhook_id": webhook_id, "name": name, "events": sorted(events)}
        self.record("webhook.add", "", details)
        told_to, _ = audit.last(self.connection)
        kinds = tuple(sorted(events))
        hook = StoredWebhook(webhook_id, name, url, kinds, secret, self.at, self.at, told_to)
        webhook.add(self.connection, self.vault, hook)
        return hook

    def remove_webhook(self, hook: StoredWebhook) -> bool:
        """It is told nothing more; False where somebody else was quicker."""
        gone = webhook.remove(self.connection, hook.webhook_id)
        if gone:
            details = {"webhook_id": hook.webhook_id, "name": hook.name}
            self.record("webhook.remove", "", details)
        return gone

    def add_user(self, user: User) -> None:
        """Somebody who may sign in from now on."""
        account.add(self.connection, self.vault, user)
        self.record("user.add", "", {"login": user.login, "roles": sorted(user.roles)})

    def put_user(
        self, before: User, after: User, action: str, details: Mapping[str, object]
    ) -> None:
        """Change what differs of somebody who signs in; `details` say what, never a secret."""
        account.put(self.connection, self.vault, before, after)
        self.record(action, "", {"login": before.login, **details})

    def users(self) -> list[User]:
        """As `Gallery.users`, under the lock."""
        return account.every(self.connection, self.vault)

    def count_wrong_attempt(self, user: User) -> None:
        """Somebody tried to sign in as this person and could not."""
        account.count_attempt(self.connection, user.user_id, self.at)
        self.record("session.refuse", "", {"login": user.login})

    def let_try_again(self, user: User) -> None:
        """Their wrong attempts count no more."""
        account.count_attempt(self.connection, user.user_id, None)

    def use_step(self, user: User) -> bool:
        """As `account.use_step`."""
        return account.use_step(self.connection, user)

    def open_session(self, session: Session, token: str, way: str) -> None:
        """Somebody has signed in. way: "password" or the provider."""
        account.count_attempt(self.connection, session.user.user_id, None)
        account.open_session(self.connection, self.vault, session, token)
        details = {"login": session.user.login, "session": session.session_id, "way": way}
        self.record("session.open", "", details)

    def confirm_session(self, session: Session) -> None:
        """Somebody who is signed in has proved anew who they are."""
        account.confirm(self.connection, session.session_id, self.at)
        self.record("session.confirm", "", {"login": session.user.login})

    def end_session(self, session: Session) -> bool:
        """False where it was ended before."""
        ended = account.end(self.connection, session.session_id, self.at)
        if ended:
            details = {"login": session.user.login, "session": session.session_id}
            self.record("session.end", "", details)
        return ended

    def end_sessions(self, user: User) -> int:
        """All of this person; returns how many were open."""
        ended = account.end_all(self.connection, user.user_id, self.at)
        if ended:
            self.record("session.end", "", {"login": user.login, "sessions": ended})
        return ended

    def forget_sessions(self, kept: timedelta) -> None:
        """Those that began longer ago than `kept`; the trail keeps that there were some."""
        account.forget_sessions(self.connection, self.at - kept)

    def forget_answers(self, kept: timedelta) -> int:
        """Those that are older than `kept`; returns how many."""
        return api_key.forget_answers(self.connection, self.at - kept)

    def put_answer(
        self, key_id: str, idempotency_key: str, given: StoredAnswer, kept: timedelta
    ) -> None:
        """Remember what a request was answered, and forget what is older than `kept`."""
        api_key.put_answer(self.connection, key_id, idempotency_key, given, self.at, self.at - kept)

    def record(
        self, action: str, subject_id: str, details: Mapping[str, object] | None = None
    ) -> None:
        """Write it into the trail, if whoever acts may do it: nothing is done that is not written,
        so this one place holds what nobody may do. What `allow` raises undoes the change."""
        self.allow(action)
        self.recorded.append(action)
        audit.append(
            self.connection,
            self.vault,
            at=self.at,
            actor=self.actor,
            action=action,
            subject_id=subject_id,
            details=details,
        )

    def _update(self, subject_id: str, **values: object) -> None:
        self.sealing.touch([subject_id])
        changed = self.connection.execute(
            sa.update(subjects).where(subjects.c.subject_id == subject_id).values(**values)
        )
        if changed.rowcount != 1:
            raise UnknownSubject(message("there is no subject {subject}", subject=subject_id))
        self.relabelled = True

    def _key(self, subject_id: str) -> SubjectKey:
        if subject_id not in self._keys:
            wrapped = self.connection.execute(
                sa.select(subject_keys.c.wrapped).where(subject_keys.c.subject_id == subject_id)
            ).scalar_one_or_none()
            if wrapped is None:
                raise UnknownSubject(message("there is no subject {subject}", subject=subject_id))
            self._keys[subject_id] = self.vault.unwrap(subject_id, wrapped)
        return self._keys[subject_id]

    def _now(self) -> str:
        return _text_of(self.at)


def _text_of(at: datetime) -> str:
    """As times are kept: of one zone and one length, so that they compare as texts."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def moved(facts: GalleryFacts) -> BackboneMoved:
    return BackboneMoved(
        message(
            "the gallery has moved to the backbone {backbone}; nothing was compared or written. "
            "Try again, or end this process and start it again",
            backbone=facts.backbone,
        )
    )


def template_context(template_id: int, fingerprint: str) -> tuple[str, str, str]:
    """What a template's ciphertext is bound to, beside its subject."""
    return "template", str(template_id), fingerprint
