"""What a server can take: clients that ask who somebody is as fast as they are answered.

    python -m benchmarks.load                                       MTCNN, dlib-resnet
    python -m benchmarks.load --clients 50 --seconds 60 --backbone onnx:FILE.toml \
        --detector yunet:FILE.onnx
    python -m benchmarks.load --backbone vgg-face --stand-in        its size, random numbers in it

`rollcall serve --no-pages` runs in a process of its own, over a gallery of drawn people. Each
client has a key of its own; the pace of a key, its budget and its back-off stay on, and nobody
strange is shown. The clients are locust's (`pip install -c constraints.txt -e .[bench]`), in
another process.

A wrong name, too, is an error. Before the clients and after them it is measured, on the same photos
and on the same cores, what could be had at best: `pipeline`: decode, detect, align, embed, search
and decide, by some threads of one process, with no HTTP, no keys and no budget; `backbone`: ready
crops, in batches, and nothing else at all. Ctrl-C ends the clients early, and what was measured is
said all the same.
"""

import argparse
import base64
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stand_in import stand_in_weights
from demo.people import NAMES, portrait
from enrollment.batcher import MOST
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.opening import create, open_capture
from enrollment.photo import Photo, decode, encode_jpeg, photo_bytes
from enrollment.reasons import Reason
from enrollment.service import Service, open_service

DAILY = 1_000_000
PEOPLE = NAMES[:12]
KEPT, SHOWN = range(2), range(2, 5)  # pictures of a person: enrolled, and asked about
WIDTH, HEIGHT = 640, 480
FACE = 360
SETTLED = 10.0  # seconds after which a server has everything that it needs


@dataclass(frozen=True)
class Sight:
    """The server's process at one moment. seconds: since the clients began; cpu: seconds of
    processor so far, with its decoders'; resident: MB."""

    seconds: float
    cpu: float
    resident: float
    threads: int
    files: int


@dataclass(frozen=True)
class Rates:
    """Photos and crops a second; cost: seconds of processor a photo takes, in all processes."""

    pipeline: float
    backbone: float
    cost: float


def shot(person: int, picture: int) -> bytes:
    """A JPEG as a camera gives it, 640x480, with one face."""
    canvas = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    top, left = (HEIGHT - FACE) // 2, (WIDTH - FACE) // 2
    canvas[top : top + FACE, left : left + FACE] = portrait(person, picture, size=FACE)
    return encode_jpeg(canvas)


def fill(settings: Settings, backbone: str, clients: int) -> list[str]:
    """Make the gallery; the clients' keys."""
    create(settings, backbone, consent_policy="none")
    people = [
        Enrollee(name, None, tuple(photo_bytes(f"{n}.jpg", shot(person, n)) for n in KEPT))
        for person, name in enumerate(PEOPLE)
    ]
    with open_service(settings) as service:
        for number, report in enumerate(service.enroll(people, None, allow_collision), 1):
            progress(f"enrolled {number} of {len(people)}: {report.name}")
        return [
            service.api_keys.add(f"client {n}", ("identify",), daily=DAILY)[1]
            for n in range(clients)
        ]


def recognised(service: Service) -> list[tuple[str, bytes]]:
    """Name and JPEG, of the photos that are answered rightly when nobody else asks."""
    found = []
    for person, name in enumerate(PEOPLE):
        for picture in SHOWN:
            data = shot(person, picture)
            answers = service.identify(photo_bytes("probe.jpg", data))
            if [answer.name for answer in answers] == [name]:
                found.append((name, data))
        progress(f"tried the photos of {person + 1} of {len(PEOPLE)}")
    return found


def alone(service: Service, capture: Capture, photos: Sequence[Photo], seconds: float) -> Rates:
    """What the machine can do at best."""
    pictures = [picture for p in photos[:MOST] if not isinstance(picture := decode(p), Reason)]
    crops = np.stack([capture.aligned(p.image, capture.find(p.image)[0]) for p in pictures])
    batches = [crops[at : at + MOST] for at in range(0, len(crops), MOST)]

    def identify(number: int) -> int:
        service.identify(photos[number % len(photos)])
        return 1

    def embed(number: int) -> int:
        return len(capture.backbone.embed(batches[number % len(batches)]))

    cores = os.cpu_count() or 1
    # The best of: two batches at once may use the cores better than one, or hinder each other.
    pipelines = [rate(identify, threads, seconds / 2) for threads in (cores, 2 * cores)]
    backbones = [rate(embed, threads, seconds / 2) for threads in (1, cores)]
    return Rates(max(pipelines)[0], max(backbones)[0], min(cost for _, cost in pipelines))


