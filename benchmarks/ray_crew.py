"""What do workers on a Ray cluster gain, and what do they cost?

    python -m benchmarks.ray_crew                       dlib-resnet, MTCNN, a local cluster
    python -m benchmarks.ray_crew --backbone vgg-face   with stand-in weights

Drawn people, three photos of 640x480 each, are enrolled into new galleries by turns without Ray and
with a local cluster that stays for all rounds. Both have all cores of this machine, so the ratio
says what sending costs; a gain needs cores or GPUs that are elsewhere. Beside it: seconds until the
cluster is there and until its first worker has opened detector and backbone.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.ray_place import ray_place
from benchmarks.bulk_folder import folder_of, run
from benchmarks.figure import Figure, figure
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.opening import create, open_capture
from enrollment.ray_crew import RayCrew
from enrollment.service import open_service

PART = "ray"


def a_second(
    here: Settings, people: Sequence[Enrollee], capture: Capture, crew: RayCrew | None
) -> float:
    """Photos a second, from the first one on: whatever has to be opened is open."""
    photos = sum(len(person.photos) for person in people)
    with open_service(here, capture=capture, workplace=crew) as service:
        if crew is not None:
            service._eyes()
        start = time.perf_counter()
        reports = list(service.enroll(people, None, allow_collision))
        seconds = time.perf_counter() - start
    assert sum(report.accepted for report in reports) > 0
    return photos / seconds


def measure(settings: Settings, backbone: str, people: int, rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        everybody = folder_of(folder, people)

        def new(label: str) -> tuple[Settings, Capture]:
            here = replace(settings, home=folder / label)
            return here, open_capture(here, create(here, backbone, consent_policy="none"))

        begun = time.perf_counter()
        with ray_place("local") as crew:
            assert crew is not None
            started = time.perf_counter() - begun
            here, capture = new("warm")
            begun = time.perf_counter()
            a_second(here, everybody[:4], capture, crew)
            opened = time.perf_counter() - begun
            ratios = []
            for number in range(rounds):
                alone = a_second(new(f"alone{number}")[0], everybody, capture, None)
                there = a_second(new(f"there{number}")[0], everybody, capture, crew)
                ratios.append(there / alone)
                print(
                    f"round {number + 1}: without {alone:.2f}, with {there:.2f} photos a second",
                    file=sys.stderr,
                )
            workers = crew.account.workers
    detector = (settings.detector or "mtcnn").partition(":")[0]
    kind = f"{people} people, {detector} + {backbone}, {workers} workers on the same cores"
    return [
        figure(PART, f"enrolling {kind}", ratios, "of the speed without Ray"),
        figure(PART, "a local cluster is there", [started], "s"),
        figure(PART, "and has enrolled four people", [opened], "s"),
    ]


if __name__ == "__main__":
    run(measure, __doc__, people=24, rounds=5, backbone="dlib-resnet")
