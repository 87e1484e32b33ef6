"""Who may be enrolled, and with which photos.

First everything is looked at without a lock: decode, detect, assess, embed, compare. Then one
transaction writes the person whole, after a second look at what has changed meanwhile.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from enrollment.ahead import Crew, Later, crew
from enrollment.capture import Capture, CapturedFace
from enrollment.enrollee import Enrollee, check_until
from enrollment.errors import BadInput, Suspended
from enrollment.grouping import largest_group, pick_face, recurring
from enrollment.identifier import Candidate
from enrollment.people import meant
from enrollment.photo import Photo, photo_bytes
from enrollment.portrait import Portrait, crop_of, yaw_of
from enrollment.quality import ENROLLMENT_LIMITS, Quality, judge
from enrollment.reasons import Reason, ReasonCode
from enrollment.roster import Roster
from enrollment.seen_face import Handover, SeenFace
from enrollment.sight import Sight, may_be_meant, see
from enrollment.veto import Vetoes
from enrollment.workplace import Eyes, OwnEyes
from models.head import imprint
from models.likeness import likeness
from store.change import Change
from store.gallery import Gallery
from store.records import Consent, NewSample, Subject
from wording.message import message

# Two crops this much alike are one picture, saved twice. `python -m benchmarks.likeness` (2,337
# photos of LFW, YuNet): of 10,726 pairs of different photos of one person 10 reach it (0.09 %,
# 95 %: 0.04 to 0.17; highest 0.983), 7 of them of one occasion, by eye. Of photos saved again 99.4,
# 98.7 and 91.7 % do as JPEG of quality 95, 75 and 50, 71 % at half and 52 % at 1.6 times the size.
SAME_PICTURE = 0.96
ADVISED_PHOTOS = 3
_ENROLLED_ALREADY = message("this photo is enrolled already; skipped")


@dataclass(frozen=True)
class SampleReport:
    """What became of one photo.

    crop: the face, for people to look at, (112, 112, 3) uint8 RGB; None without one.
    choices: the faces that may be meant, where nobody can say which is; `Photo.face` is the number
        of one of them.
    """

    source: str
    accepted: bool
    reasons: tuple[Reason, ...]
    quality: Quality | None
    crop: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    choices: tuple[NDArray[np.uint8], ...] = field(default=(), repr=False, compare=False)

    @property
    def can_be_insisted_on(self) -> bool:
        """Unlike this person's other photos and else without fault: somebody who knows the person
        may say that it is this person all the same."""
        return not self.accepted and {r.code for r in self.reasons} == {ReasonCode.NOT_THIS_PERSON}

    def as_document(self) -> dict[str, object]:
        return {
            "source": self.source,
            "accepted": self.accepted,
            "reasons": [reason.code.value for reason in self.reasons],
            "message": "; ".join(reason.message for reason in self.reasons) or None,
            "quality": self.quality.as_numbers() if self.quality else {},
        }


@dataclass(frozen=True)
class SubjectReport:
    """What became of one person. subject_id: None when nobody of this name is enrolled now."""

    subject_id: str | None
    name: str
    created: bool
    samples: tuple[SampleReport, ...]
    warnings: tuple[str, ...] = ()

    @property
    def accepted(self) -> int:
        return sum(sample.accepted for sample in self.samples)

    @property
    def enrolled(self) -> bool:
        return self.subject_id is not None

    @property
    def succeeded(self) -> bool:
        """Photos were kept now, or were enrolled before (a run that is repeated)."""
        return self.accepted > 0 or (
            self.enrolled
            and any(
                reason.code == ReasonCode.DUPLICATE_PHOTO
                for sample in self.samples
                for reason in sample.reasons
            )
        )

    def as_document(self) -> dict[str, object]:
        return {
            "subject_id": self.subject_id,
            "name": self.name,
            "created": self.created,
            "accepted": self.accepted,
            "samples": [sample.as_document() for sample in self.samples],
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Collision:
    """A newcomer who is as near to somebody enrolled as that person's own photos are.

    crop: a face of the newcomer, (112, 112, 3) uint8 RGB. limit: the cosine from which on it is
        one, for this backbone.
    """

    name: str
    crop: NDArray[np.uint8]
    near: Candidate
    limit: float = 0.0


# The answer to a collision: "same" (add the photos to that person), "different" or "cancel".
CollisionAnswer = Callable[[Collision], str]
# What is seen on each photo of a person, begun before it is asked for; empty: not begun.
Sights = Sequence[Later[Sight | Reason]]


def refuse_collision(_collision: Collision) -> str:
    return "cancel"


def allow_collision(_collision: Collision) -> str:
    return "different"


@dataclass(frozen=True)
class Preview:
    """What enrolling would do, before anything is saved.

    existing: whom the photos would be added to; None for somebody new. vectors: (n, dimension) of
    the photos that are enrolled and those that would be kept; yaws: their degrees.
    """

    name: str
    existing: Subject | None
    samples: tuple[SampleReport, ...]
    collision: Collision | None
    vectors: NDArray[np.float32]
    yaws: tuple[float, ...]


@dataclass
class _Look:
    """What is known of one photo while it is looked at."""

    photo: Photo
    digest: bytes = b""
    faces: Sequence[CapturedFace] = ()
    portraits: Mapping[int, Portrait] = field(default_factory=dict)  # by the face's number
    chosen: CapturedFace | None = None
    reasons: list[Reason] = field(default_factory=list)
    lineage: Mapping[str, object] = field(default_factory=lambda: {"origin": "enroll"})
    insisted: bool = False  # a person looked and says that it is this person all the same
    doubted: bool = False  # and without that word it would have been set aside
    remedy: str = "--on-collision allow"

    @property
    def usable(self) -> bool:
        return self.chosen is not None and not self.reasons

    @property
    def vector(self) -> NDArray[np.float32]:
        if self.chosen is None:
            raise ValueError("no face was chosen")
        return self.chosen.embedding

    def refuse(self, code: ReasonCode, said: str) -> None:
        self.reasons.append(Reason(code, said))

    def doubt(self, cosine: float, said: str) -> None:
        """Not this person by the numbers; a person's word is kept with the sample instead."""
        if not self.insisted:
            self.refuse(ReasonCode.NOT_THIS_PERSON, said)
            return
        self.doubted = True
        self.lineage = {**self.lineage, "even_if_unlike": True, "likeness": round(cosine, 3)}

    def report(self, accepted: bool) -> SampleReport:
        chosen = self.chosen or (self.faces[0] if self.faces else None)
        unsure = any(reason.code is ReasonCode.SEVERAL_FACES for reason in self.reasons)
        return SampleReport(
            source=self.photo.source,
            accepted=accepted,
            reasons=tuple(self.reasons),
            quality=chosen.quality if chosen else None,
            crop=chosen.crop if chosen else None,
            choices=tuple(face.crop for face in _eligible(self)) if unsure else (),
        )