def rate(work: Callable[[int], int], threads: int, seconds: float) -> tuple[float, float]:
    """How many a second, by so many threads, after one each to warm up; and the processor's
    seconds for each."""
    done, began = [0] * threads, threading.Barrier(threads + 1)
    ends = [0.0] * threads

    def go(me: int) -> None:
        work(me)
        began.wait()
        until = time.perf_counter() + seconds
        number = me
        while time.perf_counter() < until:
            done[me] += work(number)
            number += threads
        ends[me] = time.perf_counter()

    running = [threading.Thread(target=go, args=(me,), daemon=True) for me in range(threads)]
    for one in running:
        one.start()
    began.wait()
    start, spent = time.perf_counter(), cpu_of(os.getpid())
    for one in running:
        one.join()
    spent = cpu_of(os.getpid()) - spent
    return sum(done) / (max(ends) - start), spent / sum(done)


def started(settings: Settings, log: Path) -> "tuple[subprocess.Popen[bytes], int]":
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable, "-m", "app.cli", "serve", "--no-pages", "--nightly-at", "off",
            "--port", str(port), "--home", str(settings.home),
        ],
        env=os.environ
        | {"ROLLCALL_KEY": settings.key or "", "ROLLCALL_WEIGHTS": str(settings.weights_home)},
        stderr=log.open("w"),
        # Ctrl-C is for the clients; the server is ended here.
        start_new_session=True,
    )  # fmt: skip
    for _ in range(1200):
        if server.poll() is not None:
            sys.exit(log.read_text())
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/ready", timeout=2).close()
            return server, port
        except OSError:
            time.sleep(0.1)
    server.kill()
    sys.exit("the server does not become ready")


def ended(server: "subprocess.Popen[bytes]") -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def sight(pid: int, seconds: float) -> Sight:
    said = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    resident = int(said["VmRSS"].split()[0]) / 1024
    cpu = cpu_of(pid)
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Sight(seconds, cpu, resident, int(said["Threads"]), files)


