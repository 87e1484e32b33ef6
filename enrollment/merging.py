"""Another site's people into this gallery: each in one transaction, as often as you like.

Ids stay, so whoever came before is known, and only what is new is taken. Where the two sites say
different things the stricter counts: erased, suspended or taken back at one site is so here.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from enrollment.counterpart import Counterparts, Twin, crop_or_none
from enrollment.enrollee import printable
from enrollment.enroller import SAME_PICTURE, CollisionAnswer
from enrollment.erasure import erase_all
from enrollment.errors import Unusable
from enrollment.inspection import fault_of, is_sound, photo_fault_of
from enrollment.joined_heads import join_heads
from enrollment.merge_report import Differs, LeftOut, LeftOutReason, MergeReport
from enrollment.other_site import OtherSite
from enrollment.portrait import crop_of
from enrollment.roster import Roster
from models.backbone import ScorePriors
from models.likeness import likeness
from store.archive import Archive
from store.carried import (
    IMPORT,
    Carried,
    CarriedSample,
    Here,
    put_consents,
    put_negative,
    put_samples,
    put_subject,
)
from store.change import Change
from store.gallery import Gallery
from store.records import Subject
from wording.message import message

DEED = "gallery.merge"
Progress = Callable[[str, float], None]
# May these, who were erased at the other site and are here, be erased here as well?
EraseTheirs = Callable[[Sequence[Subject]], bool]
Family = Sequence[Carried]


@dataclass(frozen=True)
class _Judged:
    """What is to become of a newcomer: left out, or brought as `into` or as somebody apart."""

    left_out: LeftOut | None = None
    into: str | None = None
    apart: tuple[str, ...] = ()


class Merging:
    """One merge of one other site into one gallery. Built in `Service.merge_gallery`."""

    def __init__(
        self,
        gallery: Gallery,
        archive: Archive,
        roster: Roster,
        priors: ScorePriors,
        other: OtherSite,
        actor: str,
    ) -> None:
        self._gallery = gallery
        self._archive = archive
        self._roster = roster
        self._priors = priors
        self._other = other
        self._there = other.gallery
        self._actor = actor
        self._answers: dict[tuple[str, str], str] = {}

    def run(
        self,
        on_twin: CollisionAnswer,
        erase_theirs: EraseTheirs,
        progress: Progress = lambda stage, share: None,
    ) -> MergeReport:
        """Take over whoever is new, and what is new of the others.

        What `progress` raises ends it: whoever is here is here whole, and the next merge goes on.

        Args:
            on_twin: asked about each pair that may be one person: "same", "different" or "cancel".
            erase_theirs: asked, once, about people of here who were erased there.
        """
        report = MergeReport(self._gallery.facts.gallery_id, self._there.facts.gallery_id)
        self._there.refresh()  # everybody there is as they were sealed
        if not self._settle_erasures(report, erase_theirs):
            return report
        everybody = self._there.subjects()
        families = _families(everybody)
        report.there = len(families)
        asked_to_go = self._asked_to_go()
        counterparts = Counterparts(
            self._gallery, self._roster, self._priors.collision, frozenset(everybody)
        )
        for i, ids in enumerate(families):
            progress("people", i / len(families))
            family = _person_first(self._there.carried(ids), ids[0])
            if family:
                self._take(family, counterparts, on_twin, bool(asked_to_go & set(ids)), report)
        self._take_negatives(frozenset(everybody), report)
        joined = join_heads(self._gallery, self._archive, self._other, self._actor)
        report.head_id, report.head_why = joined.head_id, joined.why
        self._settle_erasures(report, lambda _people: False)  # of whom went there meanwhile
        with self._gallery.change(self._actor, raises_generation=False) as change:
            change.record(DEED, "", {"gallery": report.other_gallery_id, **report.counts()})
        progress("people", 1.0)
        return report

    # -- who is gone --------------------------------------------------------------------------

    def _settle_erasures(self, report: MergeReport, erase_theirs: EraseTheirs) -> bool:
        """Is nobody here who was erased there?"""
        gone = self._there.erased_among(self._gallery.subject_ids())
        if not gone:
            return True
        people = list(self._gallery.some_subjects(gone).values())
        if not erase_theirs(people):
            report.waiting_erasures = sorted(gone)
            return False
        report.erased += erase_all(self._gallery, self._archive, gone, self._actor)
        if not self._gallery.finish_erasures():
            raise Unusable(
                message(
                    "{n} people are erased and can no longer be found, but another process is "
                    "reading the database, so deleted pages are still in its log; stop that "
                    "process and repeat the command",
                    n=report.erased,
                )
            )
        return True

    def _asked_to_go(self) -> set[str]:
        """Who has asked the other site to be erased, and waits for it."""
        found, offset = set[str](), 0
        while True:
            requests, total = self._there.requests(offset=offset, limit=500)
            found |= {r.subject_id for r in requests if r.kind == "erasure"}
            offset += len(requests)
            if offset >= total or not requests:
                return found

    # -- one person ---------------------------------------------------------------------------

    def _take(
        self,
        family: Family,
        counterparts: Counterparts,
        on_twin: CollisionAnswer,
        asked_to_go: bool,
        report: MergeReport,
    ) -> None:
        person = family[0].subject
        ids = [one.subject.subject_id for one in family]
        known = self._gallery.here_of(family)
        if self._gallery.erased_among(ids):
            why = LeftOutReason.ERASED_HERE
            report.left_out.append(LeftOut(person.subject_id, person.name, why))
        elif (fault := self._fault_of(family, known)) is not None:
            report.left_out.append(_unsound(person, fault))
        elif known.subjects:
            self._update(self._that_fit(family, known, report), report)
        elif asked_to_go:
            why = LeftOutReason.ASKED_TO_GO
            report.left_out.append(LeftOut(person.subject_id, person.name, why))
        elif not self._consented(family):
            why = LeftOutReason.NO_CONSENT
            report.left_out.append(LeftOut(person.subject_id, person.name, why))
        else:
            self._bring(family, counterparts, on_twin, report)

    def _fault_of(self, family: Family, known: Here) -> str | None:
        """What is wrong with any of these; of somebody who is here, whatever their photos are."""
        faults = [fault_of(one, known) for one in family]
        if not known.subjects:
            faults += [photo_fault_of(s, one.consents) for one in family for s in one.samples]
        return next((fault for fault in faults if fault is not None), None)

    def _that_fit(self, family: Family, known: Here, report: MergeReport) -> Family:
        """Somebody who is here without new photos that show nobody, or somebody else: an id says
        no more than a name does."""
        anchor = self._anchor(family)
        own = self._vectors_of(anchor)
        left: dict[str, str] = {}
        for one in family:
            for sample in one.samples:
                if sample.sample_id in known.samples:
                    continue
                fault = photo_fault_of(sample, one.consents)
                if fault is not None or not self._is_like(sample, own):
                    left[sample.sample_id] = fault or ""
        if not left:
            return family
        person = family[0].subject
        for why in sorted(set(left.values())):
            photos = sum(fault == why for fault in left.values())
            reason = LeftOutReason.UNSOUND if why else LeftOutReason.NOT_THIS_PERSON
            report.left_out.append(
                LeftOut(person.subject_id, person.name, reason, photos=photos, why=why)
            )
        return [
            replace(one, samples=tuple(s for s in one.samples if s.sample_id not in left))
            for one in family
        ]

    def _vectors_of(self, anchor: Subject | None) -> NDArray[np.float32]:
        """Of whom is found here; none of somebody who is suspended, who gets no photos."""
        return self._gallery.templates_of([anchor.subject_id] if anchor else []).vectors

    def _is_like(self, sample: CarriedSample, own: NDArray[np.float32]) -> bool:
        """As `Enroller` asks of photos that are added to somebody."""
        return not len(own) or all(
            float((own @ vector).mean()) >= self._priors.same_person
            for vector in sample.templates.values()
        )

    def _consented(self, family: Family) -> bool:
        """Does a consent hold, of the kind that this gallery asks for?"""
        with_text = self._gallery.facts.consent_policy == "required"
        at = datetime.now(UTC)
        return any(
            given.holds(at) and (given.basis == "consent" or not with_text)
            for one in family
            for given in one.consents
        )

    def _bring(
        self,
        family: Family,
        counterparts: Counterparts,
        on_twin: CollisionAnswer,
        report: MergeReport,
    ) -> None:
        person = family[0].subject
        asked = self._judge(family, counterparts.of(family), on_twin)
        if asked.left_out is not None:
            report.left_out.append(asked.left_out)
            return
        with self._roster.held(), self._gallery.change(self._actor) as change:
            ids = [one.subject.subject_id for one in family]
            if self._gallery.erased_among(ids) or self._gallery.here_of(family).subjects:
                return  # another process was quicker; the next merge says which
            # Once more, now that nobody else can change anything: who came meanwhile is not asked
            # about under the lock, but by the next merge.
            judged = self._judge(family, counterparts.of(family), _not_now)
            if judged.left_out is None:
                self._write(change, family, judged, report)
        if judged.left_out is not None:
            report.left_out.append(judged.left_out)
            return
        report.brought += 1
        report.united += judged.into is not None
        report.told_apart += bool(judged.apart) and judged.into is None
        report.suspended += person.state == "suspended"

    def _judge(self, family: Family, twins: Sequence[Twin], on_twin: CollisionAnswer) -> _Judged:
        person = family[0].subject
        apart: list[str] = []
        for twin in twins:
            key = person.subject_id, twin.near.subject_id
            answer = self._answers.get(key) or on_twin(twin)
            if on_twin is not _not_now:
                self._answers[key] = answer
            suspended = "suspended" in (person.state, twin.near_state)
            if answer == "same" and not suspended:
                return _Judged(into=twin.near.subject_id)
            if answer != "different":
                why = LeftOutReason.SUSPENDED if answer == "same" else twin.why
                return _Judged(_left_out(person, twin, why))
            apart.append(twin.near.subject_id)
        return _Judged(apart=tuple(apart))

    def _write(self, change: Change, family: Family, judged: _Judged, report: MergeReport) -> None:
        person = family[0].subject
        root = judged.into or person.subject_id
        found = root if person.state == "active" else None
        pictures = self._pictures([judged.into] if judged.into else [])
        for one in _parents_first(family):
            subject = one.subject
            number = subject.external_id
            if number is not None and self._gallery.owner_of_external_id(number) is not None:
                report.numbers_dropped.append(subject.subject_id)
                number = None
            into = subject.merged_into or (judged.into if subject is person else None)
            state = "merged" if into else subject.state
            put_subject(change, subject, number, state, into)
            self._put(change, one, self._none_of(), found, pictures, report)
        if judged.into is not None:
            change.merge(person.subject_id, judged.into)
        for other in judged.apart:
            change.tell_apart(person.subject_id, other)

    def _put(
        self,
        change: Change,
        one: Carried,
        known: Here,
        found: str | None,
        pictures: "_Pictures",
        report: MergeReport,
    ) -> None:
        """Consents and photos of somebody who is here by now, and the row that says so."""
        subject_id = one.subject.subject_id
        consents, back = put_consents(change, subject_id, one.consents, known)
        new = [s for s in one.samples if s.sample_id not in known.samples]
        fresh = [s for s in new if not pictures.has(s)]
        for sample in fresh:
            pictures.add(sample)
        put_samples(change, subject_id, [(s, digest_of(s)) for s in fresh], found)
        details = {
            "gallery": self._there.facts.gallery_id,
            "samples": len(fresh),
            "consents": consents,
            "withdrawn": back,
        }
        change.record(IMPORT, subject_id, details)
        report.samples += len(fresh)
        report.duplicates += len(new) - len(fresh)
        report.consents += consents
        report.withdrawn += back

    # -- who came before ----------------------------------------------------------------------

    def _update(self, family: Family, report: MergeReport) -> None:
        report.present += 1
        here = self._gallery.some_subjects([one.subject.subject_id for one in family])
        report.differs += _differences(family, here)
        if not self._has_news(family):
            return
        with self._roster.held(), self._gallery.change(self._actor) as change:
            ids = [one.subject.subject_id for one in family]
            if not self._gallery.erased_among(ids) and self._has_news(family):
                self._write_news(change, family, report)
                report.updated += 1

    def _has_news(self, family: Family) -> bool:
        known, anchor = self._gallery.here_of(family), self._anchor(family)
        if anchor is None:
            return False
        suspend = self._to_suspend(family) is not None
        taking = [one for one in family if self._follows(one, known, anchor, suspend)]
        return suspend or any(
            _consents_differ(one, known) or any(self._new_photos(one, known, anchor, suspend))
            for one in taking
        )

    def _follows(self, one: Carried, known: Here, anchor: Subject, suspend: bool) -> bool:
        """Is this one here, or can they come now, united with whom they were united with there?"""
        is_here = one.subject.subject_id in known.subjects
        return is_here or (anchor.state == "active" and not suspend)

    def _new_photos(
        self, one: Carried, known: Here, anchor: Subject, suspend: bool
    ) -> Iterator[CarriedSample]:
        """Photos that are not here, nor any like them; none of somebody who is not found here."""
        if suspend or self._found(one.subject, anchor) is None:
            return
        new = [s for s in one.samples if s.sample_id not in known.samples]
        if new:
            pictures = self._pictures(self._people_of(known))
            yield from (sample for sample in new if not pictures.has(sample))

    def _write_news(self, change: Change, family: Family, report: MergeReport) -> None:
        known, anchor = self._gallery.here_of(family), self._anchor(family)
        if anchor is None:
            return
        suspend = self._to_suspend(family)
        pictures = self._pictures(self._people_of(known))
        for one in _parents_first(family):
            subject = one.subject
            if not self._follows(one, known, anchor, suspend is not None):
                continue
            found = self._found(subject, anchor) if suspend is None else None
            if subject.subject_id not in known.subjects:
                # United there since: whoever answers here goes on doing so.
                put_subject(change, subject, None, "merged", anchor.subject_id)
                change.merge(subject.subject_id, anchor.subject_id)
            photos = one.samples if found is not None else ()
            carried = Carried(subject, one.consents, photos)
            self._put(change, carried, known, found, pictures, report)
        if suspend is not None:
            change.set_state(suspend, "suspended")
            report.suspended += 1

    def _found(self, subject: Subject, anchor: Subject) -> str | None:
        """Who is found by this one's templates; None: nobody is."""
        answering = self._answering(subject.subject_id) or anchor
        return answering.subject_id if answering.state == "active" else None

    def _to_suspend(self, family: Family) -> str | None:
        """Who is suspended there, or has taken back every consent there, and is not suspended
        here: their own record alone, whomever it was merged into here."""
        person = family[0].subject
        given = [c for one in family for c in one.consents]
        taken_back = bool(given) and all(c.withdrawn_at is not None for c in given)
        if person.state != "suspended" and not taken_back:
            return None
        mine = self._gallery.some_subjects([person.subject_id]).get(person.subject_id)
        return person.subject_id if mine is not None and mine.state != "suspended" else None

    def _anchor(self, family: Family) -> Subject | None:
        """Who answers here for the first of these that is here."""
        answering = (self._answering(one.subject.subject_id) for one in family)
        return next((found for found in answering if found is not None), None)

    def _answering(self, subject_id: str) -> Subject | None:
        found = self._gallery.some_subjects([subject_id]).get(subject_id)
        if found is None or found.merged_into is None:
            return found
        return self._answering(found.merged_into)

    # -- the rest -----------------------------------------------------------------------------

    def _people_of(self, known: Here) -> list[str]:
        """Who answers here for those that are here."""
        answering = map(self._answering, sorted(known.subjects))
        return sorted({found.subject_id for found in answering if found is not None})

    def _pictures(self, subject_ids: Sequence[str]) -> "_Pictures":
        members = [m for s in subject_ids for m in self._gallery.family_of(s)]
        return _Pictures(self._gallery, members)

    def _none_of(self) -> Here:
        return Here(frozenset(), {}, frozenset())

    def _take_negatives(self, theirs: frozenset[str], report: MergeReport) -> None:
        """Noes about people of here, and about strangers whom nobody of here looks like."""
        links = self._there.links_of_negatives()
        theirs_said = self._there.negative_list()
        if {n.negative_id for n in theirs_said} <= self._gallery.links_of_negatives().keys():
            return
        with self._roster.held(), self._gallery.change(self._actor) as change:
            present = set(self._gallery.subject_ids())
            here = self._gallery.links_of_negatives()
            for negative in [n for n in theirs_said if n.negative_id not in here]:
                linked = links[negative.negative_id]
                named = {s for s in (negative.subject_id, *linked) if s is not None}
                if not is_sound(negative, self._gallery.facts.dimension) or not named <= present:
                    report.negatives_left += 1
                    continue
                enrolled = negative.subject_id is None and self._is_of_here(negative.vector, theirs)
                if not enrolled:
                    put_negative(change, negative, linked)
                    report.negatives += 1
                else:
                    report.negatives_left += 1

    def _is_of_here(self, vector: NDArray[np.float32], theirs: frozenset[str]) -> bool:
        """A visitor there may be a colleague here, whose name must not be taken back."""
        matches = self._gallery.search(vector[None], 1)[0]
        return any(
            m.score >= self._priors.same_person and m.subject_id not in theirs for m in matches
        )