class _Agreed:
    """What the person agrees to now; `text` is empty where nothing was given."""

    def __init__(self, text: str | None, until: datetime | None) -> None:
        self.text = text if text and text.strip() else ""
        self.until = until

    def is_same(self, given: Consent) -> bool:
        """Given before: in these words, and for as long as is asked now."""
        return given.text == self.text and self.until in (None, given.expires_at)


class Enroller:
    """Enrolls people into one gallery. eyes: look at the photos; None: `capture` here does."""

    def __init__(
        self,
        gallery: Gallery,
        capture: Capture,
        roster: Roster,
        vetoes: Vetoes,
        actor: str,
        eyes: Eyes | None = None,
    ) -> None:
        self._gallery = gallery
        self._eyes = eyes or OwnEyes(capture)
        self._roster = roster
        self._vetoes = vetoes
        self._actor = actor
        self._priors = capture.backbone.priors

    def enroll(
        self,
        person: Enrollee,
        consent: str | None,
        on_collision: CollisionAnswer,
        tick: Callable[[], None] = lambda: None,
        consent_until: datetime | None = None,
        sights: Sights = (),
    ) -> SubjectReport:
        """Enroll a person, or add photos to one who is enrolled; `tick` is called for each photo.

        Everything that was accepted is stored when this returns, and nothing else is.

        Args:
            consent_until: when `consent` ends; None: when an earlier one of the same words does,
                else when it is withdrawn.
            sights: of this person's photos, from `ahead`.

        Raises:
            BadInput: as `existing`, or the consent would have ended already.
        """
        self._gallery.wait_for_database()  # it may be away for a moment, in the middle of many
        check_until(consent_until, _now())
        existing = self.existing(person)
        self._check_state(existing)
        if not self._consented(existing, consent):
            return self._without_consent(person, [photo.source for photo in person.photos])
        looks = [_Look(photo, insisted=photo.insisted) for photo in person.photos]
        self._look(looks, existing, tick, sights)
        near = self._collision(person, existing, [look for look in looks if look.usable])
        decided: str | None = None
        if near is not None:
            answer = on_collision(near)
            if answer == "same":
                same = self._gallery.family(near.near.subject_id)[0]
                return self._add_as(person, same, consent, on_collision, consent_until, sights)
            if answer != "different":
                _refuse_all(looks, near)
            decided = near.near.subject_id
        agreed = _Agreed(consent, consent_until)
        return self._store(person, existing, agreed, looks, decided)

    def preview(self, person: Enrollee, tick: Callable[[], None] = lambda: None) -> Preview:
        """What `enroll` would say of these photos; nothing is stored, so none must consent."""
        existing = self.existing(person)
        looks = [_Look(photo, insisted=photo.insisted) for photo in person.photos]
        self._look(looks, existing, tick)
        usable = [look for look in looks if look.usable]
        own = self._own_vectors(existing)
        kept = self._gallery.samples(self._family(existing))
        return Preview(
            name=person.name,
            existing=existing,
            samples=tuple(look.report(accepted=look.usable) for look in looks),
            collision=self._collision(person, existing, usable),
            vectors=np.concatenate([own, *(look.vector[None] for look in usable)]),
            yaws=(
                *(yaw_of(sample.details) for sample in kept),
                *(look.chosen.quality.yaw for look in usable if look.chosen),
            ),
        )

    def enroll_seen(
        self,
        person: Enrollee,
        consent: str | None,
        seen: Sequence[SeenFace],
        handover: Handover,
        *,
        insist: bool = False,
        consent_until: datetime | None = None,
    ) -> SubjectReport:
        """Enroll a person from faces that were seen, by the rules of `enroll`.

        Args:
            person: whose the faces are; photos are not looked at.
            handover: takes the faces from where they lie, in the transaction that stores them.
            insist: although they are unlike this person's photos, or as like somebody else's.
            consent_until: as in `enroll`.
        """
        check_until(consent_until, _now())
        existing = self.existing(person)
        self._check_state(existing)
        if not self._consented(existing, consent):
            return self._without_consent(person, [face.source for face in seen])
        looks = [_look_again(face, insist) for face in seen]
        self._compare(looks, existing)
        near = self._collision(person, existing, [look for look in looks if look.usable])
        if near is not None and not insist:
            _refuse_all(looks, near)
        decided = near.near.subject_id if near else None
        agreed = _Agreed(consent, consent_until)
        return self._store(person, existing, agreed, looks, decided, handover)

    # -- looking ------------------------------------------------------------------------------

    def ahead(
        self, people: Iterable[Enrollee], consent: str | None
    ) -> Iterator[tuple[Enrollee, Sights]]:
        """Each of these people with their photos' sights, for `enroll`; those of the next people
        are looked at meanwhile. Nobody is looked at who has not consented."""
        waiting: deque[tuple[Enrollee, Sights]] = deque()
        most = self._eyes.at_once
        with crew(self._eyes.at_once) as workers:
            for person in people:
                self._gallery.wait_for_database()
                waiting.append((person, self._begin(workers, person, consent)))
                while sum(len(sights) for _, sights in waiting) > most and len(waiting) > 1:
                    yield waiting.popleft()
            yield from waiting

    def _begin(self, workers: Crew, person: Enrollee, consent: str | None) -> Sights:
        try:
            existing = self.existing(person)
            self._check_state(existing)
        except BadInput:
            return ()  # as `enroll` will say
        if not self._consented(existing, consent):
            return ()
        return self._sights(workers, person.photos, self._family(existing))

    def _sights(self, workers: Crew, photos: Sequence[Photo], family: Sequence[str]) -> Sights:
        def known(digest: bytes) -> bool:
            return bool(family) and self._gallery.has_content(digest, family)

        def look(photo: Photo) -> Sight | Reason:
            return see(photo, self._eyes.see, known)

        return [workers.begin(look, photo) for photo in photos]

    def _look(
        self,
        looks: Sequence[_Look],
        existing: Subject | None,
        tick: Callable[[], None],
        sights: Sights = (),
    ) -> None:
        own_family = self._family(existing)
        with crew(self._eyes.at_once) as workers:
            begun = sights or self._sights(workers, [look.photo for look in looks], own_family)
            self._take_in(looks, begun, own_family, tick)
        self._choose_among_several(looks, self._own_vectors(existing))
        self._compare(looks, existing)

    def _compare(self, looks: Sequence[_Look], existing: Subject | None) -> None:
        """Set aside whom these photos do not show, and skip what is kept already."""
        self._set_strangers_aside(looks, self._own_vectors(existing))
        self._skip_near_duplicates(looks, existing)

    def _take_in(
        self,
        looks: Sequence[_Look],
        sights: Sights,
        own_family: Sequence[str],
        tick: Callable[[], None],
    ) -> None:
        """Wait for each photo's faces, and leave out photos that are there."""
        seen = set[bytes]()
        for look, later in zip(looks, sights, strict=True):
            sight = later()
            tick()
            if isinstance(sight, Reason):
                look.reasons.append(sight)
                continue
            look.digest = sight.digest
            if sight.digest in seen:
                look.refuse(
                    ReasonCode.DUPLICATE_PHOTO, message("this photo was given twice; skipped")
                )
            elif own_family and self._gallery.has_content(sight.digest, own_family):
                look.refuse(ReasonCode.DUPLICATE_PHOTO, _ENROLLED_ALREADY)
            else:
                seen.add(sight.digest)
                self._take_faces(look, sight)

    def _take_faces(self, look: _Look, sight: Sight) -> None:
        if sight.faces is None:  # it was there when it was looked at, and is not any more
            again = see(look.photo, self._eyes.see)
            if isinstance(again, Reason):
                look.reasons.append(again)
                return
            sight = again
        look.faces, look.portraits = sight.faces or (), sight.portraits
        _choose_single(look)

    def _choose_among_several(self, looks: Sequence[_Look], own: NDArray[np.float32]) -> None:
        several = [look for look in looks if look.chosen is None and len(_eligible(look)) > 1]
        if not several:
            return
        same = self._priors.same_person
        singles = [look.vector for look in looks if look.usable]
        anchors = np.concatenate([own, *(vector[None] for vector in singles)])
        if len(anchors):
            picks = [pick_face(_vectors(_eligible(look)), anchors, same) for look in several]
        else:
            together = recurring([_vectors(_eligible(look)) for look in several], same)
            picks = list(together) if together else [None] * len(several)
        for look, pick in zip(several, picks, strict=True):
            if pick is None:
                look.refuse(
                    ReasonCode.SEVERAL_FACES,
                    message(
                        "there are {n} faces and it is not certain which is "
                        "meant; crop the photo to one person",
                        n=len(_eligible(look)),
                    ),
                )
            else:
                look.chosen = _eligible(look)[pick]
                look.reasons += judge(look.chosen.quality, ENROLLMENT_LIMITS)

    def _set_strangers_aside(self, looks: Sequence[_Look], own: NDArray[np.float32]) -> None:
        usable = [look for look in looks if look.usable]
        if len(usable) + len(own) < 2:
            return
        same = self._priors.same_person
        if len(own):
            alike = (_stack(usable, own.shape[1]) @ own.T).mean(axis=1)
            for look, cosine in zip(usable, alike, strict=True):
                if cosine < same:
                    look.doubt(
                        float(cosine),
                        message(
                            "likeness to this person's enrolled photos is {cosine:.2f}, at least "
                            "{least:.2f} is needed; set aside",
                            cosine=float(cosine),
                            least=same,
                        ),
                    )
            return
        vectors = _stack(usable, len(usable[0].vector))
        group = set(largest_group(vectors, same))
        for i, look in enumerate(usable):
            if i not in group:
                others = np.delete(vectors, i, axis=0) @ vectors[i]
                look.doubt(
                    float(others.mean()),
                    message(
                        "likeness to the person's other photos is {cosine:.2f}, at least "
                        "{least:.2f} is needed; set aside",
                        cosine=float(others.mean()),
                        least=same,
                    )
                    if group
                    else message(
                        "the photos show different people and no one is in most of them; "
                        "give photos of one person"
                    ),
                )

    def _skip_near_duplicates(self, looks: Sequence[_Look], existing: Subject | None) -> None:
        kept = [
            crop_of(sample.image, sample.details)
            for sample in self._gallery.samples(self._family(existing))
        ]
        for look in looks:
            if not look.usable or look.chosen is None:
                continue
            alike = max((likeness(look.chosen.crop, crop) for crop in kept), default=0.0)
            if alike >= SAME_PICTURE:
                look.refuse(
                    ReasonCode.DUPLICATE_PHOTO,
                    message(
                        "almost the same picture as another one ({alike:.3f}, from "
                        "{limit:.2f} on it is skipped); give a different one",
                        alike=alike,
                        limit=SAME_PICTURE,
                    ),
                )
            else:
                kept.append(look.chosen.crop)

    # -- rules --------------------------------------------------------------------------------

    def existing(self, person: Enrollee) -> Subject | None:
        """The enrolled subject that is meant. Raises as `people.meant`."""
        if person.subject_id is not None:
            return meant(self._gallery.called(person.subject_id), person)
        return meant(self._gallery.namesakes(person.name, person.external_id), person)

    def _check_state(self, existing: Subject | None) -> None:
        if existing is not None and existing.state == "suspended":
            raise Suspended(
                message(
                    "{name!r} is suspended; run: rollcall person resume {name!r}",
                    name=existing.name,
                )
            )

    def _consented(self, existing: Subject | None, consent: str | None) -> bool:
        if (consent and consent.strip()) or self._gallery.facts.consent_policy == "none":
            return True
        return existing is not None and any(
            given.holds(_now()) for given in self._gallery.consents(existing.subject_id)
        )

    def _without_consent(self, person: Enrollee, sources: Sequence[str]) -> SubjectReport:
        reason = Reason(
            ReasonCode.NO_CONSENT,
            message(
                "there is no consent; give its text with --consent, as the person agreed to it"
            ),
        )
        samples = tuple(SampleReport(source, False, (reason,), None) for source in sources)
        return SubjectReport(None, person.name, False, samples, (reason.message,))

    def _collision(
        self, person: Enrollee, existing: Subject | None, usable: Sequence[_Look]
    ) -> Collision | None:
        """Somebody else who is as near to these photos as they are to each other."""
        if not usable:
            return None
        vectors = _stack(usable, len(usable[0].vector))
        row = imprint(vectors, vectors.shape[1])
        (ranking,) = self._roster.rank(row[None])
        own = existing.subject_id if existing else None
        for subject_id, cosine in zip(ranking.subject_ids, ranking.cosines, strict=True):
            if subject_id == own:
                return None  # nobody else is nearer
            if cosine >= self._priors.collision:
                name = self._roster.subject(subject_id).name
                crop = usable[0].chosen.crop if usable[0].chosen else None
                if crop is None:
                    raise ValueError("a usable photo has a face")
                near = Candidate(subject_id, name, cosine)
                return Collision(person.name, crop, near, self._priors.collision)
        return None

    # -- writing ------------------------------------------------------------------------------

    def _store(
        self,
        person: Enrollee,
        existing: Subject | None,
        agreed: _Agreed,
        looks: Sequence[_Look],
        decided: str | None,
        handover: Handover | None = None,
    ) -> SubjectReport:
        warnings: list[str] = []
        subject_id = existing.subject_id if existing else None
        created = False
        if any(look.usable for look in looks):
            with self._roster.held(), self._gallery.change(self._actor) as change:
                change.check_backbone(self._roster.fingerprint)
                again = self.existing(person)
                self._check_state(again)
                if handover is not None:
                    _drop_handled(looks, handover.here(change))
                moved = (again.subject_id if again else None) != subject_id
                if moved:
                    self._recheck(looks, again)
                elif subject_id is not None:
                    self._drop_stored(change, looks, subject_id)
                near = self._collision(person, again, [look for look in looks if look.usable])
                if near is not None and near.near.subject_id != decided:
                    _refuse_all(looks, near)
                subject_id = again.subject_id if again else None
                usable = [look for look in looks if look.usable]
                if usable:
                    if subject_id is None:
                        subject_id = change.add_subject(person.name, person.external_id)
                        created = True
                    if near is not None:
                        change.tell_apart(subject_id, near.near.subject_id)
                    change.add_samples(
                        subject_id,
                        self._consent(change, subject_id, agreed, created),
                        [self._sample(look) for look in usable],
                    )
                    doubted = sum(look.doubted for look in usable)
                    if doubted:
                        change.record("samples.insist", subject_id, {"samples": doubted})
                    if handover is not None:
                        handover.take(change, subject_id, [look.photo.source for look in usable])
        if subject_id is not None:
            warnings += self._advice(subject_id, looks)
            warnings += self._remembered(subject_id, [look for look in looks if look.usable])
        return SubjectReport(
            subject_id,
            person.name,
            created,
            tuple(look.report(look.usable) for look in looks),
            tuple(warnings),
        )

    def _recheck(self, looks: Sequence[_Look], existing: Subject | None) -> None:
        """Somebody enrolled or removed this very person meanwhile: compare with what is there."""
        own = self._own_vectors(existing)
        self._set_strangers_aside(looks, own)
        self._skip_near_duplicates(looks, existing)

    def _drop_stored(self, change: Change, looks: Sequence[_Look], subject_id: str) -> None:
        for look in looks:
            if look.usable and change.has_content(look.digest, [subject_id]):
                look.refuse(ReasonCode.DUPLICATE_PHOTO, _ENROLLED_ALREADY)

    def _consent(self, change: Change, subject_id: str, agreed: _Agreed, created: bool) -> str:
        """The consent that the new samples rest on."""
        held = [
            c for c in ([] if created else self._gallery.consents(subject_id)) if c.holds(change.at)
        ]
        if agreed.text:
            same = [c for c in held if agreed.is_same(c)]
            if same:
                return same[-1].consent_id
            return change.add_consent(subject_id, "consent", agreed.text, agreed.until)
        if held:
            return held[-1].consent_id
        return change.add_consent(subject_id, "policy-none", "")

    def _sample(self, look: _Look) -> NewSample:
        portrait = next(
            look.portraits[i] for i, face in enumerate(look.faces) if face is look.chosen
        )
        # By the digest another site's gallery tells that it has this very photo.
        details = {**portrait.details, **look.lineage, "digest": look.digest.hex()}
        return NewSample(look.digest, portrait.image, details, look.vector)

    def _remembered(self, subject_id: str, kept: Sequence[_Look]) -> list[str]:
        """A visitor who was hired: what was said of the stranger speaks against the colleague."""
        if not kept:
            return []
        vectors = _stack(kept, len(kept[0].vector))
        ids = self._vetoes.like(vectors, subject_id, self._priors.same_person)
        if not ids:
            return []
        return [
            message(
                "faces like these are remembered {n} times as a stranger's or as not this "
                "person's, and the name is taken back where a face is nearer to one of them; if "
                "that was this person, run: rollcall review forget {ids}",
                n=len(ids),
                ids=" ".join(i[:8] for i in ids),
            )
        ]

    def _advice(self, subject_id: str, looks: Sequence[_Look]) -> list[str]:
        templates = self._gallery.family(subject_id)[0].templates
        more = ADVISED_PHOTOS - templates
        if templates == 1:
            return [
                message(
                    "1 photo so far; people with at least {advised} are found far more often: "
                    "add {more} more",
                    advised=ADVISED_PHOTOS,
                    more=more,
                )
            ]
        if more > 0:
            return [
                message(
                    "{n} photos so far; people with at least {advised} are found far more often: "
                    "add {more} more",
                    n=templates,
                    advised=ADVISED_PHOTOS,
                    more=more,
                )
            ]
        return []

    def _add_as(
        self,
        person: Enrollee,
        same: Subject,
        consent: str | None,
        on_collision: CollisionAnswer,
        consent_until: datetime | None,
        sights: Sights,
    ) -> SubjectReport:
        meant = replace(person, name=same.name, external_id=same.external_id)
        report = self.enroll(
            meant, consent, on_collision, consent_until=consent_until, sights=sights
        )
        note = message(
            "{name} is the same person as {same}: the photos were added there",
            name=person.name,
            same=same.name,
        )
        return replace(report, warnings=(note, *report.warnings))

    def _own_vectors(self, existing: Subject | None) -> NDArray[np.float32]:
        dimension = self._gallery.facts.dimension
        if existing is None:
            return np.empty((0, dimension), np.float32)
        found = self._gallery.templates_of([existing.subject_id])
        self._roster.check_backbone()
        return found.vectors

    def _family(self, existing: Subject | None) -> list[str]:
        if existing is None:
            return []
        return self._gallery.family_of(existing.subject_id)


