"""Everything that people can ask of a gallery, the same at every door. Built in `open_service`."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.accounts import Accounts
from enrollment.api_keys import ApiKeys
from enrollment.backups import Backups, KeptBackup
from enrollment.backups import Progress as BackupProgress
from enrollment.bulk import BulkEnrollment, BulkPlan, BulkResult, plan_bulk
from enrollment.calibration import Needed, OperatingPoint
from enrollment.calibrator import Calibrator
from enrollment.camera_budget import CameraBudget
from enrollment.capture import Capture, CapturedFace, main_face
from enrollment.champion import Champion
from enrollment.cohort import Kind, build_cohort, formula_of, repeats
from enrollment.cohort_choice import CohortChoice, CohortReport
from enrollment.config import Settings
from enrollment.diagnosis import Diagnosis, diagnose
from enrollment.enroller import CollisionAnswer, Enroller, SubjectReport, refuse_collision
from enrollment.erasure import ErasureReceipt, erase, erase_again
from enrollment.errors import BadInput, Ending
from enrollment.foresight import Foresight, Verdict
from enrollment.gallery_map import Mapmaker
from enrollment.guide import Guide, Shot
from enrollment.handed_in import HandedIn, read_handed_in
from enrollment.head_versions import find_head, lost, promote, rollback
from enrollment.identifier import Identification, Identifier, Onlooker
from enrollment.intake import Enrollee, check_name, printable
from enrollment.key_budget import KeyBudget
from enrollment.key_source import read_key
from enrollment.keys import Keys
from enrollment.liveness import Challenge
from enrollment.looks import Looks
from enrollment.merge_report import MergeReport
from enrollment.merging import EraseTheirs, Merging
from enrollment.merging import Progress as MergeProgress
from enrollment.night_lease import JOB as NIGHT
from enrollment.night_lease import runs_now
from enrollment.night_record import document_of, page_of
from enrollment.night_report import NightReport, with_faces
from enrollment.nightly import Nightly, NightResult
from enrollment.nightly import Progress as NightProgress
from enrollment.opening import database_url, index_url
from enrollment.other_site import open_other_site
from enrollment.outlook import Outlook
from enrollment.passage import PassagePolicy, Passages, Prompt
from enrollment.password import Passwords
from enrollment.people import find_subject, matching, meant
from enrollment.photo import Photo, decode
from enrollment.pipelines import Pipelines, PipelinesOf
from enrollment.planning import NightPolicy
from enrollment.portrait import crop_of
from enrollment.privacy import Privacy
from enrollment.profile import Profiles
from enrollment.quality import PROBE_LIMITS, judge
from enrollment.reasons import Reason, ReasonCode
from enrollment.rebackbone import Rebackbone
from enrollment.retention import DueKind
from enrollment.review import Review
from enrollment.review_queue import ReviewQueue
from enrollment.rights import Acting, Right, Who
from enrollment.roster import Roster
from enrollment.sessions import Sessions
from enrollment.tally import Tally
from enrollment.veto import Vetoes
from enrollment.webhooks import Webhooks
from enrollment.what_if import WhatIf
from enrollment.workplace import Eyes, Here, Workplace
from models.anti_spoofing import AntiSpoofing
from models.backbone import Backbone
from models.errors import ModelError
from models.fingerprint import backbone_fingerprint
from models.head_trainer import HeadTrainer
from models.weights import Progress
from store.archive import Archive, open_archive
from store.change import Change
from store.errors import StoreError
from store.gallery import Gallery, open_gallery, read_facts
from store.reach import Reached
from store.records import (
    Consent,
    Event,
    GalleryFacts,
    Job,
    Sample,
    StoredHead,
    Subject,
    Verification,
)
from wording.message import message, words_of

Tick = Callable[[], None]


@dataclass(frozen=True)
class VerificationAnswer:
    """Is this the person? score: cosine to the person's row; None without a usable face."""

    decision: str  # "known" | "unknown" | "refused"
    score: float | None
    threshold: float
    reasons: tuple[Reason, ...]
    vetoed: bool = False  # somebody said of a face like this one that it is not this person

    def as_document(self) -> dict[str, object]:
        return {
            "decision": self.decision,
            "score": self.score,
            "threshold": self.threshold,
            "reasons": [reason.code.value for reason in self.reasons],
            "message": "; ".join(reason.message for reason in self.reasons) or None,
            "vetoed": self.vetoed,
        }


