"""Rollcall connects to nobody while it works; only weights are downloaded, and here none are asked
for. Everything below is the program itself, with real models, in processes of its own."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from demo.people import NAMES, portrait
from enrollment.photo import encode_jpeg
from tests.app.browser import CHROMIUM, PATIENCE, free_port, launched, wait_for
from tests.app.browser import watched as page_in
from tests.faults.connections import Watched, leaving, skip_unless_watching
from tests.models.tiny_onnx import tiny_model

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
STAFF = 3
SECONDS_TO_SPEAK = 15  # 1.31.1, left to itself, was seen after less than 12
OUTSIDE = """
import socket, subprocess, sys
udp = lambda family: socket.socket(family, socket.SOCK_DGRAM)
match sys.argv[1]:
    case "connect": socket.socket().connect_ex(("127.0.0.1", 9)); \
udp(socket.AF_INET).connect_ex(("192.0.2.1", 9))
    case "datagram": udp(socket.AF_INET).sendto(b"x", ("192.0.2.1", 9))
    case "message": udp(socket.AF_INET).sendmsg([b"x"], [], 0, ("192.0.2.1", 9))
    case "ipv6": udp(socket.AF_INET6).connect_ex(("2001:db8::1", 9))
    case "name": udp(socket.AF_INET).connect_ex(("127.0.0.1", 53))
    case "child": subprocess.run([sys.executable, "-c", sys.argv[2], "connect"])
    case "thread":
        import threading
        threading.Thread(target=lambda: udp(socket.AF_INET).connect_ex(("192.0.2.1", 9))).start()
"""
LINGER = """
import sys, time
from pathlib import Path
from models.backbone import open_backbone
open_backbone(sys.argv[1], Path("none"))
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(autouse=True, scope="module")
def watching() -> None:
    skip_unless_watching()


class Rollcall:
    """The command line on one gallery. Nothing of this machine's own settings is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._home = folder / "gallery"
        (folder / "home").mkdir(parents=True)
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        self._env = kept | {"HOME": str(folder / "home")}

    def begin(self, *words: str) -> Watched:
        command = [sys.executable, "-m", "app.cli", *words, "--home", str(self._home)]
        return Watched(command, self._env, self.folder)

    def __call__(self, *words: str) -> list[str]:
        """What it left: nothing. Returns all calls that were seen."""
        running = self.begin(*words)
        code = running.wait(PATIENCE)
        assert code == 0, running.said
        return at_home(running)


def at_home(ended: Watched) -> list[str]:
    calls = ended.calls()
    assert leaving(calls) == []
    return calls


def photos(folder: Path, *pictures: tuple[int, int]) -> str:
    for person, number in pictures:
        path = folder / NAMES[person] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(portrait(person, number)))
    return str(folder)


@pytest.mark.parametrize(
    "way", ["connect", "datagram", "message", "ipv6", "name", "child", "thread"]
)
def test_the_watch_sees_who_leaves(way: str, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"]}
    running = Watched([sys.executable, "-c", OUTSIDE, way, OUTSIDE], env, tmp_path)
    running.wait(PATIENCE)
    (seen,) = leaving(running.calls())
    assert {"ipv6": "2001:db8::1", "name": "htons(53)"}.get(way, "192.0.2.1") in seen


@pytest.fixture(scope="module")
def staffed(watching: None, tmp_path_factory: pytest.TempPathFactory) -> Rollcall:
    """A gallery that was made and filled under the watch."""
    rollcall = Rollcall(tmp_path_factory.mktemp("watched"))
    rollcall("init", "--backbone", "dlib-resnet")
    staff = photos(rollcall.folder / "staff", *((p, n) for p in range(STAFF) for n in range(2)))
    rollcall("enroll", staff, "--consent", "drawn people agree")
    return rollcall


def test_commands(staffed: Rollcall) -> None:
    probes = photos(staffed.folder / "probes", (0, 10), (9, 10))
    running = staffed.begin("identify", probes, "--json")
    assert running.wait(PATIENCE) == 0, running.said
    answers = (running.folder / "stdout").read_text("utf-8").splitlines()
    assert [json.loads(line)["name"] for line in answers] == [NAMES[0], None]  # it really works
    at_home(running)
    staffed("nightly", "--force", "--full")
    staffed("doctor")


def test_served_pages(staffed: Rollcall) -> None:
    """The server is watched; the browser, which is no part of Rollcall, by `browser.watched`."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not here: no page was opened")
    port = free_port()
    server = staffed.begin("serve", "--port", str(port), "--insecure-dev")
    try:
        place = f"http://127.0.0.1:{port}"
        wait_for(f"{place}/api/v1/health", server)
        film = staffed.folder / "none"
        with sync_playwright() as playwright, launched(playwright, film) as browser:
            for path in ("", "people", "identify", "system"):
                with page_in(browser.new_context()) as page:
                    page.goto(f"{place}/{path}")
                    expect(page.get_by_role("heading", level=1)).to_be_visible()
        server.send_signal(signal.SIGINT)
        assert server.wait(PATIENCE) == 0, server.said
    finally:
        server.kill()
        server.wait()
    at_home(server)


def test_a_backbone_of_ones_own(tmp_path: Path) -> None:
    """onnxruntime has telemetry, which speaks some seconds after it was loaded, or at its end."""
    matrix = np.random.default_rng(0).normal(size=(3 * 16 * 16, 4)).astype(np.float32)
    (tmp_path / "tiny.onnx").write_bytes(tiny_model(["n", 3, 16, 16], matrix))
    description = tmp_path / "tiny.toml"
    description.write_text(
        'name = "tiny"\nfile = "tiny.onnx"\ninput = [16, 16]\nlayout = "nchw"\ncolour = "rgb"\n'
        'scale = 1.0\nmean = [0.0, 0.0, 0.0]\nlicence = "none"\nlandmarks = '
        "[[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]\n"
    )
    running = Watched(
        [sys.executable, "-c", LINGER, f"onnx:{description}", str(SECONDS_TO_SPEAK)],
        {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        tmp_path,
    )
    assert running.wait(PATIENCE) == 0, running.said
    at_home(running)
