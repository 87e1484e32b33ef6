"""Many people enrolled one after the other: what one of them is refused for stops nobody else."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from enrollment.enrollee import Enrollee, Intake, Refused
from enrollment.enroller import (
    Collision,
    CollisionAnswer,
    Enroller,
    SampleReport,
    Sights,
    SubjectReport,
    refuse_collision,
)
from enrollment.errors import Ambiguous, BadInput, Suspended
from enrollment.people import meant
from enrollment.photo import Photo, photo_bytes
from store.errors import GalleryLocked
from store.gallery import Gallery
from store.metadata import name_key
from store.records import Subject
from wording.message import message

_WAITS = (2.0, 5.0, 10.0)  # seconds; each try has waited half a minute for the lock itself


class Outcome(StrEnum):
    """What became of one person.

    ENROLLED: somebody new. ADDED: photos were added to somebody enrolled. THERE: everything was
    enrolled before. SET_ASIDE: looks like somebody else, and a person has to say. LEFT_OUT: a
    person said so. REFUSED: none of it could be taken.
    """

    ENROLLED = "enrolled"
    ADDED = "added"
    THERE = "there"
    SET_ASIDE = "set_aside"
    LEFT_OUT = "left_out"
    REFUSED = "refused"


@dataclass(frozen=True)
class RefusedPhoto:
    """A photo that was not kept. code: a `ReasonCode`; message: its sentence."""

    source: str
    code: str
    message: str


@dataclass(frozen=True)
class Question:
    """Who looks like somebody enrolled, with all that is needed to go on after the answer."""

    person: Enrollee
    consent: str | None
    collision: Collision


@dataclass(frozen=True)
class BulkResult:
    """What became of one person, without pictures: thousands of these are kept.

    given, kept: photos. elsewhere: the name under which they are enrolled, where it is another.
    code, message: what is to be said of the person, and not of a photo.
    """

    name: str
    external_id: str | None
    outcome: Outcome
    given: int
    kept: int = 0
    photos: tuple[RefusedPhoto, ...] = ()
    elsewhere: str | None = None
    code: str | None = None
    message: str | None = None
    question: Question | None = None


@dataclass(frozen=True)
class BulkPlan:
    """What would be done with everybody who was given; nothing is stored yet.

    new: people to enroll; known: (as given, the enrolled person whose photos they would become).
    refused: as `Intake`, and those whom the gallery's people stand against.
    """

    intake: Intake
    new: tuple[Enrollee, ...]
    known: tuple[tuple[Enrollee, Subject], ...]
    refused: tuple[Refused, ...]

    @property
    def people(self) -> tuple[Enrollee, ...]:
        return (*self.new, *(person for person, _ in self.known))

    @property
    def photos(self) -> int:
        return sum(len(person.photos) for person in self.people)


def plan_bulk(intake: Intake, subjects: Iterable[Subject]) -> BulkPlan:
    """Who is new, who is enrolled already, and who cannot be enrolled as given."""
    directory = _Directory(subjects)
    new: list[Enrollee] = []
    known: list[tuple[Enrollee, Subject]] = []
    refused = list(intake.refused)
    for person in intake.people:
        try:
            there = directory.meant(person)
        except BadInput as error:
            refused.append(Refused(person.name, None, len(person.photos), in_words(error)))
        else:
            if there is None:
                new.append(person)
            else:
                known.append((person, there))
    return BulkPlan(intake, tuple(new), tuple(known), tuple(refused))


def result_of_refused(wrong: Refused) -> BulkResult:
    return BulkResult(
        wrong.name,
        None,
        Outcome.REFUSED,
        wrong.photos,
        code="not_taken" if wrong.line is None else f"line_{wrong.line}",
        message=wrong.message,
    )


def in_words(error: BadInput) -> str:
    """Why somebody is refused, for doors that have no command line."""
    if isinstance(error, Ambiguous):
        return message(
            "several people of this name are enrolled; say which one is meant: give a table with "
            "their staff numbers in the column external_id"
        )
    if isinstance(error, Suspended):
        return message("this person is suspended; resume the person first, then add photos")
    text: str = error.args[0]
    return text


class _Directory:
    """Finds the enrolled by what names them, quickly enough for thousands."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._by_key: dict[tuple[str, str], list[Subject]] = {}
        for subject in subjects:
            self._by_key.setdefault(("name", name_key(subject.name)), []).append(subject)
            if subject.external_id is not None:
                self._by_key.setdefault(("id", subject.external_id), []).append(subject)

    def meant(self, person: Enrollee) -> Subject | None:
        """As `people.meant`; raises Suspended too."""
        candidates = self._by_key.get(("name", name_key(person.name)), [])
        if person.external_id is not None:
            candidates = [*self._by_key.get(("id", person.external_id), []), *candidates]
        there = meant(dict.fromkeys(candidates), person)
        if there is not None and there.state == "suspended":
            raise Suspended(there.name)
        return there


