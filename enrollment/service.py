"""Everything that people can ask of a gallery, the same at every door. Built in `open_service`."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import (
    OperatingPoint,
    Trials,
    leave_subjects_out,
    operating_point,
    stranger_trials,
)
from enrollment.capture import Capture, CapturedFace, main_face
from enrollment.champion import Champion, strangers_of
from enrollment.config import Settings
from enrollment.diagnosis import Diagnosis, diagnose
from enrollment.enroller import CollisionAnswer, Enroller, SubjectReport, refuse_collision
from enrollment.erasure import ErasureReceipt, erase
from enrollment.errors import BadInput
from enrollment.head_versions import find_head, promote, rollback
from enrollment.identifier import Identification, Identifier
from enrollment.intake import Enrollee, check_name, printable
from enrollment.liveness import Challenge
from enrollment.night_lease import JOB as NIGHT
from enrollment.night_report import NightReport
from enrollment.nightly import Nightly, NightResult
from enrollment.nightly import Progress as NightProgress
from enrollment.opening import database_url, open_capture, read_key
from enrollment.passage import PassagePolicy, Passages, Prompt
from enrollment.people import family, find_subject, matching
from enrollment.photo import Photo, decode
from enrollment.planning import NightPolicy
from enrollment.portrait import crop_of
from enrollment.quality import PROBE_LIMITS, judge
from enrollment.reasons import Reason, ReasonCode
from enrollment.roster import Roster
from models.backbone import Backbone
from models.head_trainer import HeadTrainer
from models.weights import Progress
from store.archive import Archive, open_archive
from store.gallery import Gallery, open_gallery, read_facts
from store.metadata import name_key
from store.records import Consent, GalleryFacts, Job, StoredHead, Subject, Verification

Tick = Callable[[], None]
_GROWTH = 0.02


@dataclass(frozen=True)
class VerificationAnswer:
    """Is this the person? score: cosine to the person's row; None without a usable face."""

    decision: str  # "known" | "unknown" | "refused"
    score: float | None
    threshold: float
    reasons: tuple[Reason, ...]

    def as_document(self) -> dict[str, object]:
        return {
            "decision": self.decision,
            "score": self.score,
            "threshold": self.threshold,
            "reasons": [reason.code.value for reason in self.reasons],
            "message": "; ".join(reason.message for reason in self.reasons) or None,
        }


