"""A real server that is told to end while somebody waits for an answer."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.people import portrait
from enrollment.config import Settings
from enrollment.photo import encode_jpeg
from enrollment.service import open_service
from tests.app.browser import PATIENCE, fill, free_port, settings_in, wait_for
from tests.app.rest.private import Private

pytestmark = pytest.mark.slow
NAME = "Ada Recognisable"
BOUNDARY = "photos"


class Served:
    """A server of its own; its stderr is kept."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.settings = settings_in(folder)
        with open_service(self.settings) as service:
            _, self.secret = service.api_keys.add("gate", ("enroll", "nightly"))
        self.port = free_port()
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(self.port)]
        self._log = folder / "server.log"
        self.process = subprocess.Popen(
            [*command, "--nightly-at", "off", "--home", str(self.settings.home), *options],
            env=os.environ | {"XDG_CONFIG_HOME": str(folder / "config")},
            stderr=self._log.open("w"),
        )
        wait_for(f"http://127.0.0.1:{self.port}/api/v1/health", self.process)

    def ask(self, head: str, body: bytes = b"") -> socket.socket:
        """Send a request, or the first part of one."""
        to = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        lines = f"{head} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.secret}\r\n"
        to.sendall(lines.encode() + body)
        return to

    def begin_enrolling(self, photos: list[bytes]) -> tuple[socket.socket, bytes]:
        """All but its last bytes, and these. The server has begun to read it."""
        form = _form(photos)
        head = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        head += f"Content-Length: {len(form)}\r\nConnection: close\r\n"
        to = self.ask("POST /api/v1/subjects", f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert to.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        to.sendall(form[:-5])
        return to, form[-5:]

    def end(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def refuses(self) -> bool:
        """Does nobody get in any more?"""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                return True
            time.sleep(0.1)
        return False

    @property
    def said(self) -> str:
        return self._log.read_text("utf-8")

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]


def _form(photos: list[bytes]) -> bytes:
    parts = [
        f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}'.encode()
        for field, value in (("name", NAME), ("consent", "drawn"), ("on_collision", "allow"))
    ]
    parts += [
        f'Content-Disposition: form-data; name="photos"; filename="{n}.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + photo
        for n, photo in enumerate(photos)
    ]
    edge = f"--{BOUNDARY}".encode()
    return b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n"


def _answer(of: socket.socket) -> bytes:
    found = b""
    while part := of.recv(65536):
        found += part
    return found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    fill(settings_in(folder))
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    return shutil.copytree(filled, tmp_path / "served")


@pytest.fixture
def served(folder: Path, request: pytest.FixtureRequest) -> Iterator[Served]:
    server = Served(folder, *getattr(request, "param", ("--no-pages",)))
    yield server
    server.process.kill()
    server.process.wait()


def kept(settings: Settings) -> list[str]:
    with open_service(settings) as service:
        assert service.verify_gallery().sound
        return [person.name for person in service.people()]


@pytest.mark.parametrize("served", [(), ("--no-pages",)], ids=["pages", "API"], indirect=True)
def test_who_is_being_enrolled_is_answered_and_kept(served: Served) -> None:
    photos = [encode_jpeg(portrait(20, n)) for n in range(3)]
    waiting, rest = served.begin_enrolling(photos)
    served.end()
    assert served.refuses(), "it goes on accepting"
    waiting.sendall(rest)
    answer = _answer(waiting)
    assert answer.startswith(b"HTTP/1.1 201"), answer[:300]
    assert served.process.wait(PATIENCE) == 0
    assert NAME in kept(served.settings)
    said = served.said
    assert "Traceback" not in said
    assert [e["event"] for e in served.events()][-3:] == ["stopping", "request", "stopped"]
    assert served.events()[-1]["log_cut"] is True
    private = Private()
    private.texts += [NAME, "Recognisable", served.secret]
    private.blobs += photos
    private.assert_absent(said)


def test_the_second_signal_ends_it_at_once(served: Served) -> None:
    before = kept(served.settings)
    waiting, _ = served.begin_enrolling([encode_jpeg(portrait(20, 0))])
    served.end()
    assert served.refuses()
    asked = time.monotonic()
    served.end()
    assert served.process.wait(PATIENCE) == 128 + signal.SIGTERM
    assert time.monotonic() - asked < 10
    waiting.close()
    assert kept(served.settings) == before
    assert "Traceback" not in served.said


def test_a_night_ends_with_the_server(served: Served) -> None:
    """Asked for over the API; it is broken off or done, and never half done."""
    running = served.ask("POST /api/v1/nightly?full=true", b"Connection: close\r\n\r\n")
    time.sleep(0.3)
    served.end()
    answer = _answer(running)
    assert answer[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 503"), answer[:300]
    assert served.process.wait(PATIENCE) == 0
    (night,) = [e for e in served.events() if e["event"] == "night"]
    with open_service(served.settings) as service:
        assert service.night_process() is None
        assert bool(service.nights()) == (night["outcome"] in ("promoted", "refused"))
    assert "Traceback" not in served.said


def test_it_can_be_ended_while_the_models_are_loaded(folder: Path) -> None:
    settings = settings_in(folder)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--port", str(free_port()),
             "--home", str(settings.home)],
            env=os.environ | {"XDG_CONFIG_HOME": str(folder / "config")}, stderr=log,
        )  # fmt: skip
    time.sleep(4)
    process.send_signal(signal.SIGTERM)
    # 0 once it hears signals; before that the system ends it, or Python says so.
    assert process.wait(PATIENCE) in (0, 130, -signal.SIGTERM)
    assert "Traceback" not in (folder / "log").read_text("utf-8")