class Service:
    """One gallery, open. Detector and backbone are opened when first needed.

    Safe to share between threads. Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        gallery: Gallery,
        archive: Archive,
        open_models: Callable[[GalleryFacts], Capture],
        settings: Settings,
        tally: Tally | None = None,
        *,
        pipelines: Pipelines | None = None,
        signs_in: bool = False,
        workplace: Workplace | None = None,
    ) -> None:
        self._pipelines = pipelines or PipelinesOf(settings)
        self._workplace = workplace or Here()
        self.signs_in = signs_in  # do people sign in, so that each may do what is theirs alone?
        self.tally = tally or Tally()
        self._ending = False
        self._camera_budgets: dict[str, CameraBudget] = {}
        self._gallery = gallery
        self._open_models = open_models
        self._opening = threading.RLock()
        self._opened: Capture | None = None
        self._made_for = gallery.facts.fingerprint  # the pipeline that everything here is of
        self._settings = settings
        self._archive = archive
        self._passwords = Passwords()
        self._cohorts = CohortChoice(gallery)
        self._champion = Champion(gallery, archive, lambda: formula_of(self._cohorts.current()))
        self._roster = self._new_roster()
        self._vetoes = Vetoes(gallery, self._roster)
        self.map = Mapmaker(gallery, lambda: self._roster)
        self._calibrator = Calibrator(
            gallery,
            lambda: self._roster,
            self._champion,
            lambda: self._capture.backbone.priors,
            settings.actor,
        )

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._gallery.close()

    @property
    def reached(self) -> Reached:
        """Does the database answer, and how long may memory speak for it?"""
        return self._gallery.reached

    def wait_for_database(self) -> None:
        """For whoever is about to change something: a short absence is waited for.

        Raises:
            DatabaseAway: it has not come back in 10 s.
        """
        self._gallery.wait_for_database()

    def wind_down(self) -> None:
        """A night that runs ends at its next safe point, and none begins: whoever serves ends.

        Safe to call in a signal's handler.
        """
        self._ending = True

    def cut_log(self) -> bool:
        """Fold the database's log into its file; False while another process reads an older
        state, and then SQLite does it later."""
        return self._gallery.cut_log()

    def _new_roster(self) -> Roster:
        return Roster(self._gallery, self._champion.trained, self._cohorts.current, self.tally)

    @property
    def acting(self) -> Acting:
        """In whose name this thread or task acts, and what they may do."""
        found = self._gallery.acting
        return found if isinstance(found, Acting) else Acting(self._settings.actor)

    def acting_as(self, acting: Acting) -> AbstractContextManager[None]:
        """Within, everything that this thread or task does is this one's."""
        return self._gallery.acting_as(acting)

    @property
    def facts(self) -> GalleryFacts:
        return self._gallery.facts

    @property
    def backbone(self) -> Backbone:
        return self._capture.backbone

    @property
    def _capture(self) -> Capture:
        # Ten visitors at once must not open ten backbones.
        with self._opening:
            self._follow_backbone()
            if self._opened is None:
                self._opened = self._open_models(self.facts).counted_by(self.tally)
            return self._opened

    def _follow_backbone(self) -> None:
        """Where the gallery has moved to another backbone, by whatever process: nothing that was
        made for the old one is used again. Whoever is in the middle of something is told
        (`BackboneMoved`), by the roster that they hold."""
        self._gallery.refresh()
        if self._gallery.facts.fingerprint == self._made_for:
            return  # without the lock, which whoever opens models holds for seconds
        with self._opening:
            if self._gallery.facts.fingerprint != self._made_for:
                self._opened = None
                self._made_for = self._gallery.facts.fingerprint
                self._renew()

    def _renew(self) -> None:
        self._roster = self._new_roster()
        self._vetoes = Vetoes(self._gallery, self._roster)
        for made_from_it in (
            "_identifier", "_queue", "_review", "_foresight", "_profiles", "_trainer",
        ):  # fmt: skip
            self.__dict__.pop(made_from_it, None)

    @property
    def is_warm(self) -> bool:
        """Are the models open, so that nobody waits for them?"""
        return self._opened is not None

    def warm(self) -> None:
        """Open detector and backbone and run them once, so that nobody waits for that later."""
        width, height = self.backbone.template.size
        blank = np.zeros((height, width, 3), np.uint8)
        self._capture.find(blank)
        # Not by `Capture`: this is nobody's face, and its seconds would stand among the others'.
        self.backbone.embed(blank[None])
        self.operating_point()

    @cached_property
    def _trainer(self) -> HeadTrainer:
        return HeadTrainer(self.facts.dimension)

    @property
    def identifier(self) -> Identifier:
        self._follow_backbone()
        return self._identifier

    @cached_property
    def _identifier(self) -> Identifier:
        return Identifier(
            self._capture, self._roster, self._vetoes, self.operating_point, self.tally
        )

    def _enroller(self) -> Enroller:
        return Enroller(
            self._gallery,
            self._capture,
            self._roster,
            self._vetoes,
            self._settings.actor,
            self._eyes(),
        )

    def _eyes(self) -> Eyes:
        facts = self.facts
        return self._workplace.eyes(self._capture, facts, lambda: self._pipelines.opener(facts))

    @cached_property
    def _foresight(self) -> Foresight:
        return Foresight(self._gallery, self._roster, self.operating_point)

    @property
    def queue(self) -> ReviewQueue:
        """Faces that wait for a person's word; doors offer theirs here."""
        self._follow_backbone()
        return self._queue

    @cached_property
    def _queue(self) -> ReviewQueue:
        return ReviewQueue(
            self._gallery,
            lambda: self._capture,
            self._roster,
            self._vetoes,
            self.operating_point,
            self._settings.review,
            self._settings.actor,
        )

    @property
    def review(self) -> Review:
        """What people decide on them."""
        self._follow_backbone()
        return self._review

    @cached_property
    def _review(self) -> Review:
        return Review(
            self._gallery,
            self.queue,
            self._vetoes,
            self._enroller,
            self._calibrator.follow,
            self._settings.actor,
        )

    @cached_property
    def privacy(self) -> Privacy:
        """Whose data is due, what people ask for, and who did what."""
        return Privacy(
            self._gallery, self._settings.retention, self._settings.review, self._settings.actor
        )

    @cached_property
    def looks(self) -> Looks:
        """Who looked at whose data."""
        return Looks(self._gallery, lambda: self.acting.actor)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """Who may ask over HTTP, and for what."""
        return ApiKeys(self._gallery, self._settings.actor)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Which other software is told what happens here."""
        return Webhooks(self._gallery, self._settings.actor)

    @property
    def accounts(self) -> Accounts:
        """Who may sign in, and as what. Raises Forbidden for whoever may not know."""
        if not self.acting.may(Right.ACCOUNTS):
            self.acting.demand(Right.ACCOUNTS)
        return self._accounts

    @cached_property
    def _accounts(self) -> Accounts:
        return Accounts(self._gallery, self._passwords, self._settings.actor)

    @cached_property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        return Sessions(self._gallery, self._passwords)

    @cached_property
    def key_budget(self) -> KeyBudget:
        """How often keys may ask who somebody is."""
        return KeyBudget(self._gallery)

    @cached_property
    def backups(self) -> Backups:
        """One file that holds everything, sealed; `backup` makes one."""
        return Backups(self._gallery, self._archive, self._settings)

    @property
    def keys(self) -> Keys:
        """The master key. Raises Forbidden for whoever may not know."""
        if not self.acting.may(Right.SYSTEM):
            self.acting.demand(Right.SYSTEM)
        return Keys(self._gallery, self._archive, self._settings)

    @property
    def profiles(self) -> Profiles:
        """One person at a time, whole."""
        self._follow_backbone()
        return self._profiles

    @cached_property
    def _profiles(self) -> Profiles:
        return Profiles(
            self._gallery,
            self._roster,
            self.operating_point,
            lambda: self._capture.backbone.priors,
            self._settings.actor,
            self.looks,
        )

    # -- enrolling and recognising --------------------------------------------------------------

    def enroll(
        self,
        people: Sequence[Enrollee],
        consent: str | None = None,
        on_collision: CollisionAnswer = refuse_collision,
        tick: Tick = lambda: None,
        consent_until: datetime | None = None,
    ) -> Iterator[SubjectReport]:
        """Enroll people one after the other; each one is stored when it is handed back.

        Stopping between two loses nothing, and running again skips what is there. The operating
        point is measured anew at the end.

        Args:
            consent_until: when `consent` ends; None: when it is withdrawn.

        Raises:
            BadInput: a name is not allowed, or belongs to several people.
        """
        for person in people:
            check_name(person.name)
        enroller = self._enroller()
        before = self._gallery.generation()
        try:
            for person, sights in enroller.ahead(people, consent):
                yield enroller.enroll(person, consent, on_collision, tick, consent_until, sights)
        finally:
            self._follow_enrolled(before)

    def _follow_enrolled(self, before: int) -> None:
        """Whoever was handed back is enrolled, also where there is no room for a new operating
        point: then it is measured when somebody asks for it."""
        with suppress(StoreError):
            if self._gallery.generation() != before:
                self._calibrator.follow()

    def plan_bulk(self, files: Sequence[HandedIn]) -> BulkPlan:
        """Whom these files hold, and what enrolling them would do; nothing is stored.

        Raises:
            BadInput: the files are not what people can be read from.
        """
        return plan_bulk(read_handed_in(files), self._gallery.subjects().values())

    def enroll_bulk(
        self,
        people: Iterable[Enrollee],
        consent: str | None,
        on_collision: CollisionAnswer = refuse_collision,
        tick: Tick = lambda: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> Iterator[BulkResult]:
        """As `enroll`, but whoever is refused stops nobody else; see `BulkEnrollment`."""
        bulk = BulkEnrollment(self._gallery, self._enroller(), consent, on_collision, tick, wait)
        before = self._gallery.generation()
        try:
            yield from bulk.enroll(people)
        finally:
            self._follow_enrolled(before)

    def preview(self, person: Enrollee, tick: Tick = lambda: None) -> Verdict:
        """What enrolling these photos would do and be good for; nothing is stored.

        Raises:
            BadInput: the name is not allowed, or belongs to several people.
        """
        check_name(person.name)
        return self._foresight.verdict(self._enroller().preview(person, tick))

    def namesake(self, name: str, external_id: str | None = None) -> Subject | None:
        """To whom photos under this name would be added; None: they make a new person.

        Raises:
            BadInput: as `people.meant`.
        """
        found = self._gallery.namesakes(name, external_id)
        return meant(found, Enrollee(name, external_id, ()))

    def guide(self) -> Guide:
        """Helps one person to film himself for five views, to be enrolled with them."""
        return Guide(self._capture)

    @property
    def has_recognised(self) -> bool:
        """Was anybody recognised since this was opened? Whom and when is not kept."""
        return self.identifier.has_recognised

    def outlook_of(self, shots: Sequence[Shot]) -> Outlook:
        """What the views taken so far are good for, if they were a new person's only photos."""
        vectors = [shot.vector[None] for shot in shots]
        nothing = np.empty((0, self.facts.dimension), np.float32)
        return self._foresight.outlook(
            np.concatenate([nothing, *vectors]), [shot.yaw for shot in shots]
        )

    def identify(self, photo: Photo, onlooker: Onlooker | None = None) -> list[Identification]:
        """One answer for each face of a photo, largest first; `queue.look_on` is an onlooker."""
        return self.identifier.photo(photo, onlooker)

    def identify_image(
        self,
        image: NDArray[np.uint8],
        source: str,
        frame: int | None = None,
        onlooker: Onlooker | None = None,
    ) -> list[Identification]:
        """As `identify`, for (h, w, 3) uint8 RGB: a camera's or a video's frame."""
        return self.identifier.image(image, source, frame, onlooker)

    def passages(
        self,
        source: str,
        policy: PassagePolicy | None = None,
        challenge: Callable[[], Challenge] | None = None,
        tell: Callable[[Prompt], None] = lambda prompt: None,
        onlooker: Onlooker | None = None,
        anti_spoofing: bool = False,
        budget: CameraBudget | None = None,
    ) -> Passages:
        """Follow everybody who passes one camera or is seen in one video: an answer a person.

        Args:
            source: the camera's or file's name, for the answers.
            challenge: makes the liveness challenge that everybody must pass; None requires none.
            tell: told what the person in a challenge is to do.
            onlooker: told once of everybody who was not named; `queue.look_on` is one.
            anti_spoofing: also refuse what deepface's networks take for a picture.
            budget: slows down who is unknown again and again; None: nobody.

        Raises:
            BadInput: the weights of anti-spoofing are not here, or cannot be used.
        """
        real = None
        if anti_spoofing:
            try:
                real = AntiSpoofing(self._weights_folders).real
            except ModelError as error:
                raise BadInput(words_of(error)) from error
        return Passages(
            self._capture,
            self.identifier,
            self.operating_point,
            source,
            policy or PassagePolicy(),
            challenge,
            tell,
            onlooker,
            real,
            budget,
        )

    def camera_budget(self, camera: str) -> CameraBudget:
        """The one of this camera, for as long as this process lives: a page that is loaded anew
        begins no new row."""
        return self._camera_budgets.setdefault(camera, CameraBudget())

    @property
    def _weights_folders(self) -> list[Path]:
        return [self._settings.weights_home, *self._settings.weights_search]

    def verify(self, photo: Photo, who: str) -> VerificationAnswer:
        """Does the photo show this person? Decided at the operating point's threshold.

        Raises:
            BadInput: nobody, or more than one person, is called so.
        """
        answer = self._verified(photo, who)
        self.tally.decided("verify", answer.decision)
        return answer

    def _verified(self, photo: Photo, who: str) -> VerificationAnswer:
        subject = find_subject(self._gallery.called(who), who)
        self._capture  # noqa: B018 - a mismatch of fingerprints is said before anything else
        threshold = self.operating_point().threshold
        face = self._one_face(photo)
        if isinstance(face, Reason):
            return VerificationAnswer("refused", None, threshold, (face,))
        reasons = tuple(judge(face.quality, PROBE_LIMITS))
        if reasons:
            return VerificationAnswer("refused", None, threshold, reasons)
        score = self._roster.score(face.embedding, subject.subject_id)
        priors = self._capture.backbone.priors
        vetoed = self._vetoes.against(face.embedding, subject.subject_id, priors.same_person)
        same = score is not None and score >= threshold and vetoed is None
        decision = "known" if same else "unknown"
        return VerificationAnswer(decision, score, threshold, (), vetoed is not None)

    def _one_face(self, photo: Photo) -> CapturedFace | Reason:
        picture = decode(photo)
        if isinstance(picture, Reason):
            return picture
        (faces,) = self._capture.faces([picture.image])
        face = main_face(faces, picture.image.shape)
        return face or Reason(ReasonCode.NO_FACE, message("no face was found; show the whole face"))

    # -- people -----------------------------------------------------------------------------------

    def people(self, search: str | None = None) -> list[Subject]:
        """The enrolled, oldest first; those merged into others answer as these."""
        found = matching(self._gallery.subjects().values(), search)
        if found:
            self.looks.people(len(found))
        return found

    def people_page(
        self,
        search: str = "",
        states: Sequence[str] = ("active", "suspended"),
        order: str = "name",
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[Subject], int]:
        """Some of the enrolled, and how many there are in all; as `Gallery.page_of_subjects`."""
        found, total = self._gallery.page_of_subjects(search, states, order, offset, limit)
        if found:
            self.looks.people(len(found))
        return found, total

    def names(self, subject_ids: Collection[str]) -> dict[str, str]:
        """What these people are called, by id; who is not there any more is left out."""
        return self._gallery.names(subject_ids)

    def generation(self) -> int:
        """A number that every change of whom is found raises."""
        return self._gallery.generation()

    def count(self) -> int:
        """How many people are enrolled."""
        return self._gallery.count()

    def count_templates(self) -> int:
        """How many templates are kept, of everybody."""
        return self._gallery.count_templates()

    def everybody(self) -> list[Subject]:
        """As `people`, and those who were merged into others."""
        return list(self._gallery.subjects().values())

    def person(self, who: str) -> Subject:
        """Raises BadInput when nobody, or more than one person, is called so."""
        whole = self._gallery.family(who)
        if whole and whole[0].state != "merged":
            return whole[0]
        return find_subject(self._gallery.called(who), who)

    def subject(self, subject_id: str) -> Subject | None:
        """The person of this id, without the templates of those merged into them; None where
        they are not here, or were merged into somebody."""
        found = self._gallery.some_subjects([subject_id]).get(subject_id)
        return found if found is not None and found.state != "merged" else None

    def face(self, subject_id: str) -> NDArray[np.uint8] | None:
        """The newest kept face of a person, (112, 112, 3) uint8 RGB; None when none is kept."""
        newest = self._gallery.newest_samples([subject_id]).get(subject_id)
        return None if newest is None else crop_of(newest.image, newest.details)

    def consents(self, subject_id: str) -> list[Consent]:
        """What a person agreed to; the audit trail says who looked."""
        found = self._gallery.consents(subject_id)
        if found:
            self.looks.person(subject_id)
        return found

    def samples(self, subject_id: str) -> list[Sample]:
        """The kept photos of a person and of everyone merged into them, oldest first; `details`
        say where each came from (`lineage`). The audit trail says who looked."""
        found = self._gallery.samples([s.subject_id for s in self._gallery.family(subject_id)])
        if found:
            self.looks.person(subject_id)
        return found

    def rename(self, who: str, name: str, *, same_name: bool = False) -> Subject:
        """Change the label; no id and no template changes.

        Args:
            same_name: also where somebody else has this name, because a person said so.
        """
        check_name(name)
        subject = self.person(who)
        if not same_name and self.profiles.same_name(name, subject.subject_id):
            raise BadInput(
                message(
                    "{name} is enrolled already; if they are one person run: "
                    "rollcall person merge {one} {name}",
                    name=printable(name),
                    one=printable(subject.name),
                )
            )
        with self._gallery.change(self._settings.actor) as change:
            _check_unchanged(change, subject)
            change.rename(subject.subject_id, name)
        return self._changed(subject)

    def merge(self, who: str, into: str) -> Subject:
        """`who` answers as `into` from now on. No template is touched: `unmerge` undoes it."""
        one, other = self.person(who), self.person(into)
        if one.subject_id == other.subject_id:
            raise BadInput(message("these are the same person already"))
        if "suspended" in (one.state, other.state):
            raise BadInput(message("one of them is suspended; resume first"))
        with self._gallery.change(self._settings.actor) as change:
            # Two who merge each way at once would leave nobody who answers.
            _check_unchanged(change, one)
            _check_unchanged(change, other)
            change.merge(one.subject_id, other.subject_id)
        return self._changed(other)

    def unmerge(self, who: str) -> Subject:
        """Bring back a subject that was merged into another; `who` is its own name or id."""
        subject = find_subject(self._gallery.called(who), who, merged=True)
        with self._gallery.change(self._settings.actor) as change:
            _check_unchanged(change, subject)
            change.set_state(subject.subject_id, "active")
        return self._changed(subject)

    def suspend(self, who: str) -> Subject:
        """Not found by any search until `resume`."""
        return self._set_state(who, "suspended")

    def resume(self, who: str) -> Subject:
        """Raises BadInput where no consent of theirs holds any more."""
        self.privacy.check_consent(self.person(who))
        return self._set_state(who, "active")

    def merge_gallery(
        self,
        other: Settings,
        on_twin: CollisionAnswer,
        erase_theirs: EraseTheirs,
        progress: MergeProgress = lambda stage, share: None,
    ) -> MergeReport:
        """Take another site's people over, as `Merging.run`; the threshold is measured anew.

        Args:
            other: where the other gallery and its key are; it is only read.

        Raises:
            BadInput, FingerprintMismatch: they cannot be merged. GalleryDamaged, GalleryLocked,
            KeyMissing: the other one cannot be read. What was taken over until then stays.
        """
        self.acting.demand(Right.SYSTEM)
        before = self._gallery.generation()
        try:
            with open_other_site(other, self.facts) as site:
                merging = Merging(
                    self._gallery,
                    self._archive,
                    self._roster,
                    self.backbone.priors,
                    site,
                    self._settings.actor,
                )
                return merging.run(on_twin, erase_theirs, progress)
        finally:
            if self._gallery.generation() != before:
                self._calibrator.follow()

    def likeness(self, one: Subject, other: Subject) -> float | None:
        """Cosine between two subjects' rows: what a merge is judged by."""
        self._follow_backbone()
        return self._roster.likeness(one.subject_id, other.subject_id)

    def erase(self, who: str) -> ErasureReceipt:
        """Delete everything of this person, and of everyone merged into them."""
        self.acting.demand(Right.ERASE)  # before anybody learns whether such a person is here
        return self._erase(self.person(who), lambda: True)

    def erase_due(
        self, subject_ids: Sequence[str], kinds: Collection[DueKind]
    ) -> Iterator[ErasureReceipt | None]:
        """Erase, one after the other, everybody of a list who is still due for one of these
        reasons; None for somebody who is not: they have agreed again since, or are erased."""
        self.acting.demand(Right.ERASE)
        for subject_id in subject_ids:
            due = partial(self.privacy.is_due, subject_id, kinds)
            subject = self.subject(subject_id)
            try:
                yield self._erase(subject, due) if subject is not None else None
            except BadInput:
                yield None

    def _erase(self, subject: Subject, due: Callable[[], bool]) -> ErasureReceipt:
        self._follow_backbone()
        actor = self._settings.actor
        receipt = erase(self._gallery, self._archive, self._roster, subject, actor, due)
        self.queue.let_go()
        self.map.forget()
        return receipt

    def _set_state(self, who: str, state: str) -> Subject:
        subject = self.person(who)
        if subject.state != state:
            with self._gallery.change(self._settings.actor) as change:
                _check_unchanged(change, subject)
                change.set_state(subject.subject_id, state)
        return self._changed(subject)

    def _changed(self, subject: Subject) -> Subject:
        (now, *_) = self._gallery.family(subject.subject_id) or [subject]
        return now

    # -- operating point --------------------------------------------------------------------------

    def operating_point(self) -> OperatingPoint:
        """The one of the gallery as it is now; measured if the gallery has changed since."""
        return self._calibrator.point()

    def point_document(self, point: OperatingPoint) -> dict[str, object]:
        """For the doors: whom strangers would be taken for, and who is near whom, with names."""
        near = {subject_id for pair in point.near_pairs for subject_id in (pair.one, pair.other)}
        names = self.names({match.subject_id for match in point.false_matches} | near)
        named = [
            {**asdict(match), "name": names[match.subject_id]}
            for match in point.false_matches
            if match.subject_id in names
        ]
        pairs = [
            {**asdict(pair), "names": [names[pair.one], names[pair.other]]}
            for pair in point.near_pairs
            if pair.one in names and pair.other in names
        ]
        return point.as_document() | {"false_matches": named, "near_pairs": pairs}

    def operating_points(self) -> list[tuple[datetime, OperatingPoint]]:
        """Every one that was kept, oldest first."""
        return self._calibrator.history()

    def newest_operating_points(self, most: int) -> list[tuple[datetime, OperatingPoint]]:
        """The last of `operating_points`, oldest first."""
        return self._calibrator.newest(most)

    def what_if(self, max_fpir: float) -> WhatIf:
        """What another rate of strangers would give and change; nothing is stored.

        The first answer after a change takes seconds in a large gallery, for then the searches are
        made that all answers are counted in.

        Args:
            max_fpir: a rate, 0 < rate <= 0.5.
        """
        return self._calibrator.what_if(max_fpir)

    def needed_for(self, point: OperatingPoint) -> Needed:
        """What is missing where this one promises nothing; searches nothing."""
        return self._calibrator.needed_for(point)

    def calibrate(
        self, max_fpir: float | None = None, strangers: Sequence[Photo] | None = None
    ) -> OperatingPoint:
        """Measure the threshold at which at most `max_fpir` of the strangers are named; keep it.

        Args:
            max_fpir: a rate, 0 < rate <= 0.5; None keeps the one asked for before.
            strangers: photos of people who are not enrolled; None leaves subjects out in turn.
        """
        self.acting.demand(Right.THRESHOLD)
        vectors = None if strangers is None else self._embedded(strangers)
        if vectors is not None and not len(vectors):
            raise BadInput(message("no face was found in the strangers' photos; give other photos"))
        return self._calibrator.measure(max_fpir, vectors)

    def _embedded(self, photos: Iterable[Photo], tick: Tick = lambda: None) -> NDArray[np.float32]:
        """(n, dimension): the main face of each photo that has one."""
        rows = []
        for photo in photos:
            face = self._one_face(photo)
            tick()
            if not isinstance(face, Reason):
                rows.append(face.embedding)
        return np.stack(rows) if rows else np.empty((0, self.facts.dimension), np.float32)

    # -- the cohort -------------------------------------------------------------------------------

    def cohort(self) -> CohortReport:
        """The strangers that confidence is measured against."""
        return CohortReport(self._cohorts.current(), self._cohorts.is_own)

    def build_cohort(
        self,
        strangers: Sequence[Photo],
        kind: Kind,
        made_from: str,
        tick: Tick = lambda: None,
    ) -> CohortReport:
        """Measure confidence against these strangers from now on, and the threshold anew.

        Only one photo of each stranger counts, and nobody who is enrolled.

        Raises:
            BadInput: they are too few.
        """
        self.acting.demand(Right.THRESHOLD)
        found = self._embedded(strangers, tick)
        priors, backbone = self._capture.backbone.priors, self._capture.backbone
        enrolled = self._roster.nearest_cosines(found) >= priors.threshold
        repeated = repeats(found, priors.threshold)
        cohort = build_cohort(
            found[~enrolled & ~repeated],
            kind,
            backbone_fingerprint(backbone),
            priors.threshold,
            made_from,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._gallery.change(self._settings.actor) as change:
            change.check_backbone(self._roster.fingerprint)
            change.put_cohort(cohort.vectors, cohort.as_document())
        self._calibrator.follow()
        return CohortReport(
            self._cohorts.current(),
            own=True,
            without_face=len(strangers) - len(found),
            enrolled=int(enrolled.sum()),
            repeated=int((repeated & ~enrolled).sum()),
        )

    @property
    def rebackbone(self) -> Rebackbone:
        """Another backbone for this gallery."""
        return Rebackbone(
            self._gallery,
            self._archive,
            self._pipelines,
            lambda: self._capture,
            self._calibrator.follow,
            str(self._settings.home.resolve()),
            self._settings.actor,
            workplace=self._workplace,
        )

    def drop_cohort(self) -> CohortReport:
        """Forget the strangers that were brought here; back to the backbone's own, if any."""
        self.acting.demand(Right.THRESHOLD)
        with self._gallery.change(self._settings.actor) as change:
            change.drop_cohort()
        self._calibrator.follow()
        return self.cohort()

    # -- the night --------------------------------------------------------------------------------

    def nightly(
        self,
        policy: NightPolicy | None = None,
        progress: NightProgress = lambda stage, share: None,
        *,
        force: bool = False,
        full: bool = False,
        faces: bool = False,
    ) -> NightResult:
        """Learn what is new, measure it, and let it serve only if nothing gets worse.

        Once a UTC day; what `progress` raises ends it, and nothing is half done.

        Args:
            force: also when nothing changed or the day has had its night.
            full: train everything anew whatever it costs.
            faces: put into the report's file, which is not encrypted, the photos that are named
                otherwise than before; `night_page` shows them anyway.

        Raises:
            Ending: `wind_down` was called meanwhile.
        """
        self.acting.demand(Right.LEARN)
        with self.tally.night() as counted:
            told = counted.stoppable(self._until_the_end(progress))
            result = self._night(policy or NightPolicy(), told, force, full, faces)
            counted.ended(result.outcome, result.mode)
        return result

    def head_lost(self) -> bool:
        """Did the head that served go with somebody who was erased, with no night since?"""
        return lost(self._gallery)

    def _until_the_end(self, progress: NightProgress) -> NightProgress:
        def told(stage: str, share: float) -> None:
            if self._ending:
                raise Ending(
                    message(
                        "It was stopped; nothing was changed, and the day can still have its night."
                    )
                )
            progress(stage, share)

        return told

    def _night(
        self, policy: NightPolicy, progress: NightProgress, force: bool, full: bool, faces: bool
    ) -> NightResult:
        self.queue.expire()
        self.api_keys.expire()
        self.rebackbone.expire()
        place = str(self._settings.home.resolve())
        report = NightReport(self._gallery, self._archive, place, faces)
        nightly = Nightly(
            self._gallery,
            self._archive,
            lambda: self._capture.backbone.priors.threshold,
            report.write,
            self._settings.actor,
            self._workplace.trainings(self._trainer),
            self._roster.cohort,
            self._calibrator.steady,
        )
        result = nightly.run(policy, progress, force=force, full=full)
        if result.outcome != "skipped":
            self._calibrator.follow()
        return result

    def heads(self) -> list[StoredHead]:
        """Every kept version of the head, oldest first."""
        return self._gallery.heads()

    def head(self, wanted: str) -> StoredHead:
        """Raises BadInput when there is no such version."""
        return find_head(self._gallery.heads(), wanted)

    def promote_head(self, wanted: str) -> StoredHead:
        """Let a kept version serve, because a person says so."""
        head = promote(self._gallery, self._archive, wanted, self._settings.actor)
        self._calibrator.follow()
        return head

    def rollback_head(self) -> StoredHead:
        """Back to the version that served before. Raises BadInput when there was none."""
        head = rollback(self._gallery, self._archive, self._settings.actor)
        self._calibrator.follow()
        return head

    def nights(self) -> list[Job]:
        """Every night that was run, oldest first."""
        return self._gallery.jobs(NIGHT)

    def nights_page(self, offset: int = 0, limit: int = 30) -> tuple[list[Job], int]:
        """Some nights, the newest first, and how many there are in all."""
        return self._gallery.page_of_jobs(NIGHT, offset, limit)

    def night_process(self) -> int | None:
        """The process that runs a night at this moment; None where none does."""
        newest, _ = self._gallery.page_of_jobs(NIGHT, 0, 2)
        running = [night for night in newest if runs_now(night, datetime.now(UTC))]
        return int(str(running[0].details["pid"])) if running else None

    def night_page(self, night: Job) -> str | None:
        """A night's report as HTML; None where an erasure has taken it."""
        page = page_of(self._archive, night)
        if page is None:
            return None
        page, shown = with_faces(page, self._gallery)
        if shown:
            self.looks.people(len(shown))
        return page

    def night_document(self, night: Job) -> Mapping[str, object] | None:
        """A night's report as a document; None where an erasure has taken it."""
        return document_of(self._archive, night)

    def last_night(self) -> Job | None:
        """The night of the latest day; None before the first."""
        nights, _ = self.nights_page(limit=1)
        return nights[0] if nights else None

    def night_of(self, day: str) -> dict[str, object] | None:
        """How the night of a UTC day, YYYY-MM-DD, ended, nobody named; None where none has."""
        found = next((n for n in self.nights() if n.day == day and n.state == "finished"), None)
        if found is None:
            return None
        told = {key: found.details.get(key) for key in ("run_id", "outcome", "mode", "metrics")}
        return told | {"day": day, "reason": str(found.details.get("reason")), "report": None}

    def events_page(self, offset: int = 0, limit: int = 50) -> tuple[list[Event], int]:
        """What was counted of people, newest first, and how many rows there are."""
        return self._gallery.page_of_events(offset, limit)

    def waiting(self) -> int:
        """How many faces wait in the review queue."""
        return self._gallery.queue_size()[0]

    # -- care -------------------------------------------------------------------------------------

    def rebuild(self) -> int:
        """Build index and head anew from the database; returns the number of templates."""
        self.acting.demand(Right.SYSTEM)
        count = self._gallery.rebuild()
        self.tally.rebuilt()
        self._follow_backbone()
        self._renew()
        self._roster.refresh()
        return count

    def check_index(self) -> None:
        """Raises IndexUnusable where it is in Milvus, and nobody can be recognised just now."""
        self._gallery.check_index()

    def verify_gallery(
        self, progress: Callable[[float], None] = lambda share: None
    ) -> Verification:
        """Compare the live index with one rebuilt from the database; check file and audit."""
        return self._gallery.verify(progress)

    def backup(
        self, path: Path | None = None, tick: BackupProgress = lambda stage, share: None
    ) -> KeptBackup:
        """As `Backups.make`: a sealed file, opened once to see that it can be."""
        self.acting.demand(Right.SYSTEM)
        return self.backups.make(path, tick)

    def diagnose(self, progress: Callable[[float], None] = lambda share: None) -> Diagnosis:
        """What is in force, what is wrong, and the next step. Loads the models.

        Args:
            progress: told of the share of the templates that is read; what it raises ends it.
        """
        return diagnose(
            self._gallery,
            lambda: self._capture,
            self.operating_point,
            self._settings,
            self._champion,
            self._cohorts.current,
            self._weights_folders,
            progress,
        )


def _check_unchanged(change: Change, subject: Subject) -> None:
    """Raises BadInput when somebody else was quicker."""
    now = change.subject(subject.subject_id)
    if now is None or now.state != subject.state:
        raise BadInput(
            message(
                "{name} was erased, merged, suspended or resumed by somebody else meanwhile; "
                "nothing was changed, look again",
                name=printable(subject.name),
            )
        )


def open_service(
    settings: Settings | Path | str,
    progress: Progress | None = None,
    capture: Capture | None = None,
    who: Who | None = None,
    pipelines: Pipelines | None = None,
    workplace: Workplace | None = None,
) -> Service:
    """Open the gallery of these settings, or of this folder.

    Args:
        progress: told of bytes done and in all while weights are fetched.
        capture: detector and backbone that are open already and made this gallery; None opens
            those that the gallery was made with, when they are first needed.
        pipelines: opens detectors and backbones by name; None: those that Rollcall knows.
        who: in whose name a thread acts, where people sign in; None: nobody does.
        workplace: where many photos are looked at and heads are trained; None: in this process.

    Raises:
        GalleryMissing, GalleryDamaged, GalleryLocked, KeyMissing: it cannot be used, and why.
    """
    if not isinstance(settings, Settings):
        settings = Settings(home=Path(settings))
    url = database_url(settings.home)
    facts, key_id = read_facts(url)
    gallery = open_gallery(
        url,
        read_key(settings, facts.gallery_id, key_id),
        settings.anchor_files(facts.gallery_id),
        who or (lambda: None),
        memory=settings.without_database,
        index=index_url(settings.home),
    )
    archive = open_archive(settings.home, gallery.vault)
    archive.settle(gallery.head_files())
    if erase_again(gallery, archive, settings.actor):
        with suppress(StoreError):  # doctor says what is not finished
            gallery.finish_erasures(of_subjects_alone=True)
    known = pipelines or PipelinesOf(settings, progress)
    made_for = gallery.facts.fingerprint

    def open_models(facts: GalleryFacts) -> Capture:
        given = capture is not None and facts.fingerprint == made_for
        return capture if given and capture is not None else known.of_gallery(facts)

    return Service(
        gallery,
        archive,
        open_models,
        settings,
        Tally(),
        pipelines=known,
        signs_in=who is not None,
        workplace=workplace,
    )
