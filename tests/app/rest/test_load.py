"""A real server under load: everybody gets an answer, and their own."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from demo.people import NAMES, portrait
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.opening import create
from enrollment.photo import encode_jpeg, photo_bytes
from enrollment.service import open_service
from tests.app.browser import PATIENCE, free_port, wait_for

pytestmark = pytest.mark.slow
CLIENTS, SECONDS = 20, 8.0
PEOPLE = range(6)


class Served:
    """A gallery of drawn people, its server, a key for each client."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder / "gallery", key="5a" * 32, key_folder=folder / "keys")
        create(self.settings, "dlib-resnet", consent_policy="none")
        people = [
            Enrollee(NAMES[p], None, tuple(photo_bytes(f"{n}.jpg", _jpeg(p, n)) for n in range(2)))
            for p in PEOPLE
        ]
        with open_service(self.settings) as service:
            assert all(r.enrolled for r in service.enroll(people, None, allow_collision))
            keys = [service.api_keys.add(f"client {n}", daily=10_000) for n in range(CLIENTS)]
            self.secrets = [secret for _, secret in keys]
            # What is said of a photo when nobody else asks.
            self.right: dict[bytes, list[str | None]] = {}
            for person in PEOPLE:
                photo = _jpeg(person, 2)
                answers = service.identify(photo_bytes("probe.jpg", photo))
                if any(answer.name for answer in answers):  # or the back-off would begin
                    self.right[photo] = [answer.name for answer in answers]
        self.address = f"http://127.0.0.1:{(port := free_port())}/api/v1"
        command = [sys.executable, "-m", "app.cli", "serve", "--no-pages", "--nightly-at", "off"]
        self.process = subprocess.Popen(
            [*command, "--port", str(port), "--home", str(self.settings.home)],
            env=os.environ | {"ROLLCALL_KEY": "5a" * 32},
            stderr=(folder / "server.log").open("w"),
        )
        wait_for(f"{self.address}/ready", self.process)

    def threads_and_files(self) -> tuple[int, int]:
        proc = Path(f"/proc/{self.process.pid}")
        return len(list((proc / "task").iterdir())), len(list((proc / "fd").iterdir()))

    def asks(self, client: int, seconds: float) -> list[str]:
        """A line for every answer that it got: what was wrong with it, "" where nothing was."""
        found, until = [], time.monotonic() + seconds
        photos = itertools.islice(itertools.cycle(self.right), client, None)
        headers = {"Authorization": f"Bearer {self.secrets[client]}"}
        with httpx2.Client(headers=headers, timeout=PATIENCE) as http:
            while time.monotonic() < until:
                photo = next(photos)
                files = {"photo": ("probe.jpg", photo, "image/jpeg")}
                answer = http.post(f"{self.address}/identify", files=files)
                if answer.status_code != 200:
                    found.append(f"{answer.status_code} {answer.text}")
                    continue
                names = [face["name"] for face in answer.json()["faces"]]
                right = names == self.right[photo]
                found.append("" if right else f"{names} instead of {self.right[photo]}")
        return found


def _jpeg(person: int, number: int) -> bytes:
    return encode_jpeg(portrait(person, number, size=320))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("load"))
    yield one
    one.process.terminate()
    assert one.process.wait(PATIENCE) == 0


def _all_at_once(served: Served, seconds: float) -> list[str]:
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = [clients.submit(served.asks, client, seconds) for client in range(CLIENTS)]
        return [line for one in asked for line in one.result()]


def test_twenty_clients_get_their_own_answers_and_leave_nothing_behind(served: Served) -> None:
    assert len({str(names) for names in served.right.values()}) >= 3  # or a mix-up is not seen
    idle, _ = served.threads_and_files()
    _all_at_once(served, 1.0)
    time.sleep(2)
    _, files_before = served.threads_and_files()
    answers = _all_at_once(served, SECONDS)
    assert [line for line in answers if line] == []
    assert len(answers) >= CLIENTS
    time.sleep(2)
    threads, files = served.threads_and_files()
    # One that answers stays for each client, and the database keeps five connections, of three
    # files each. What an answer left behind would be more.
    assert threads <= idle + CLIENTS + 2
    assert files <= files_before + 15
