"""Detectors for workers: real and tiny as in `tiny`, slow enough to be killed, or with a flaw."""

import os
import signal
import time

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import Capture
from models.detector import Face
from tests import tiny

POISON = (255, 0, 0)  # of the first pixel of a photo


class SlowDetector(tiny.TinyDetector):
    """The same faces, and so the same fingerprint."""

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        time.sleep(0.1)
        return super().detect(image)


class FragileDetector(SlowDetector):
    """A native library that a photo brings down."""

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        if tuple(image[0, 0]) == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().detect(image)


def slow() -> Capture:
    return Capture(SlowDetector(), tiny.TinyBackbone())


def fragile() -> Capture:
    return Capture(FragileDetector(), tiny.TinyBackbone())


def other() -> Capture:
    """Another pipeline than the gallery's."""
    return Capture(tiny.TinyDetector(), tiny.OtherBackbone())


def absent() -> Capture:
    raise FileNotFoundError("the weights are not here")


def poisoned(person: int, number: int) -> bytes:
    image = tiny.picture((person, number))
    image[0, 0] = POISON
    return tiny.png(image)