class Service:
    """One gallery, open. Detector and backbone are opened when first needed.

    Safe to share between threads. Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        gallery: Gallery,
        archive: Archive,
        open_models: Callable[[], Capture],
        settings: Settings,
    ) -> None:
        self._gallery = gallery
        self._open_models = open_models
        self._settings = settings
        self._archive = archive
        self._champion = Champion(gallery, archive)
        self._roster = Roster(gallery, self._champion.trained)
        self._point: OperatingPoint | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._gallery.close()

    @property
    def facts(self) -> GalleryFacts:
        return self._gallery.facts

    @property
    def backbone(self) -> Backbone:
        return self._capture.backbone

    @cached_property
    def _capture(self) -> Capture:
        return self._open_models()

    @cached_property
    def _trainer(self) -> HeadTrainer:
        return HeadTrainer(self.facts.dimension)

    @cached_property
    def identifier(self) -> Identifier:
        return Identifier(self._capture, self._roster, self.operating_point)

    # -- enrolling and recognising --------------------------------------------------------------

    def enroll(
        self,
        people: Sequence[Enrollee],
        consent: str | None = None,
        on_collision: CollisionAnswer = refuse_collision,
        tick: Tick = lambda: None,
    ) -> Iterator[SubjectReport]:
        """Enroll people one after the other; each one is stored when it is handed back.

        Stopping between two loses nothing, and running again skips what is there. The operating
        point is measured anew at the end.

        Raises:
            BadInput: a name is not allowed, or belongs to several people.
        """
        for person in people:
            check_name(person.name)
        enroller = Enroller(self._gallery, self._capture, self._roster, self._settings.actor)
        before = self._gallery.generation()
        try:
            for person in people:
                yield enroller.enroll(person, consent, on_collision, tick)
        finally:
            if self._gallery.generation() != before:
                self.calibrate()

    def identify(self, photo: Photo) -> list[Identification]:
        """One answer for each face of a photo, largest first."""
        return self.identifier.photo(photo)

    def identify_image(
        self, image: NDArray[np.uint8], source: str, frame: int | None = None
    ) -> list[Identification]:
        """As `identify`, for (h, w, 3) uint8 RGB: a camera's or a video's frame."""
        return self.identifier.image(image, source, frame)

    def passages(
        self,
        source: str,
        policy: PassagePolicy | None = None,
        challenge: Callable[[], Challenge] | None = None,
        tell: Callable[[Prompt], None] = lambda prompt: None,
    ) -> Passages:
        """Follow everybody who passes one camera or is seen in one video: an answer a person.

        Args:
            source: the camera's or file's name, for the answers.
            challenge: makes the liveness challenge that everybody must pass; None requires none.
            tell: told what the person in a challenge is to do.
        """
        return Passages(
            self._capture,
            self.identifier,
            self.operating_point,
            source,
            policy or PassagePolicy(),
            challenge,
            tell,
        )

    def verify(self, photo: Photo, who: str) -> VerificationAnswer:
        """Does the photo show this person? Decided at the operating point's threshold.

        Raises:
            BadInput: nobody, or more than one person, is called so.
        """
        subject = find_subject(self._gallery.subjects().values(), who)
        self._capture  # noqa: B018 - a mismatch of fingerprints is said before anything else
        threshold = self.operating_point().threshold
        face = self._one_face(photo)
        if isinstance(face, Reason):
            return VerificationAnswer("refused", None, threshold, (face,))
        reasons = tuple(judge(face.quality, PROBE_LIMITS))
        if reasons:
            return VerificationAnswer("refused", None, threshold, reasons)
        score = self._roster.score(face.embedding, subject.subject_id)
        same = score is not None and score >= threshold
        return VerificationAnswer("known" if same else "unknown", score, threshold, ())

    def _one_face(self, photo: Photo) -> CapturedFace | Reason:
        picture = decode(photo)
        if isinstance(picture, Reason):
            return picture
        (faces,) = self._capture.faces([picture.image])
        face = main_face(faces, picture.image.shape)
        return face or Reason(ReasonCode.NO_FACE, "no face was found; show the whole face")

    # -- people -----------------------------------------------------------------------------------

    def people(self, search: str | None = None) -> list[Subject]:
        """The enrolled, oldest first; those merged into others answer as these."""
        return matching(self._gallery.subjects().values(), search)

    def person(self, who: str) -> Subject:
        """Raises BadInput when nobody, or more than one person, is called so."""
        return find_subject(self._gallery.subjects().values(), who)

    def face(self, subject_id: str) -> NDArray[np.uint8] | None:
        """The newest kept face of a person, (112, 112, 3) uint8 RGB; None when none is kept."""
        samples = self._gallery.samples(family(self._gallery.subjects().values(), subject_id))
        return crop_of(samples[-1].image, samples[-1].details) if samples else None

    def consents(self, subject_id: str) -> list[Consent]:
        return self._gallery.consents(subject_id)

    def rename(self, who: str, name: str) -> Subject:
        """Change the label; no id and no template changes."""
        check_name(name)
        subject = self.person(who)
        same_name = [
            s
            for s in self.people()
            if name_key(s.name) == name_key(name) and s.subject_id != subject.subject_id
        ]
        if same_name:
            raise BadInput(
                f"{printable(name)} is enrolled already; if they are one person run: "
                f"rollcall person merge {printable(subject.name)} {printable(name)}"
            )
        with self._gallery.change(self._settings.actor) as change:
            change.rename(subject.subject_id, name)
        return self._changed(subject)

    def merge(self, who: str, into: str) -> Subject:
        """`who` answers as `into` from now on. No template is touched: `unmerge` undoes it."""
        one, other = self.person(who), self.person(into)
        if one.subject_id == other.subject_id:
            raise BadInput("these are the same person already")
        if "suspended" in (one.state, other.state):
            raise BadInput("one of them is suspended; resume first")
        with self._gallery.change(self._settings.actor) as change:
            change.merge(one.subject_id, other.subject_id)
        return self._changed(other)

    def unmerge(self, who: str) -> Subject:
        """Bring back a subject that was merged into another; `who` is its own name or id."""
        subject = find_subject(self._gallery.subjects().values(), who, merged=True)
        with self._gallery.change(self._settings.actor) as change:
            change.set_state(subject.subject_id, "active")
        return self._changed(subject)

    def suspend(self, who: str) -> Subject:
        """Not found by any search until `resume`."""
        return self._set_state(who, "suspended")

    def resume(self, who: str) -> Subject:
        return self._set_state(who, "active")

    def likeness(self, one: Subject, other: Subject) -> float | None:
        """Cosine between two subjects' rows: what a merge is judged by."""
        return self._roster.likeness(one.subject_id, other.subject_id)

    def erase(self, who: str) -> ErasureReceipt:
        """Delete everything of this person, and of everyone merged into them."""
        return erase(
            self._gallery, self._archive, self._roster, self.person(who), self._settings.actor
        )

    def _set_state(self, who: str, state: str) -> Subject:
        subject = self.person(who)
        if subject.state != state:
            with self._gallery.change(self._settings.actor) as change:
                change.set_state(subject.subject_id, state)
        return self._changed(subject)

    def _changed(self, subject: Subject) -> Subject:
        return self._gallery.subjects()[subject.subject_id]

    # -- operating point --------------------------------------------------------------------------

    def operating_point(self) -> OperatingPoint:
        """The one of the gallery as it is now; measured if the gallery has changed since.

        Not for every newcomer: the rate of strangers named grows as the gallery does, so 2 % more
        people turn 1 % into 1.02 %, and nobody at the door waits for that to be measured.
        """
        with self._lock:
            generation = self._gallery.generation()
            if self._point is None or not self._holds(self._point, generation):
                stored = self._gallery.operating_point()
                if stored is not None and stored.generation == generation:
                    self._point = OperatingPoint(**stored.details)  # type: ignore[arg-type]
                else:
                    self._point = self._measure(self._gallery.max_fpir(), None)
            return self._point

    def _holds(self, point: OperatingPoint, generation: int) -> bool:
        if point.generation == generation:
            return True
        grown = self._gallery.grown_since(point.generation)
        return grown is not None and len(grown) <= _GROWTH * self._roster.size

    def calibrate(
        self, max_fpir: float | None = None, strangers: Sequence[Photo] | None = None
    ) -> OperatingPoint:
        """Measure the threshold at which at most `max_fpir` of the strangers are named; keep it.

        Args:
            max_fpir: a rate, 0 < rate <= 0.5; None keeps the one asked for before.
            strangers: photos of people who are not enrolled; None leaves subjects out in turn.
        """
        if max_fpir is not None and not 0 < max_fpir <= 0.5:
            raise BadInput("--max-fpir is a share of strangers between 0 and 0.5, such as 0.01")
        with self._lock:
            point = self._measure(max_fpir or self._gallery.max_fpir(), strangers)
            with self._gallery.change(self._settings.actor, raises_generation=False) as change:
                if change.generation == point.generation:
                    change.add_operating_point(
                        generation=point.generation,
                        threshold=point.threshold,
                        max_fpir=point.max_fpir,
                        details=point.as_document(),
                    )
                if max_fpir is not None:
                    change.set_max_fpir(max_fpir)
            self._point = point
            return point

    def _measure(self, max_fpir: float, strangers: Sequence[Photo] | None) -> OperatingPoint:
        templates = self._gallery.templates()
        trials = leave_subjects_out(templates.vectors, templates.subject_ids)
        if strangers is not None:
            trials = stranger_trials(trials, self._stranger_scores(strangers))
        prior = self._prior_threshold(trials)
        point = operating_point(trials, max_fpir, prior, templates.generation)
        head = self._gallery.champion()
        if head is None or strangers is not None or self._champion.trained() is None:
            return point
        # Leaving a subject out of rows that were trained against it says nothing; what was
        # measured on the night with trainings that had not seen the strangers does.
        honest = replace(strangers_of(head), subjects=trials.subjects, mated=trials.mated)
        stricter = operating_point(
            honest, max_fpir, prior, templates.generation, floor=point.threshold
        )
        return replace(
            stricter,
            explanation=f"{point.explanation}; and by trainings without a fifth of the subjects",
        )

    def _prior_threshold(self, trials: Trials) -> float:
        # An empty gallery names nobody at any threshold: do not load a backbone to say so.
        return self._capture.backbone.priors.threshold if trials.subjects else 1.0

    def _stranger_scores(self, strangers: Sequence[Photo]) -> NDArray[np.float64]:
        scores = []
        for photo in strangers:
            face = self._one_face(photo)
            if not isinstance(face, Reason):
                (ranking,) = self._roster.rank(face.embedding[None])
                served = bool(ranking.head_agrees) and len(ranking.scores) > 0
                scores.append(ranking.scores[0] if served else -np.inf)
        if not scores:
            raise BadInput("no face was found in the strangers' photos; give other photos")
        return np.asarray(scores, np.float64)

    # -- the night --------------------------------------------------------------------------------

    def nightly(
        self,
        policy: NightPolicy | None = None,
        progress: NightProgress = lambda stage, share: None,
        *,
        force: bool = False,
        full: bool = False,
        faces: bool = True,
    ) -> NightResult:
        """Learn what is new, measure it, and let it serve only if nothing gets worse.

        Once a UTC day; what `progress` raises ends it, and nothing is half done.

        Args:
            force: also when nothing changed or the day has had its night.
            full: train everything anew whatever it costs.
            faces: show in the report the photos that are named otherwise than before.
        """
        place = str(self._settings.home.resolve())
        report = NightReport(self._gallery, self._archive, place, faces)
        nightly = Nightly(
            self._gallery,
            self._archive,
            lambda: self._capture.backbone.priors.threshold,
            report.write,
            self._settings.actor,
            self._trainer,
        )
        result = nightly.run(policy or NightPolicy(), progress, force=force, full=full)
        if result.outcome != "skipped":
            self.calibrate()
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
        self.calibrate()
        return head

    def rollback_head(self) -> StoredHead:
        """Back to the version that served before. Raises BadInput when there was none."""
        head = rollback(self._gallery, self._archive, self._settings.actor)
        self.calibrate()
        return head

    def nights(self) -> list[Job]:
        """Every night that was run, oldest first."""
        return self._gallery.jobs(NIGHT)

    # -- care -------------------------------------------------------------------------------------

    def rebuild(self) -> int:
        """Build index and head anew from the database; returns the number of templates."""
        count = self._gallery.rebuild()
        self._roster = Roster(self._gallery, self._champion.trained)
        self.__dict__.pop("identifier", None)
        self._roster.refresh()
        return count

    def verify_gallery(self) -> Verification:
        """Compare the live index with one rebuilt from the database; check file and audit."""
        return self._gallery.verify()

    def diagnose(self) -> Diagnosis:
        """What is in force, what is wrong, and the next step. Loads the models."""
        return diagnose(
            self._gallery,
            lambda: self._capture,
            self.operating_point,
            self._settings,
            self._champion,
        )


def open_service(
    settings: Settings | Path | str,
    progress: Progress | None = None,
    capture: Capture | None = None,
) -> Service:
    """Open the gallery of these settings, or of this folder.

    Args:
        progress: told of bytes done and in all while weights are fetched.
        capture: detector and backbone that are open already and made this gallery; None opens
            those that the gallery was made with, when they are first needed.

    Raises:
        GalleryMissing, GalleryDamaged, GalleryLocked, KeyMissing: it cannot be used, and why.
    """
    if not isinstance(settings, Settings):
        settings = Settings(home=Path(settings))
    url = database_url(settings.home)
    facts = read_facts(url)
    key = read_key(settings, facts)
    return Service(
        open_gallery(url, key),
        open_archive(settings.home, key),
        lambda: capture or open_capture(settings, facts, progress),
        settings,
    )
