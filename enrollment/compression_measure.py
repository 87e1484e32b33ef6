"""What a backbone costs and how well it finds people: in a process of its own, so that the memory
of one is not counted for another, and two large ones are never in memory at once."""

import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.config import Settings
from enrollment.enrollee import Enrollee
from enrollment.errors import BadInput, Unusable
from enrollment.evaluation import Plan, evaluate
from enrollment.intake import gather
from enrollment.opening import capture_for_evaluation
from models.backbone import Backbone
from models.fingerprint import backbone_fingerprint, golden_embeddings
from wording.message import message

ENROLLED = 3  # photos of a person, of those who have as many and one more
_RATE = 0.01
_TIMES = 4  # that each crop is embedded, after a first time


@dataclass(frozen=True)
class Measured:
    """Of one backbone.

    resident: bytes of the process after all was embedded, with Python and TensorFlow in it;
    peak: the most it ever had. alone, together: milliseconds of processor for a face, one by one
    and in batches of 8. golden, rows: embeddings of the golden images and of the given crops.
    accuracy: as `evaluate --json`; None without photos.
    """

    name: str
    fingerprint: str
    file_size: int
    resident: int
    peak: int
    alone: float
    together: float
    golden: NDArray[np.float32]
    rows: NDArray[np.float32]
    accuracy: dict[str, object] | None


def measure(
    settings: Settings, spec: str, crops: NDArray[np.uint8], photos: Path | None
) -> Measured:
    """Raises BadInput as `capture_for_evaluation`; Unusable when its process was ended."""
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, context) as pool:
            return pool.submit(_measure, settings, spec, crops, photos).result()
    except BrokenProcessPool as error:
        raise Unusable(
            message(
                "measuring {spec} was ended from outside, most likely for want of memory: end "
                "other programs, and try again",
                spec=spec,
            )
        ) from error


def plan_of(people: list[Enrollee]) -> Plan:
    """Who is enrolled, who is searched for, and who is a stranger: every third person.

    Of the others those are enrolled who have a photo more than is enrolled of them.
    Raises BadInput when too few are left.
    """
    strangers = [photo for person in people[2::3] for photo in person.photos]
    stay = [p for i, p in enumerate(people) if i % 3 != 2 and len(p.photos) > 1]
    parts = [min(ENROLLED, len(p.photos) - 1) for p in stay]
    if len(stay) < 2 or not strangers:
        raise BadInput(
            message(
                "accuracy needs photos of four people and more, a folder each, with two photos "
                "and more; nothing was written"
            )
        )
    gallery = [Enrollee(p.name, None, p.photos[:n]) for p, n in zip(stay, parts, strict=True)]
    mated = [Enrollee(p.name, None, p.photos[n:]) for p, n in zip(stay, parts, strict=True)]
    return Plan(gallery, mated, strangers, _RATE)


def _measure(
    settings: Settings, spec: str, crops: NDArray[np.uint8], photos: Path | None
) -> Measured:
    capture = capture_for_evaluation(settings, spec)
    backbone = capture.backbone
    golden = golden_embeddings(backbone)
    rows = np.concatenate([backbone.embed(crops[at : at + 8]) for at in range(0, len(crops), 8)])
    several = np.resize(crops, (8, *crops.shape[1:]))
    alone = _milliseconds(backbone, [several[i : i + 1] for i in range(_TIMES * 2)])
    together = _milliseconds(backbone, [several] * _TIMES)
    resident, peak = _memory()
    accuracy = None
    if photos is not None:
        plan = plan_of(gather([photos]))
        accuracy = evaluate(settings, capture, plan, lambda step: None).as_document()
    return Measured(
        backbone.name,
        backbone_fingerprint(backbone),
        backbone.weights.size,
        resident,
        peak,
        alone,
        together,
        golden,
        rows,
        accuracy,
    )


def _milliseconds(backbone: Backbone, batches: list[NDArray[np.uint8]]) -> float:
    """Of processor, all cores together, for a face."""
    backbone.embed(batches[0])
    start = time.process_time()
    for batch in batches:
        backbone.embed(batch)
    return (time.process_time() - start) * 1000 / sum(len(batch) for batch in batches)


def _memory() -> tuple[int, int]:
    """Bytes of this process: now, and the most it ever had.

    `getrusage` would count what the process had that started this one. Where the system does not
    say more, that is all there is.
    """
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        said = dict(line.split(":", 1) for line in lines)
        now, most = (int(said[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        return now, most
    except (OSError, ValueError, KeyError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return most, most