class _Pictures:
    """The photos that somebody has, to pass over those that come again."""

    def __init__(self, gallery: Gallery, members: Sequence[str]) -> None:
        self._gallery = gallery
        self._members = members
        self._digests: set[bytes] = set()
        self._crops: list[NDArray[np.uint8]] | None = None

    def has(self, sample: CarriedSample) -> bool:
        digest = digest_of(sample)
        if not self._members:
            return False  # whoever comes whole comes as they were there
        if digest in self._digests or self._gallery.has_content(digest, self._members):
            return True
        crop = crop_or_none(sample)
        alike = [] if crop is None else [likeness(crop, kept) for kept in self._kept()]
        return max(alike, default=0.0) >= SAME_PICTURE

    def add(self, sample: CarriedSample) -> None:
        self._digests.add(digest_of(sample))

    def _kept(self) -> list[NDArray[np.uint8]]:
        if self._crops is None:
            samples = self._gallery.samples(self._members)
            self._crops = [crop_of(s.image, s.details) for s in samples if "landmarks" in s.details]
        return self._crops


def digest_of(sample: CarriedSample) -> bytes:
    """SHA-256 of the photo as it was given; of what was kept of it, where that is not known."""
    kept = sample.details.get("digest")
    return bytes.fromhex(str(kept)) if kept else hashlib.sha256(sample.image).digest()