def cpu_of(pid: int) -> float:
    """Seconds of processor that a process and its children have used."""
    children = list[str]()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # the thread has ended
            children += (task / "children").read_text().split()
    ticks = sum(map(_ticks, [str(pid), *children]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(pid: str) -> int:
    # The second field is a name in brackets and may hold anything.
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return 0
    return int(fields[11]) + int(fields[12])


def slope(sights: Sequence[Sight]) -> float:
    """MB a minute, by least squares over what was seen once the server had settled."""
    settled = [s for s in sights if s.seconds >= min(SETTLED, sights[-1].seconds / 2)]
    if len(settled) < 3:
        return float("nan")
    seconds, resident = [s.seconds for s in settled], [s.resident for s in settled]
    return float(np.polyfit(seconds, resident, 1)[0]) * 60


def asked(
    folder: Path, port: int, server: int, clients: int, seconds: float
) -> tuple[dict[str, Any], list[Sight]]:
    """Let the clients ask; what came of it, and how the server looked meanwhile."""
    out = folder / "asked.json"
    command = [sys.executable, "-m", "benchmarks.load_clients", folder / "work.json", out]
    asking = subprocess.Popen(
        [*command, str(port), str(clients), str(seconds)], start_new_session=True
    )
    began, sights = time.monotonic(), list[Sight]()
    try:
        while asking.poll() is None:
            sights.append(sight(server, time.monotonic() - began))
            progress(
                f"{sights[-1].seconds:.0f} of {seconds:.0f} s: {sights[-1].resident:.0f} MB, "
                f"{sights[-1].threads} threads, {sights[-1].files} files"
            )
            time.sleep(1)
    except KeyboardInterrupt:
        asking.send_signal(signal.SIGINT)
        asking.wait(60)
    if not out.exists():
        sys.exit("the clients ended without a word")
    return json.loads(out.read_text("utf-8")), sights


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def report(
    found: dict[str, Any], sights: Sequence[Sight], before: Rates, after: Rates
) -> dict[str, Any]:
    """Print what came of it; the same as a document."""
    times, errors = np.array(found["milliseconds"]), found["errors"]
    served = len(times) / found["seconds"]
    p50, p99 = np.percentile(times, (50, 99)) if len(times) else (np.nan, np.nan)
    pipeline = (before.pipeline + after.pipeline) / 2
    backbone = (before.backbone + after.backbone) / 2
    cost = (sights[-1].cpu - sights[0].cpu) / max(len(times), 1)
    best = min(before.cost, after.cost)
    settled = next((s for s in sights if s.seconds >= SETTLED), sights[0])
    last = sights[-1]
    print(
        f"{len(times) + len(errors)} requests in {found['seconds']:.1f} s, {len(errors)} errors\n"
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, p99 / p50 {p99 / p50:.2f}\n"
        f"served          {served:.2f} photos a second\n"
        f"pipeline alone  {pipeline:.2f} a second ({before.pipeline:.2f} before, "
        f"{after.pipeline:.2f} after): served {served / pipeline:.1%} of it\n"
        f"backbone alone  {backbone:.2f} a second ({before.backbone:.2f} before, "
        f"{after.backbone:.2f} after): served {served / backbone:.1%} of it\n"
        f"processor       {1000 * cost:.0f} ms a photo served, {1000 * best:.0f} by the pipeline "
        f"alone: {best / cost:.1%}\n"
        f"resident memory {settled.resident:.0f} MB at {settled.seconds:.0f} s, "
        f"{last.resident:.0f} MB at the end, {slope(sights):+.1f} MB a minute; "
        f"threads {settled.threads} and {last.threads}, files {settled.files} and {last.files}"
    )
    for error, times_seen in Counter(errors).most_common(5):
        print(f"error, {times_seen} times: {error}")
    return {
        "requests": len(times) + len(errors),
        "errors": len(errors),
        "p50_ms": p50,
        "p99_ms": p99,
        "served": served,
        "cpu_a_photo": cost,
        "before": asdict(before),
        "after": asdict(after),
        "sights": [asdict(one) for one in sights],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--backbone", default="dlib-resnet", help="as for rollcall init")
    parser.add_argument(
        "--stand-in", action="store_true", help="vgg-face with random weights: for speed alone"
    )
    parser.add_argument("--detector", default="mtcnn", help="mtcnn or yunet:FILE")
    parser.add_argument("--alone", type=float, default=10.0, help="seconds for each way alone")
    parser.add_argument("--json", type=Path, help="write everything that was measured here")
    arguments = parser.parse_args()
    if arguments.clients < 1 or arguments.seconds <= 0:
        parser.error("at least one client, for more than 0 seconds")
    if importlib.util.find_spec("locust") is None:
        parser.error("locust is not here: pip install -c constraints.txt -e '.[bench]'")
    print(
        f"{arguments.clients} clients for {arguments.seconds:.0f} s, {os.cpu_count()} cores, "
        f"{arguments.detector.split(':')[0]}, {arguments.backbone.rpartition('/')[2]}, "
        f"{len(PEOPLE)} drawn people, load of the machine before {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server must not outlive this
    try:
        with tempfile.TemporaryDirectory() as name:
            measured = measure(Path(name), arguments)
    except KeyboardInterrupt:
        sys.exit("\nended before anything was measured")
    print(f"load of the machine after {os.getloadavg()[0]:.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(measured, indent=1), "utf-8")
    sys.exit(1 if measured["errors"] else 0)


def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    settings = Settings(
        home=folder / "gallery",
        key="5a" * 32,
        key_folder=folder / "keys",
        detector=arguments.detector,
    )
    if arguments.stand_in:
        settings = replace(settings, weights_home=stand_in_weights(folder))
    keys = fill(settings, arguments.backbone, arguments.clients)
    with open_service(settings) as service:
        service.warm()
        capture = open_capture(settings, service.facts)
        shown = recognised(service)
        if not shown:
            sys.exit("nobody is recognised with this backbone")
        photos = [photo_bytes("probe.jpg", data) for _, data in shown]
        work = {"keys": keys, "photos": [(n, base64.b64encode(d).decode()) for n, d in shown]}
        (folder / "work.json").write_text(json.dumps(work), "utf-8")
        progress("the pipeline and the backbone alone, before")
        before = alone(service, capture, photos, arguments.alone)
        server, port = started(settings, folder / "server.log")
        try:
            found, sights = asked(folder, port, server.pid, arguments.clients, arguments.seconds)
        finally:
            ended(server)
        progress("the pipeline and the backbone alone, after")
        after = alone(service, capture, photos, arguments.alone)
    progress(f"{len(shown)} photos of {len(PEOPLE)} people were shown\n")
    return report(found, sights, before, after)


if __name__ == "__main__":
    main()