class BulkEnrollment:
    """Enrolls everybody of a list into one gallery; each one is stored when handed back.

    Args:
        on_collision: the answer for all; whoever it cancels is handed back with a question.
        wait: sleeps for so many seconds, and may raise to end it all.
    """

    def __init__(
        self,
        gallery: Gallery,
        enroller: Enroller,
        consent: str | None,
        on_collision: CollisionAnswer = refuse_collision,
        tick: Callable[[], None] = lambda: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gallery = gallery
        self._enroller = enroller
        self._consent = consent
        self._on_collision = on_collision
        self._tick = tick
        self._wait = wait

    def enroll(self, people: Iterable[Enrollee]) -> Iterator[BulkResult]:
        """What became of each. Running again skips what is there.

        Raises:
            GalleryLocked: another process held the gallery for minutes.
        """
        for person, sights in self._enroller.ahead(people, self._consent):
            yield self._patiently(person, sights)

    def _patiently(self, person: Enrollee, sights: Sights) -> BulkResult:
        for seconds in _WAITS:
            try:
                return self._one(person, sights)
            except GalleryLocked:
                self._wait(seconds)
        return self._one(person, sights)

    def _one(self, person: Enrollee, sights: Sights) -> BulkResult:
        asked: list[Collision] = []

        def answer(collision: Collision) -> str:
            if self._added_before(person, collision.near.subject_id):
                return "same"
            said = self._on_collision(collision)
            if said not in ("same", "different"):
                asked.append(collision)
            return said

        try:
            report = self._enroller.enroll(person, self._consent, answer, self._tick, sights=sights)
        except BadInput as error:
            return BulkResult(
                person.name,
                person.external_id,
                Outcome.REFUSED,
                len(person.photos),
                code="not_taken",
                message=in_words(error),
            )
        result = result_of(person, report)
        if not asked:
            return result
        question = Question(_held(person), self._consent, asked[-1])
        return replace(result, outcome=Outcome.SET_ASIDE, question=question)

    def _added_before(self, person: Enrollee, near: str) -> bool:
        """A person said earlier that these are the same: the very photos are there."""
        ids = self._gallery.family_of(near)
        return any(self._gallery.has_content(digest, ids) for digest in _digests(person.photos))


def left_out(result: BulkResult) -> BulkResult:
    """A person said that this one is not to be enrolled."""
    return replace(result, outcome=Outcome.LEFT_OUT, question=None)


def result_of(person: Enrollee, report: SubjectReport) -> BulkResult:
    """A report without its pictures."""
    if report.accepted:
        outcome = Outcome.ENROLLED if report.created else Outcome.ADDED
    else:
        outcome = Outcome.THERE if report.succeeded else Outcome.REFUSED
    other = report.name if name_key(report.name) != name_key(person.name) else None
    return BulkResult(
        person.name,
        person.external_id,
        outcome,
        len(report.samples),
        report.accepted,
        tuple(photo for sample in report.samples for photo in _refused(sample)),
        elsewhere=other,
        code="other_name" if other else None,
        message=message("the photos are enrolled as {name}", name=other) if other else None,
    )


def _refused(sample: SampleReport) -> Iterator[RefusedPhoto]:
    if not sample.accepted:
        for reason in sample.reasons:
            yield RefusedPhoto(sample.source, reason.code.value, reason.message)


def _digests(photos: Iterable[Photo]) -> Iterator[bytes]:
    for photo in photos:
        try:
            yield hashlib.sha256(photo.read()).digest()
        except OSError:
            continue


def _held(person: Enrollee) -> Enrollee:
    """With the photos' bytes, so that a question does not keep a whole archive in memory."""
    return replace(person, photos=tuple(map(_held_photo, person.photos)))


def _held_photo(photo: Photo) -> Photo:
    try:
        return photo_bytes(photo.source, photo.read())
    except OSError:
        return photo