def _consents_differ(one: Carried, known: Here) -> bool:
    return any(
        c.consent_id not in known.consents
        or (c.withdrawn_at is not None and not known.consents[c.consent_id])
        for c in one.consents
    )


def _not_now(_twin: object) -> str:
    return "cancel"


def _left_out(person: Subject, twin: Twin, why: LeftOutReason) -> LeftOut:
    near = twin.near
    return LeftOut(person.subject_id, person.name, why, near.subject_id, near.name, near.score)


def _unsound(person: Subject, why: str) -> LeftOut:
    """Perhaps the name is what is wrong, so it is quoted."""
    name = printable(person.name)
    return LeftOut(person.subject_id, name, LeftOutReason.UNSOUND, why=why)


def _families(everybody: dict[str, Subject]) -> list[list[str]]:
    """Each person's id and those of everybody merged into them, the person's first."""
    families = {s: [s] for s, subject in everybody.items() if subject.merged_into is None}
    for subject_id, subject in everybody.items():
        root = subject
        while root.merged_into is not None:
            root = everybody[root.merged_into]
        if root is not subject:
            families[root.subject_id].append(subject_id)
    return list(families.values())


def _person_first(family: Sequence[Carried], person: str) -> list[Carried]:
    """Empty where the person went meanwhile, or was merged into somebody."""
    first = [c for c in family if c.subject.subject_id == person and c.subject.state != "merged"]
    return [*first, *(c for c in family if c not in first)] if first else []


def _parents_first(family: Family) -> list[Carried]:
    """Each after the one it was merged into, for a row points at it."""
    placed, waiting = [family[0]], list(family[1:])
    while waiting:
        ids = {one.subject.subject_id for one in placed}
        ready = [one for one in waiting if one.subject.merged_into in ids]
        if not ready:
            break  # somebody was taken apart there while it was read; the next merge looks again
        placed += ready
        waiting = [one for one in waiting if one not in ready]
    return placed


def _differences(family: Family, here: dict[str, Subject]) -> Iterator[Differs]:
    for one in family:
        there, mine = one.subject, here.get(one.subject.subject_id)
        if mine is None:
            continue
        if mine.name != there.name:
            yield Differs(mine.subject_id, mine.name, "name", there.name)
        if there.external_id is not None and mine.external_id != there.external_id:
            yield Differs(mine.subject_id, mine.name, "external_id", there.external_id)
        if there.merged_into is not None and mine.merged_into is None:
            yield Differs(mine.subject_id, mine.name, "merged", there.merged_into)
