"""kill -9 at random moments: nobody who was acknowledged is lost, nobody is half there."""

import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.opening import is_gallery
from enrollment.service import open_service
from tests import tiny
from tests.faults import enroll_tiny

pytestmark = pytest.mark.sqlite

PEOPLE, PHOTOS, KILLS = 12, 2, 3
NAMES = [f"Person {i:02}" for i in range(PEOPLE)]


def steps(home: Path, photos: Path) -> list[float]:
    """Enroll everybody here; the seconds from each line that is said to the next."""
    said: list[str] = []
    times: list[float] = []

    def say(line: str) -> None:
        said.append(line)
        times.append(time.monotonic())

    enroll_tiny.main(home, photos, say)
    assert said == [enroll_tiny.BEGINS, *NAMES]
    return [after - before for before, after in pairwise(times)]


def killed(home: Path, photos: Path, lines: int, delay: float) -> list[str]:
    """Kill a process `delay` s after it was told to go on from a line; everybody whose line came.

    However slow the host is, the process is then at work on what the next line will say, or
    waits there.
    """
    command = [sys.executable, "-m", "tests.faults.enroll_tiny", str(home), str(photos)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        said = []
        for _ in range(lines):
            said.append(running.stdout.readline())
            running.stdin.write("\n")
            running.stdin.flush()
        time.sleep(delay)
        running.kill()
        said += running.stdout.readlines()
    assert running.returncode == -signal.SIGKILL
    begins, *names = [line.rstrip("\n") for line in said]
    assert begins == enroll_tiny.BEGINS
    return names


@pytest.mark.slow
def test_killed_while_enrolling(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for i, name in enumerate(NAMES):
        tiny.write_photos(photos / name, i, range(PHOTOS))
    seconds = steps(tmp_path / "whole", photos)
    moments = random.Random(0)
    # After the first line the gallery is made.
    for lines in (1, *moments.sample(range(2, PEOPLE), KILLS - 1)):
        home = tmp_path / f"gallery {lines}"
        acknowledged = killed(home, photos, lines, moments.random() * seconds[lines - 1])
        assert acknowledged in (NAMES[: lines - 1], NAMES[:lines])
        if is_gallery(home):
            there = look(home)
            assert set(acknowledged) <= set(there) <= set(NAMES[:lines])
            assert set(there.values()) <= {PHOTOS}
        else:
            assert acknowledged == []
        steps(home, photos)
        assert look(home) == dict.fromkeys(NAMES, PHOTOS)


def look(home: Path) -> dict[str, int]:
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    with open_service(
        Settings(home=home, key=tiny.KEY, key_folder=home.parent), capture=capture
    ) as service:
        assert service.verify_gallery().sound
        people = service.people()
        assert all(len(service.consents(s.subject_id)) == 1 for s in people)
    assert len({s.name for s in people}) == len(people)
    return {s.name: s.templates for s in people}
