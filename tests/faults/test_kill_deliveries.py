"""kill -9 while other software is told: everything comes, in order; a repeat is the same bytes."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.service import open_service
from tests import tiny
from tests.app.receiver import receiving
from tests.galleries import make_gallery

pytestmark = pytest.mark.sqlite

KILLS, DEEDS = 6, 40


@pytest.mark.slow
def test_killed_while_telling(tmp_path: Path) -> None:
    home = make_gallery(tmp_path / "home", {"Ada": (1, 1)})
    settings = Settings(home=home, key=tiny.KEY, key_folder=tmp_path, actor="test")
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    moments = random.Random(0)
    with receiving() as receiver, open_service(settings, capture=capture) as service:
        service.webhooks.add("HR", receiver.url, ["subject.rename"])
        who = service.people()[0].subject_id
        receiver.delay = 0.01
        for kill in range(KILLS + 1):
            for deed in range(DEEDS):
                service.rename(who, f"Name {kill} {deed}")
            command = [sys.executable, "-m", "tests.faults.tell_tiny", str(home)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as telling:
                assert telling.stdout is not None
                telling.stdout.readline()
                deadline = time.monotonic() + (60 if kill == KILLS else moments.uniform(0.03, 0.25))
                while time.monotonic() < deadline and service.webhooks.behind():
                    time.sleep(0.01)
                telling.kill()
        assert service.webhooks.behind() == []
        renames, _ = service.privacy.audit_page(["subject.rename"], limit=1000)
    first: dict[int, bytes] = {}
    for _, body in receiver.came:
        seq = json.loads(body)["seq"]
        assert first.setdefault(seq, body) == body
    assert list(first) == sorted(deed.record.seq for deed in renames)
    assert len(first) == (KILLS + 1) * DEEDS
    sys.stdout.write(f"{len(receiver.came)} messages for {len(first)} deeds\n")
