"""How good is it, on people whose names are known? As served: enroll, calibrate, identify."""

import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from enrollment.ahead import ahead
from enrollment.calibration import OperatingPoint, interval_95
from enrollment.capture import Capture, CapturedFace, main_face
from enrollment.cohort import Kind
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.identifier import Identification, Identifier
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import Photo, decode
from enrollment.reasons import Reason, ReasonCode
from enrollment.service import open_service


@dataclass(frozen=True)
class Probe:
    """A photo to search for. name: whom it shows; None for a stranger."""

    photo: Photo
    name: str | None


@dataclass
class Evaluation:
    """Counts and rates, as fractions of 1. A photo without a usable face counts as a miss."""

    backbone: str
    detector: str
    point: OperatingPoint
    n_subjects: int
    n_gallery_photos: int
    not_enrolled: list[str]
    refused_photos: list[dict[str, object]]
    answers: list[tuple[Probe, Identification]] = field(repr=False)
    seconds: dict[str, float] = field(default_factory=dict)

    def as_document(self) -> dict[str, object]:
        mated = [(p, a) for p, a in self.answers if p.name is not None]
        strangers = [a for p, a in self.answers if p.name is None]
        first = sum(bool(a.candidates) and a.candidates[0].name == p.name for p, a in mated)
        found = sum(a.decision == "known" and a.name == p.name for p, a in mated)
        named = sum(a.decision == "known" for a in strangers)
        undetected = sum(a.decision == "refused" for _, a in self.answers)
        tpir = found / len(mated) if mated else None
        return {
            "backbone": self.backbone,
            "detector": self.detector,
            "n_subjects": self.n_subjects,
            "n_mated": len(mated),
            "n_nonmated": len(strangers),
            "failure_to_enroll": _share(len(self.not_enrolled), self.n_subjects),
            "failure_to_enroll_photos": _share(len(self.refused_photos), self.n_gallery_photos),
            "failure_to_acquire": _share(undetected, len(self.answers)),
            "not_enrolled": self.not_enrolled,
            "refused_photos": self.refused_photos,
            "rank1": first / len(mated) if mated else None,
            "rank1_interval_95": list(interval_95(first, len(mated))) if mated else None,
            "threshold": self.point.threshold,
            "max_fpir": self.point.max_fpir,
            "promise": self.point.promise,
            "calibration": self.point.as_document(),
            "fpir": named / len(strangers) if strangers else None,
            "fpir_interval_95": list(interval_95(named, len(strangers))) if strangers else None,
            "tpir": tpir,
            "tpir_interval_95": list(interval_95(found, len(mated))) if mated else None,
            "fnir": None if tpir is None else 1 - tpir,
            "confusions": list(self._confusions()),
            "seconds": self.seconds,
        }

    def _confusions(self) -> Iterator[dict[str, object]]:
        for probe, answer in self.answers:
            best = answer.candidates[0] if answer.candidates else None
            wrong = best is not None and best.name != probe.name
            if wrong and best and (probe.name is not None or answer.decision == "known"):
                yield {
                    "source": answer.source,
                    "expected": probe.name,
                    "got": best.name,
                    "score": best.score,
                    "decision": answer.decision,
                }


@dataclass(frozen=True)
class Plan:
    """What to evaluate on. Names are folders' names; gallery and mated probes share them."""

    gallery: Sequence[Enrollee]
    mated: Sequence[Enrollee]
    strangers: Sequence[Photo]
    max_fpir: float
    cohort: Sequence[Photo] = ()  # other strangers, to build a cohort from

    @property
    def photos(self) -> int:
        people = sum(len(p.photos) for p in (*self.gallery, *self.mated))
        return people + len(self.strangers) + len(self.cohort)


def evaluate(
    settings: Settings, capture: Capture, plan: Plan, tick: Callable[[int], None]
) -> Evaluation:
    """Enroll into a temporary gallery, calibrate from it and the cohort, search for everybody.

    The gallery's labels are taken for true: people who look alike are enrolled all the same.

    Args:
        tick: called with the number of photos done since the last call.
    """
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="rollcall-evaluate-") as folder:
        key = secrets.token_hex(32)
        here = replace(settings, home=Path(folder), key=key, actor="evaluate", database=None)
        facts = facts_of(capture, "evaluation", "none")
        write_gallery(here, facts)
        service = open_service(here, capture=capture)
        with service:
            if plan.cohort:
                service.build_cohort(plan.cohort, Kind.CENTROIDS, "evaluation", lambda: tick(1))
            reports = list(
                service.enroll(plan.gallery, None, allow_collision, tick=lambda: tick(1))
            )
            watch.lap("enroll")
            point = service.calibrate(plan.max_fpir)
            watch.lap("calibrate")
            probes = labelled(plan.mated) + [Probe(photo, None) for photo in plan.strangers]
            answers = search(probes, capture, service.identifier, tick)
            watch.lap("identify")
    photos = sum(len(person.photos) for person in plan.gallery)
    return Evaluation(
        backbone=capture.backbone.name,
        detector=capture.detector.name,
        point=point,
        n_subjects=len(plan.gallery),
        n_gallery_photos=photos,
        not_enrolled=[report.name for report in reports if not report.enrolled],
        refused_photos=[
            {"source": s.source, "reasons": [r.code.value for r in s.reasons]}
            for report in reports
            for s in report.samples
            if not s.accepted
        ],
        answers=answers,
        seconds=watch.seconds,
    )


def labelled(people: Iterable[Enrollee]) -> list[Probe]:
    return [Probe(photo, person.name) for person in people for photo in person.photos]


def search(
    probes: Sequence[Probe],
    capture: Capture,
    identifier: Identifier,
    tick: Callable[[int], None],
) -> list[tuple[Probe, Identification]]:
    """One answer a photo: about its main face, because the label is the whole photo's."""

    def look(probe: Probe) -> CapturedFace | Reason:
        picture = decode(probe.photo)
        if isinstance(picture, Reason):
            return picture
        (faces,) = capture.faces([picture.image])
        found = main_face(faces, picture.image.shape)
        return found or Reason(ReasonCode.NO_FACE, "no face was found")

    answers: list[tuple[Probe, Identification]] = []
    for probe, face in ahead(look, probes):
        source = probe.photo.source
        if isinstance(face, Reason):
            answer = Identification(source, None, None, "refused", reasons=(face,))
        else:
            (answer,) = identifier.faces([face], source)
        answers.append((probe, answer))
        tick(1)
    return answers


class Stopwatch:
    """Seconds a stage, rounded for people."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._start = self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage] = round(now - self._last, 3)
        self._last = now
        self.seconds["total"] = round(now - self._start, 3)


def _share(part: int, whole: int) -> float | None:
    return float(np.divide(part, whole)) if whole else None
