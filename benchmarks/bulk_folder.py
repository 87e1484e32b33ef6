"""Is a core idle while a folder of people is enrolled?

    python -m benchmarks.bulk_folder                    VGG-Face with stand-in weights, MTCNN
    python -m benchmarks.bulk_folder --backbone dlib-resnet --detector yunet:FILE

Drawn people, three photos of 640x480 each, with one face. Finding the faces alone and embedding
them alone, each on all cores, and then the whole way: read, decode, find, embed, decide, store.
Both halves want all the processor, so the whole way cannot be quicker than one after the other
without a pause (`of both`); the goal is about the slower one alone.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.figure import Figure, figure, line, write
from benchmarks.load import shot
from benchmarks.stand_in import stand_in_weights
from enrollment.ahead import ahead
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.opening import create, open_capture
from enrollment.photo import Photo, decode, photo_file
from enrollment.reasons import Reason
from enrollment.service import open_service

PART = "bulk"
PHOTOS = 3


def folder_of(folder: Path, people: int) -> list[Enrollee]:
    found = []
    for number in range(people):
        photos = []
        for picture in range(PHOTOS):
            file = folder / f"{number}-{picture}.jpg"
            file.write_bytes(shot(number, picture))
            photos.append(photo_file(file))
        found.append(Enrollee(f"Person {number}", None, tuple(photos)))
    return found


def a_second(work: Callable[[], object], photos: int) -> float:
    start = time.perf_counter()
    work()
    return photos / (time.perf_counter() - start)


def crops_of(capture: Capture, photos: Sequence[Photo]) -> np.ndarray:
    def crop(photo: Photo) -> np.ndarray:
        picture = decode(photo)
        assert not isinstance(picture, Reason)
        return capture.aligned(picture.image, capture.find(picture.image)[0])

    return np.stack([row for _, row in ahead(crop, photos)])


def measure(settings: Settings, backbone: str, people: int, rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        everybody = folder_of(folder, people)
        photos = [photo for person in everybody for photo in person.photos]
        of_slower, of_both = [], []
        for number in range(rounds):
            here = replace(settings, home=folder / f"gallery{number}")
            facts = create(here, backbone, consent_policy="none")
            capture = open_capture(here, facts)
            crops = crops_of(capture, photos)
            capture.backbone.embed(crops[:8])
            finding = a_second(lambda: crops_of(capture, photos), len(photos))  # noqa: B023
            embedding = a_second(lambda: capture.backbone.embed(crops), len(photos))  # noqa: B023
            with open_service(here, capture=capture) as service:
                whole = a_second(
                    lambda: list(service.enroll(everybody, None, allow_collision)),
                    len(photos),
                )
                assert sum(p.templates for p in service.people()) > 0
            of_slower.append(whole / min(finding, embedding))
            of_both.append(whole * (1 / finding + 1 / embedding))
            print(
                f"round {number + 1}: finding {finding:.2f}, embedding {embedding:.2f}, "
                f"the whole way {whole:.2f} photos a second",
                file=sys.stderr,
            )
    detector = (settings.detector or "mtcnn").partition(":")[0]
    kind = f"{people} people, {detector} + {backbone}"
    return [
        figure(PART, f"a folder of {kind}", of_slower, "of the slower half alone",
               at_least=0.85),
        figure(PART, f"a folder of {kind}", of_both, "of both, one after the other"),
    ]  # fmt: skip


Measure = Callable[[Settings, str, int, int], list[Figure]]  # settings, backbone, people, rounds


def run(measure: Measure, description: str | None, people: int, rounds: int, backbone: str) -> None:
    """A command that measures how drawn people are enrolled; the numbers are its defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--people", type=int, default=people)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--backbone", default=backbone)
    parser.add_argument("--detector", default="mtcnn", help="mtcnn or yunet:FILE")
    parser.add_argument("--weights", type=Path, help="a folder with VGG-Face's weights")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = arguments.weights
        if weights is None and arguments.backbone == "vgg-face":
            weights = stand_in_weights(folder)
        settings = Settings(
            home=folder, key="5a" * 32, key_folder=folder / "keys", detector=arguments.detector
        )
        if weights is not None:
            settings = replace(settings, weights_home=weights)
        print(f"{os.cpu_count()} cores, load of the machine before {os.getloadavg()[0]:.1f}")
        figures = measure(settings, arguments.backbone, arguments.people, arguments.rounds)
    for one in figures:
        print(line(one))
    if arguments.json:
        write(figures, arguments.json)


if __name__ == "__main__":
    run(measure, __doc__, people=12, rounds=3, backbone="vgg-face")