def _now() -> datetime:
    return datetime.now(UTC)


def _look_again(seen: SeenFace, insist: bool) -> _Look:
    image = seen.portrait.image
    return _Look(
        photo=photo_bytes(seen.source, image),
        digest=hashlib.sha256(image).digest(),
        faces=[seen.face],
        portraits={0: seen.portrait},
        chosen=seen.face,
        reasons=[*seen.reasons, *judge(seen.face.quality, ENROLLMENT_LIMITS)],
        lineage=seen.lineage,
        insisted=insist,
        remedy="--even-if-unlike",
    )


def _drop_handled(looks: Iterable[_Look], here: Collection[str]) -> None:
    for look in looks:
        if look.photo.source not in here:
            look.refuse(
                ReasonCode.DUPLICATE_PHOTO, message("somebody has handled this face already")
            )


def _choose_single(look: _Look) -> None:
    if not look.faces:
        look.refuse(ReasonCode.NO_FACE, message("no face was found; show the whole face, well lit"))
        return
    eligible = _eligible(look)
    pressed = look.photo.face
    if len(eligible) == 1 or (pressed is not None and pressed < len(eligible)):
        look.chosen = eligible[pressed if pressed is not None and len(eligible) > 1 else 0]
        look.reasons += judge(look.chosen.quality, ENROLLMENT_LIMITS)
    elif not eligible:
        look.reasons += judge(look.faces[0].quality, ENROLLMENT_LIMITS)


def _eligible(look: _Look) -> list[CapturedFace]:
    return [face for face in look.faces if may_be_meant(face)]


def _refuse_all(looks: Iterable[_Look], near: Collision) -> None:
    for look in looks:
        if look.usable:
            look.refuse(
                ReasonCode.NEAR_OTHER_SUBJECT,
                message(
                    "as near to {name} ({score:.2f}) as photos of one person "
                    "are; add the photos to that person, or repeat with {remedy}",
                    name=near.near.name,
                    score=near.near.score,
                    remedy=look.remedy,
                ),
            )


def _vectors(faces: Sequence[CapturedFace]) -> NDArray[np.float32]:
    return np.stack([face.embedding for face in faces])


def _stack(looks: Sequence[_Look], dimension: int) -> NDArray[np.float32]:
    if not looks:
        return np.empty((0, dimension), np.float32)
    return np.stack([look.vector for look in looks])
