"""What people may ask for about their data, what is due, and who did what."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from enrollment.dossier import write_dossier
from enrollment.enrollee import check_until, printable
from enrollment.errors import BadInput
from enrollment.receipt import CheckedReceipt, check_receipts
from enrollment.retention import (
    BY_TIME,
    WITHOUT_CONSENT,
    Due,
    DueKind,
    DuePerson,
    counts,
    everybody_due,
    looked_at,
    one_month_after,
)
from enrollment.retention_policy import RetentionPolicy
from enrollment.review_policy import ReviewPolicy
from store.change import Change
from store.gallery import Gallery
from store.records import AnchorState, AuditRecord, AuditVerification, ConsentText, Request, Subject
from wording.message import message

KINDS = ("erasure", "export")
MAX_NOTE = 500
_FRESH = timedelta(minutes=1)


@dataclass(frozen=True)
class DueLine:
    """A person who is due, as a page shows it."""

    person: DuePerson
    subject: Subject

    @property
    def reasons(self) -> tuple[Due, ...]:
        return self.person.reasons


@dataclass(frozen=True)
class DuePage:
    """Some of those who are due. counts: of everybody, by the worst reason. total: of the kinds
    asked for. without_consent: how many have none any more."""

    lines: tuple[DueLine, ...]
    total: int
    without_consent: int
    counts: Mapping[DueKind, int]


@dataclass(frozen=True)
class Deed:
    """One row of the audit trail. subject: whom it is about, where they are still here; gone: it
    is about somebody who is not. other: the second person of a merge and the like."""

    record: AuditRecord
    subject: Subject | None
    other: Subject | None

    @property
    def gone(self) -> bool:
        return bool(self.record.pseudonym) and self.subject is None


@dataclass(frozen=True)
class _Known:
    """Who was due when this was the newest entry of the audit trail that is more than a look."""

    deed: int
    at: datetime
    people: list[DuePerson]


class Privacy:
    """The rights of one gallery's people, and the record of what was done with their data."""

    def __init__(
        self,
        gallery: Gallery,
        policy: RetentionPolicy,
        review: ReviewPolicy,
        actor: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gallery = gallery
        self._actor = actor
        self._now = now
        self._names: tuple[int, dict[str, str]] = (-1, {})
        self._due: _Known | None = None
        self._lock = threading.Lock()
        self.policy = policy
        self.review_policy = review

    @property
    def consent_required(self) -> bool:
        return self._gallery.facts.consent_policy == "required"

    def now(self) -> datetime:
        return self._now()

    # -- what is due ----------------------------------------------------------------------------

    def due(self, kinds: Collection[DueKind] = (), offset: int = 0, limit: int = 25) -> DuePage:
        """Some of those who are due, the worst first.

        Args:
            kinds: only those whose worst reason is one of these; empty: everybody.
        """
        everybody = self._everybody()
        among = [p for p in everybody if not kinds or p.worst.kind in kinds]
        here = among[offset : offset + limit]
        subjects = self._gallery.some_subjects([p.subject_id for p in here])
        lines = tuple(DueLine(p, subjects[p.subject_id]) for p in here if p.subject_id in subjects)
        return DuePage(lines, len(among), len(_without_consent(everybody)), counts(everybody))

    def due_counts(self) -> dict[DueKind, int]:
        """How many are due, by their worst reason; the worst first."""
        return counts(self._everybody())

    def overdue(self) -> list[DueLine]:
        """Whose data must go, because of time alone: the list to look at before it does."""
        found = [
            person
            for person in self._everybody()
            if any(reason.kind in BY_TIME for reason in person.reasons)
        ]
        subjects = self._gallery.some_subjects([person.subject_id for person in found])
        return [
            DueLine(person, subjects[person.subject_id])
            for person in found
            if person.subject_id in subjects
        ]

    def without_consent(self) -> list[Subject]:
        """Everybody whose consent was withdrawn or has ended: the list to look at before all of
        them are erased."""
        ids = _without_consent(self._everybody())
        found = self._gallery.some_subjects(ids)
        return [found[i] for i in ids if i in found]

    def is_due(self, subject_id: str, kinds: Collection[DueKind]) -> bool:
        """Is this person due now, for one of these reasons?"""
        now = self._now()
        standings = self._gallery.standings(looked_at(self.policy, now), subject_id)
        people = everybody_due(standings, self.policy, now, self.consent_required)
        return any(reason.kind in kinds for person in people for reason in person.reasons)

    def _everybody(self) -> list[DuePerson]:
        """Kept for a minute, while nobody changes anything about a person."""
        now, deed = self._now(), self._gallery.last_deed()
        with self._lock:
            known = self._due
        if known is not None and known.deed == deed and now - known.at < _FRESH:
            return known.people
        standings = self._gallery.standings(looked_at(self.policy, now))
        people = everybody_due(standings, self.policy, now, self.consent_required)
        with self._lock:
            self._due = _Known(deed, now, people)
        return people

    def texts(self) -> list[ConsentText]:
        """Every wording that somebody's consent rests on, the newest first."""
        return self._gallery.consent_texts()

    # -- consent --------------------------------------------------------------------------------

    def withdraw(self, subject_id: str) -> datetime:
        """Take back what this person agreed to; returns until when they must be erased.

        At once nobody finds them any more, and their erasure is asked for: all in one transaction.

        Raises:
            BadInput: they are not here any more, or there is no consent to take back.
        """
        with self._gallery.change(self._actor) as change:
            subject, members = _members(change, subject_id)
            if not change.withdraw_consents(members):
                raise BadInput(message("there is no consent to take back; nothing was changed"))
            if subject.state != "suspended":
                change.set_state(subject_id, "suspended")
            due_at = one_month_after(change.at)
            if "erasure" not in change.open_requests(members).values():
                change.add_request(subject_id, "erasure", due_at, "")
        return due_at

    def check_consent(self, subject: Subject) -> None:
        """Raises BadInput where nothing that this person agreed to holds."""
        if not self.consent_required:
            return
        members = self._gallery.family_of(subject.subject_id)
        given = [c for member in members for c in self._gallery.consents(member)]
        if not any(consent.holds(self._now()) for consent in given):
            raise BadInput(
                message(
                    "{name} has not agreed to be recognised, or not any more: write down the new "
                    "consent first, on the page Privacy",
                    name=printable(subject.name),
                )
            )

    def consent_again(
        self, subject_id: str, text: str, until: datetime | None = None, *, resume: bool = True
    ) -> None:
        """Write down that this person has agreed, to this text and until then.

        Args:
            until: None: until it is withdrawn. resume: let the person be found again.

        Raises:
            BadInput: there is no text, it would have ended already, or they are not here any more.
        """
        if not text.strip():
            raise BadInput(message("the text is empty: write what the person agrees to"))
        check_until(until, self._now())
        with self._gallery.change(self._actor) as change:
            subject, _ = _members(change, subject_id)
            change.add_consent(subject_id, "consent", text, until)
            if resume and subject.state == "suspended":
                change.set_state(subject_id, "active")

    # -- requests -------------------------------------------------------------------------------

    def requests(
        self, answered: bool = False, offset: int = 0, limit: int = 25
    ) -> tuple[list[Request], int]:
        """What people ask for, due first, or what was answered, newest first; and how many."""
        return self._gallery.requests(answered, offset, limit)

    def open_requests(self) -> int:
        return self._gallery.open_requests()

    def add_request(self, subject_id: str, kind: str, note: str = "") -> datetime:
        """Write down what a person asks for; returns when it must be answered.

        Raises:
            BadInput: it is asked for already, or the person is not here any more.
        """
        if kind not in KINDS:
            raise BadInput(message("a request is for one of {kinds}", kinds=", ".join(KINDS)))
        note = note.strip()
        if len(note) > MAX_NOTE:
            raise BadInput(message("the note is longer than {most} letters", most=MAX_NOTE))
        with self._gallery.change(self._actor, raises_generation=False) as change:
            _, members = _members(change, subject_id)
            if kind in change.open_requests(members).values():
                raise BadInput(
                    message("this person has asked for that already: it stands in the list")
                )
            due_at = one_month_after(change.at)
            change.add_request(subject_id, kind, due_at, note)
        return due_at

    def answer(self, request_id: str, outcome: str, answer: str) -> None:
        """Close a request, "done" or "refused"; an erasure is done by erasing alone.

        Raises:
            BadInput: it is closed already, or a refusal gives no reason (GDPR art. 12(4)).
        """
        answer = answer.strip()
        if outcome == "refused" and not answer:
            raise BadInput(
                message("write why: a person who is refused must be told (GDPR art. 12(4))")
            )
        if len(answer) > MAX_NOTE:
            raise BadInput(message("the note is longer than {most} letters", most=MAX_NOTE))
        with self._gallery.change(self._actor, raises_generation=False) as change:
            if not change.answer_request(request_id, outcome, answer):
                raise BadInput(message("this request is closed already; nothing was changed"))

    def copy_of(self, subject_id: str) -> bytes:
        """Everything that is kept about a person, as a zip file; as `write_dossier`."""
        return write_dossier(self._gallery, subject_id, self._actor)

    def check_receipts(self, path: Path) -> list[CheckedReceipt]:
        """As `receipt.check_receipts`."""
        return check_receipts(self._gallery, path)

    # -- the audit trail --------------------------------------------------------------------------

    def audit_page(
        self,
        actions: Sequence[str] = (),
        subject_id: str | None = None,
        offset: int = 0,
        limit: int = 25,
    ) -> tuple[list[Deed], int]:
        """Some of who did what, newest first, and how many rows there are.

        Args:
            actions: only these; empty: all. subject_id: only what is about this person, or about
                somebody merged into them.
        """
        names: Collection[str] = ()
        if subject_id is not None:
            members = self._gallery.family_of(subject_id)
            names = list(self._gallery.pseudonyms(members).values())
        records, total = self._gallery.audit_page(actions, names, offset, limit)
        return self._told(records), total

    def audit_actions(self) -> list[str]:
        """Every action that the audit trail has."""
        return self._gallery.audit_actions()

    def verify_audit(self) -> AuditVerification:
        """Is everything as Rollcall wrote it: trail, seals, anchors? Takes a second or more."""
        return self._gallery.verify_audit()

    def anchors(self) -> list[AnchorState]:
        """How far second places say that the trail has come; nothing is verified."""
        return self._gallery.anchors()

    def accept_older(self, reason: str) -> AuditVerification:
        """A backup was restored on purpose: anchor the trail from here on, and write down why.

        Raises:
            BadInput: no reason is given. StoreError: something else is wrong, or nothing.
        """
        reason = reason.strip()
        if not reason or len(reason) > MAX_NOTE:
            raise BadInput(message("write down why, in at most {most} letters", most=MAX_NOTE))
        return self._gallery.accept(self._actor, reason)

    def _told(self, records: Sequence[AuditRecord]) -> list[Deed]:
        ids = self._ids_by_name()
        both = [(ids.get(r.pseudonym), ids.get(_other(r.details))) for r in records]
        shown = {i for pair in both for i in pair if i is not None}
        subjects = self._gallery.some_subjects(shown)
        return [
            Deed(record, subjects.get(about or ""), subjects.get(other or ""))
            for record, (about, other) in zip(records, both, strict=True)
        ]

    def _ids_by_name(self) -> dict[str, str]:
        """Pseudonym -> subject id, of everybody; kept until the gallery changes."""
        with self._lock:
            reached = self._gallery.generation()
            if self._names[0] != reached:
                ids = self._gallery.subject_ids()
                names = self._gallery.pseudonyms(ids)
                self._names = reached, {name: i for i, name in names.items()}
            return self._names[1]


def _without_consent(people: Sequence[DuePerson]) -> list[str]:
    return [
        person.subject_id
        for person in people
        if any(reason.kind in WITHOUT_CONSENT for reason in person.reasons)
    ]


def _members(change: Change, subject_id: str) -> tuple[Subject, list[str]]:
    """A person, and the ids of everybody who was merged into them too, under the lock.

    Raises:
        BadInput: they are not here any more.
    """
    subject, members = change.person(subject_id)
    if subject is None or subject.state == "merged":
        raise BadInput(
            message("this person is not here any more: somebody else erased or merged them")
        )
    return subject, members


def _other(details: Mapping[str, object]) -> str:
    """The pseudonym of the second person, of a merge and the like."""
    return str(details.get("into") or details.get("from") or "")
