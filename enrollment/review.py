"""Three acts for a face without a name: assign it, ignore it (remember), discard it (forget).

Each takes the face out of the queue in the transaction of its effect, so that two people at two
desks never do it twice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from enrollment.capture import CapturedFace
from enrollment.enroller import Enroller, SampleReport
from enrollment.errors import BadInput
from enrollment.intake import Enrollee, check_name, printable
from enrollment.people import find_subject
from enrollment.portrait import Portrait, crop_of
from enrollment.quality import Quality
from enrollment.reasons import Reason, ReasonCode
from enrollment.review_cluster import chosen, full_id, short
from enrollment.review_queue import ReviewQueue
from enrollment.seen_face import SeenFace
from enrollment.veto import Vetoes
from models.detector import Face
from store.change import Change
from store.gallery import Gallery
from store.metadata import name_key
from store.records import Negative, Sighting, Subject
from wording.message import message

_GONE = message(
    "not in the queue: handled already, dropped after its time, or its cluster has changed"
)
_FORGOTTEN = message("not remembered: forgotten already, or never said")


@dataclass(frozen=True)
class ReviewResult:
    """What became of one face.

    outcome: "assigned", "ignored", "discarded", "forgotten"; "duplicate" (the person has almost the
    same picture: it left the queue, nothing was added); "refused" (it stays in the queue);
    "handled_already".
    """

    id: str
    outcome: str
    reasons: tuple[Reason, ...] = ()
    message: str | None = None

    def as_document(self) -> dict[str, object]:
        said = "; ".join(reason.message for reason in self.reasons)
        return {
            "id": self.id,
            "outcome": self.outcome,
            "reasons": [reason.code.value for reason in self.reasons],
            "message": self.message or said or None,
        }


@dataclass(frozen=True)
class ReviewReport:
    """What became of all of them.

    subject_id, name: whom they were assigned to, or said not to be. log_cut: False where another
    process kept deleted pages in the database's log; None where nothing had to leave it.
    """

    results: tuple[ReviewResult, ...]
    subject_id: str | None = None
    name: str | None = None
    created: bool = False
    warnings: tuple[str, ...] = ()
    log_cut: bool | None = None

    @property
    def done(self) -> int:
        """How many were dealt with as asked."""
        return sum(r.outcome not in ("refused", "handled_already") for r in self.results)

    def as_document(self) -> dict[str, object]:
        return {
            "subject_id": self.subject_id,
            "name": self.name,
            "created": self.created,
            "done": self.done,
            "results": [result.as_document() for result in self.results],
            "warnings": list(self.warnings),
            "log_cut": self.log_cut,
        }


class Review:
    """The acts on one gallery's queue."""

    def __init__(
        self,
        gallery: Gallery,
        queue: ReviewQueue,
        vetoes: Vetoes,
        enroller: Callable[[], Enroller],
        changed: Callable[[], object],
        actor: str,
    ) -> None:
        """changed: called when answers may be others, after everything is stored."""
        self._gallery = gallery
        self._queue = queue
        self._vetoes = vetoes
        self._enroller = enroller
        self._changed = changed
        self._actor = actor

    def assign(
        self,
        words: Sequence[str],
        who: str,
        consent: str | None = None,
        *,
        external_id: str | None = None,
        even_if_unlike: bool = False,
        newcomer: bool = False,
    ) -> ReviewReport:
        """Enroll these faces: of somebody who is enrolled, or of a newcomer with consent.

        Args:
            words: ids of faces or clusters, or beginnings of them.
            who: name, external id or id of somebody enrolled, or a newcomer's name.
            even_if_unlike: although they are unlike this person, or as like somebody else.
            newcomer: nobody enrolled is meant, even by the same name.

        Raises:
            BadInput: an id or a name cannot be understood, the person is suspended, or is no
                newcomer.
        """
        enroller = self._enroller()
        person = self._person(enroller, who, external_id)
        if newcomer and person.subject_id is not None:
            raise BadInput(
                message(
                    "{name} is enrolled already; choose that person, or give the newcomer a name "
                    "that tells the two apart",
                    name=printable(person.name),
                )
            )
        wanted, gone = chosen(words, self._queue.groups())
        lying = self._lying(wanted)
        seen = [
            self._seen_face(sighting, image, person, insisted=even_if_unlike)
            for sighting, image in lying
        ]
        handover = _QueueHandover(self._actor, {s.sighting_id: s for s, _ in lying})
        report = enroller.enroll_seen(person, consent, seen, handover, insist=even_if_unlike)
        results = [_assigned(sample, handover.gone) for sample in report.samples]
        self._drop([r.id for r in results if r.outcome == "duplicate"])
        if report.accepted:
            self._changed()
        missing = set(wanted) - {sighting.sighting_id for sighting, _ in lying}
        return ReviewReport(
            (*results, *_handled([*missing, *gone])),
            subject_id=report.subject_id,
            name=report.name,
            created=report.created,
            warnings=report.warnings,
        )

    def ignore(self, words: Sequence[str], not_who: str | None = None) -> ReviewReport:
        """Remember that these are not this person, or that they are strangers, nobody's.

        From now on no face that is nearer to one of them is given that name, or any.

        Raises:
            BadInput: an id or the name cannot be understood; nothing is remembered.
        """
        subjects = self._gallery.subjects()
        subject = None if not_who is None else find_subject(subjects.values(), not_who)
        wanted, gone = chosen(words, self._queue.groups())
        if not wanted:
            return ReviewReport(tuple(_handled(gone)))
        with self._gallery.change(self._actor) as change:
            if subject is not None and subject.subject_id not in change.subjects():
                raise BadInput(message("{name} was erased meanwhile", name=printable(subject.name)))
            lying = {sighting.sighting_id: sighting for sighting in change.sightings()}
            done = [i for i in wanted if i in lying]
            subject_id = subject.subject_id if subject else None
            for sighting_id in done:
                lineage = _lineage(lying[sighting_id], self._actor)
                change.add_negative(lying[sighting_id], subject_id, lineage)
            change.drop_sightings(done)
            if done:
                change.record("review.ignore", subject_id or "", {"sightings": done})
        if done:
            self._changed()
        missing = [i for i in wanted if i not in done]
        return ReviewReport(
            (*(ReviewResult(i, "ignored") for i in done), *_handled([*missing, *gone])),
            subject_id=subject.subject_id if subject else None,
            name=subject.name if subject else None,
            log_cut=self._gallery.cut_log() if done else None,
        )

    def discard(self, words: Sequence[str]) -> ReviewReport:
        """Forget these faces: nothing of them is kept."""
        wanted, gone = chosen(words, self._queue.groups())
        with self._gallery.change(self._actor, raises_generation=False) as change:
            lying = {sighting.sighting_id for sighting in change.sightings()}
            done = [i for i in wanted if i in lying]
            change.drop_sightings(done)
            if done:
                change.record("review.discard", "", {"sightings": done})
        missing = [i for i in wanted if i not in done]
        return ReviewReport(
            (*(ReviewResult(i, "discarded") for i in done), *_handled([*missing, *gone])),
            log_cut=self._gallery.cut_log() if done else None,
        )

    def discard_all(self) -> ReviewReport:
        """Forget every face in the queue, also those of a pipeline that is not in use any more."""
        with self._gallery.change(self._actor, raises_generation=False) as change:
            done = [sighting.sighting_id for sighting in change.sightings()]
            if change.drop_old_sightings(change.at, 0):
                change.record("review.discard", "", {"sightings": done})
        self._queue.let_go()
        return ReviewReport(
            tuple(ReviewResult(i, "discarded") for i in done), log_cut=self._gallery.cut_log()
        )

    def negatives(self) -> list[Negative]:
        """Every face that somebody said no to, oldest first."""
        return sorted(self._gallery.negative_list(), key=lambda n: (n.at, n.negative_id))

    def forget(self, words: Sequence[str]) -> ReviewReport:
        """Take a no back: nothing is kept of these faces, and they veto nothing any more.

        Raises:
            BadInput: a word is no id, or the beginning of several.
        """
        known = {negative.negative_id: negative for negative in self._gallery.negative_list()}
        found = {word: full_id(word, known) for word in words}
        gone = [word for word, i in found.items() if i is None]
        wanted = list(dict.fromkeys(i for i in found.values() if i is not None))
        if not wanted:
            return ReviewReport(tuple(_handled(gone, _FORGOTTEN)))
        with self._gallery.change(self._actor) as change:
            here = {negative.negative_id for negative in change.negatives()}
            done = [i for i in wanted if i in here]
            change.drop_negatives(done)
            if done:
                change.record("review.forget", "", {"negatives": done})
        if done:
            self._changed()
        missing = [i for i in wanted if i not in done]
        return ReviewReport(
            (
                *(ReviewResult(i, "forgotten") for i in done),
                *_handled([*missing, *gone], _FORGOTTEN),
            ),
            log_cut=self._gallery.cut_log() if done else None,
        )

    def take_back(self, sighting_ids: Collection[str]) -> ReviewReport:
        """Take back the no that was said of these faces, by their ids in the queue."""
        said = self._gallery.negative_list()
        found = [n.negative_id for n in said if n.details.get("sighting") in sighting_ids]
        return self.forget(found)

    def contradicting(self, sighting_ids: Collection[str], subject_id: str) -> list[str]:
        """The faces whose no forbids to assign these to this person: ids for `forget`."""
        wanted = set(sighting_ids)
        lying = [s for s in self._gallery.sightings() if s.sighting_id in wanted]
        said = (self._said_no(sighting, subject_id) for sighting in lying)
        return list(dict.fromkeys(negative for negative in said if negative is not None))

    # -- below ----------------------------------------------------------------------------------

    def _person(self, enroller: Enroller, who: str, external_id: str | None) -> Enrollee:
        """Somebody enrolled, by any of the names; else a newcomer."""
        subject = None
        if external_id is None:
            subject = self._called(who)
        new = Enrollee(who, external_id, ())
        subject = subject or enroller.existing(new)
        if subject is None:
            check_name(who)
            return new
        return Enrollee(subject.name, subject.external_id, (), subject.subject_id)

    def _called(self, who: str) -> Subject | None:
        """Raises BadInput when several people are called so."""
        subjects = [s for s in self._gallery.subjects().values() if s.state != "merged"]
        if any(
            who in (s.subject_id, s.external_id) or name_key(who) == name_key(s.name)
            for s in subjects
        ):
            return find_subject(subjects, who)
        return None

    def _lying(self, wanted: Collection[str]) -> list[tuple[Sighting, bytes]]:
        images = self._gallery.sighting_images(wanted)
        found = {sighting.sighting_id: sighting for sighting in self._gallery.sightings()}
        return [(found[i], images[i]) for i in wanted if i in found and i in images]

    def _seen_face(
        self, sighting: Sighting, image: bytes, person: Enrollee, *, insisted: bool
    ) -> SeenFace:
        details = dict(sighting.details)
        kept = {key: details[key] for key in ("source", "landmarks", "quality")}
        return SeenFace(
            source=sighting.sighting_id,
            face=_captured(sighting, image),
            portrait=Portrait(image, kept),
            lineage={
                "origin": "review",
                **_lineage(sighting, self._actor, "assigned"),
                "even_if_unlike": insisted,
            },
            reasons=self._contradiction(sighting, person),
        )

    def _contradiction(self, sighting: Sighting, person: Enrollee) -> tuple[Reason, ...]:
        """Somebody said no to this very name: a yes needs that taken back first."""
        if person.subject_id is None:
            return ()
        said = self._said_no(sighting, person.subject_id)
        if said is None:
            return ()
        why = message(
            "somebody said of a face like this one that it is not {name}; take that back "
            "first: rollcall review forget {id}",
            name=person.name,
            id=short(said),
        )
        return (Reason(ReasonCode.NOT_THIS_PERSON, why),)

    def _said_no(self, sighting: Sighting, subject_id: str) -> str | None:
        same = float(str(sighting.details["same_person"]))
        return self._vetoes.against(sighting.vector, subject_id, same)

    def _drop(self, sighting_ids: Sequence[str]) -> None:
        if sighting_ids:
            with self._gallery.change(self._actor, raises_generation=False) as change:
                change.drop_sightings(sighting_ids)
                change.record("review.discard", "", {"sightings": list(sighting_ids)})


