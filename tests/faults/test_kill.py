"""kill -9 at random moments: nobody who was acknowledged is lost, nobody is half there."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.opening import is_gallery
from enrollment.service import open_service
from tests import tiny
from tests.conftest import KEY

PEOPLE, PHOTOS, KILLS = 20, 2, 5


def process(home: Path, photos: Path) -> list[str]:
    return [sys.executable, "-m", "tests.faults.enroll_tiny", str(home), str(photos)]


def killed(home: Path, photos: Path, after: float, output: Path) -> list[str]:
    with output.open("w") as file:
        running = subprocess.Popen(process(home, photos), stdout=file)
        try:
            running.wait(after)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
    return output.read_text().splitlines()


@pytest.mark.slow
def test_killed_while_enrolling(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for i in range(PEOPLE):
        tiny.write_photos(photos / f"Person {i:02}", i, range(PHOTOS))
    start = time.monotonic()
    assert len(killed(tmp_path / "whole", photos, 300, tmp_path / "out")) == PEOPLE
    length = time.monotonic() - start
    moments = random.Random(0)
    stopped_midway = 0
    for i in range(KILLS):
        home = tmp_path / f"gallery {i}"
        # The first part is imports; aim at the part that writes, and at the making of the gallery.
        after = length * moments.uniform(0.3, 1.0)
        acknowledged = killed(home, photos, after, tmp_path / "out")
        if is_gallery(home):
            there = look(home)
            assert set(acknowledged) <= set(there)
            assert set(there.values()) <= {PHOTOS}
            stopped_midway += 0 < len(there) < PEOPLE
        else:
            assert acknowledged == []
        subprocess.run(process(home, photos), check=True, stdout=subprocess.DEVNULL)
        assert look(home) == {f"Person {n:02}": PHOTOS for n in range(PEOPLE)}
    assert stopped_midway > 0, "no kill came while people were being enrolled"


def look(home: Path) -> dict[str, int]:
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    with open_service(Settings(home=home, key=KEY), capture=capture) as service:
        assert service.verify_gallery().sound
        people = service.people()
        assert all(len(service.consents(s.subject_id)) == 1 for s in people)
    assert len({s.name for s in people}) == len(people)
    return {s.name: s.templates for s in people}
