"""Moving pictures of tiny people, given to the pages' recognition as a browser's camera would."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import streamlit_webrtc.component
from numpy.typing import NDArray
from streamlit.components.v2 import manifest_scanner

from app.live_recognition import LiveRecognition
from enrollment.service import Service
from tests import tiny

WORDS = {state: state for state in ("known", "unknown", "checking", "refused")}
LEFT, WIDTH = 100, 640


@contextmanager
def app_test_with_a_camera() -> Iterator[None]:
    """AppTest reads every installed package's metadata each time, and has no session, for which
    streamlit-webrtc asks; without one it shows the camera all the same."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        patch.setattr(streamlit_webrtc.component, "get_this_session_info", lambda: None)
        yield


class Clock:
    """Goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def picture(number: int, person: int | None) -> NDArray[np.uint8]:
    canvas = np.full((240, WIDTH, 3), 120, np.uint8)
    if person is not None:
        canvas[60 : 60 + tiny.SIDE, LEFT : LEFT + tiny.SIDE] = tiny.face(person, 100 + number)
    return canvas


def watch(
    live: LiveRecognition, service: Service, clock: Clock, *people: int | None, a_second: int = 10
) -> None:
    """Let a new camera see these, a picture each, in this thread; the camera stays."""
    live.begin(service, WORDS)
    look_on(live, clock, *people, a_second=a_second)


def look_on(live: LiveRecognition, clock: Clock, *people: int | None, a_second: int = 10) -> None:
    assert live.follower is not None
    assert live.view is not None
    for number, person in enumerate(people):
        clock.now += 1 / a_second
        live.view.last_frame_at = clock.now
        live.follower.look(number, clock.now, picture(number, person))


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)
