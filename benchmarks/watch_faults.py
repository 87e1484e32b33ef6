"""`rollcall watch` on a network camera that freezes, goes black, falls silent, ends and comes back.

    python -m benchmarks.watch_faults
    python -m benchmarks.watch_faults --frames 1000

A real MJPEG server on this machine, a real `rollcall watch`, an enrolled person of the films. After
an empty scene each fault begins while the server still has, or keeps sending, a picture of that
person: naming anybody then would be an identity from a stale frame. Prints how long each state took
to be stated, and the memory of `watch` over 10,000 frames.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.video import frames
from benchmarks.passages import CLIPS, start
from benchmarks.split import retail_backbone, yunet
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.opening import create
from enrollment.service import open_service

KEY = "00" * 32
FAULTS = {"frozen": "frozen", "black": "black", "silent": "missing", "gone": "missing"}
FAULT_SECONDS = 6.0


class Server(ThreadingHTTPServer):
    """Sends what `mode` says: person, empty, frozen, black, silent (nothing), gone (refused)."""

    daemon_threads = True

    def __init__(self, person: list[np.ndarray]) -> None:
        super().__init__(("127.0.0.1", 0), Stream)
        self.mode = "empty"
        self.rate = 15.0
        self.sent = 0
        self._grain = np.random.default_rng(0)
        self._person = [cv2.resize(p, (320, 320))[:, :, ::-1] for p in person]
        self._stuck = self._jpeg(self._person[0])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/door.mjpeg"

    def picture(self) -> bytes | None:
        """The next JPEG; None while nothing is sent."""
        self.sent += 1
        if self.mode == "frozen":
            return self._stuck
        if self.mode == "black":
            return self._jpeg(np.zeros((320, 320, 3), np.uint8))
        if self.mode in ("silent", "gone"):
            return None
        if self.mode == "person":
            return self._jpeg(self._person[self.sent % len(self._person)])
        return self._jpeg(np.full((320, 320, 3), 110, np.uint8))

    def _jpeg(self, image: np.ndarray) -> bytes:
        noise = self._grain.integers(0, 6, (320, 320, 1), dtype=np.uint8)
        grainy = image if self.mode == "black" else cv2.add(image, np.repeat(noise, 3, axis=2))
        return cv2.imencode(".jpg", np.ascontiguousarray(grainy))[1].tobytes()

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error."""


class Stream(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.server.mode == "gone":
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        due = time.monotonic()
        while self.server.mode != "gone":
            picture = self.server.picture()
            if picture is not None:
                head = (
                    f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                )
                self.wfile.write(head.encode() + picture + b"\r\n")
            due = max(due + 1 / self.server.rate, time.monotonic() - 1)
            time.sleep(max(due - time.monotonic(), 0))

    def log_message(self, *_: object) -> None:
        pass


class Watching:
    """A running `rollcall watch`, with what it has said and when."""

    def __init__(self, home: Path, camera: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "watch", "--camera", camera, "--home", str(home)],
            env=os.environ | {"ROLLCALL_KEY": KEY},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.passages: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        for stream, said in (
            (self.process.stdout, self.passages),
            (self.process.stderr, self.events),
        ):
            threading.Thread(target=self._listen, args=(stream, said), daemon=True).start()

    def _listen(self, stream: Any, said: list[dict[str, Any]]) -> None:  # noqa: ANN401
        for line in stream:
            if line.startswith("{"):
                document = json.loads(line)
                document["when"] = datetime.fromisoformat(document["at"]).timestamp()
                said.append(document)

    def wait_for(self, state: str, since: float, limit: float = 20) -> float | None:
        """Seconds from `since` until this state was stated."""
        until = time.time() + limit
        while time.time() < until:
            for event in list(self.events):
                if event.get("state") == state and event["when"] >= since - 0.05:
                    return event["when"] - since
            time.sleep(0.02)
        return None

    def named(self, since: float, until: float) -> list[str]:
        return [p["name"] for p in self.passages if p["name"] and since <= p["when"] <= until]

    def memory(self) -> float:
        """Resident, MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


def faults(server: Server, watching: Watching, rounds: int) -> bool:
    stated: dict[str, list[float]] = defaultdict(list)
    back: list[float] = []
    stale, right, slow = 0, 0, 0
    for _ in range(rounds):
        for fault, state in FAULTS.items():
            server.mode = "person"
            began = time.time()
            time.sleep(4)
            right += bool(watching.named(began, time.time()))
            server.mode = "empty"
            time.sleep(2.5)
            began = time.time()
            server.mode = fault
            took = watching.wait_for(state, began)
            time.sleep(max(FAULT_SECONDS - (time.time() - began), 0))
            stale += len(watching.named(began, time.time()))
            stated[f"{fault} as {state}"].append(took if took is not None else float("inf"))
            slow += took is None or took > 2
            came = time.time()
            server.mode = "empty"
            back.append(watching.wait_for("back", came) or float("inf"))
            time.sleep(1.5)
    for what, times in stated.items():
        print(f"{what}: stated after {', '.join(f'{t:.2f}' for t in times)} s")
    print(f"back: after {', '.join(f'{t:.2f}' for t in back)} s")
    n = rounds * len(FAULTS)
    print(f"identities from stale frames: {stale} in {n} faults; named when live: {right} of {n}")
    return stale == 0 and slow == 0 and right == n


def memory(server: Server, watching: Watching, n: int) -> None:
    server.mode, server.rate = "person", 150.0
    began, samples = server.sent, []
    while server.sent - began < n:
        time.sleep(1)
        samples.append((server.sent - began, watching.memory()))
    steady = [s for s in samples if s[0] >= n // 10]
    print(
        f"memory over {n} frames: {steady[0][1]:.0f} MB after {steady[0][0]}, "
        f"{steady[-1][1]:.0f} MB at the end, most {max(m for _, m in samples):.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    clip = CLIPS / "d3.mp4"
    if not clip.is_file():
        sys.exit(f"the clips are not here: {CLIPS}")
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(
            home=Path(name) / "gallery", key=KEY, key_folder=Path(name), detector=yunet()
        )
        create(settings, retail_backbone(Path(name)), consent_policy="none")
        with open_service(settings) as service:
            list(service.enroll([start(clip, "film")], None, allow_collision))
        server = Server([f.image for f in frames(clip, a_second=15)])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        watching = Watching(settings.home, server.url)
        while not watching.events and not server.sent:
            time.sleep(0.1)
        time.sleep(3)
        held = faults(server, watching, arguments.rounds)
        memory(server, watching, arguments.frames)
        print(f"ended by Ctrl-C with {watching.end()}")
    sys.exit(not held)


if __name__ == "__main__":
    main()