@dataclass
class _QueueHandover:
    """Takes faces out of the queue as they are enrolled."""

    actor: str
    wanted: Mapping[str, Sighting]
    gone: set[str] = field(default_factory=set)

    def here(self, change: Change) -> Collection[str]:
        lying = {sighting.sighting_id for sighting in change.sightings()}
        self.gone = set(self.wanted) - lying
        return lying

    def take(self, change: Change, subject_id: str, sources: Sequence[str]) -> None:
        change.drop_sightings(sources)
        change.record("review.assign", subject_id, {"sightings": list(sources)})


def _assigned(sample: SampleReport, gone: Collection[str]) -> ReviewResult:
    if sample.source in gone:
        return ReviewResult(sample.source, "handled_already", message=_GONE)
    if sample.accepted:
        return ReviewResult(sample.source, "assigned")
    duplicate = [reason.code for reason in sample.reasons] == [ReasonCode.DUPLICATE_PHOTO]
    return ReviewResult(sample.source, "duplicate" if duplicate else "refused", sample.reasons)


def _handled(words: Sequence[str], why: str = _GONE) -> list[ReviewResult]:
    return [ReviewResult(word, "handled_already", message=why) for word in words]


def _lineage(sighting: Sighting, actor: str, done: str = "ignored") -> dict[str, object]:
    """Where it came from, who decided and when."""
    return {
        "sighting": sighting.sighting_id,
        "seen_at": sighting.at.isoformat(),
        "kind": sighting.kind,
        "source": sighting.details["source"],
        "frame": sighting.details["frame"],
        "score": sighting.details["score"],
        "threshold": sighting.details["threshold"],
        f"{done}_by": actor,
        f"{done}_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "same_person": sighting.details["same_person"],
    }


def _captured(sighting: Sighting, image: bytes) -> CapturedFace:
    """The face as it was captured, as far as it was kept."""
    measured = sighting.details["quality"]
    if not isinstance(measured, dict):
        raise ValueError("a sighting holds what was measured of it")
    quality = Quality(**measured)
    landmarks = np.asarray(sighting.details["landmarks"], np.float32)
    left, top = (int(v) for v in landmarks.min(axis=0))
    width, height = (int(v) for v in np.ptp(landmarks, axis=0))
    return CapturedFace(
        face=Face((left, top, width, height), landmarks, quality.confidence),
        quality=quality,
        crop=crop_of(image, sighting.details),
        embedding=sighting.vector,
    )
