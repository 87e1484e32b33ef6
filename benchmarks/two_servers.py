"""Two servers on one gallery in PostgreSQL: how soon does one know what was done at the other?

People are enrolled over REST at one server, and asked for at the other until it names them; then
erased at the one, until the other does not know them any more. A time begins with the answer to the
change and ends with the first right answer, so each holds at least one search: photo sent, decoded,
detected, embedded, compared. How long that takes by itself is measured beside it, in the same run,
on a person who stays.

    python -m benchmarks.two_servers --people 20
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from client import Rollcall
from demo.people import NAMES, portrait
from enrollment.api_keys import SCOPES
from enrollment.config import Settings
from enrollment.opening import create
from enrollment.photo import encode_jpeg
from enrollment.service import open_service
from tests import databases
from tests.app.browser import free_port, wait_for

KEY = "5a" * 32
_PATIENCE = 30.0  # seconds until the other server is taken not to know at all


@dataclass(frozen=True)
class Times:
    """Seconds, one a person. searching: of one search alone. at_once: of both kinds of changes, how
    many the other server knew at the first question."""

    found: Sequence[float]
    gone: Sequence[float]
    searching: Sequence[float]
    at_once: int


def measure(folder: Path, people: int) -> Times:
    """Two servers of their own, on a database server of their own."""
    with databases.server() as server, ExitStack() as running:
        url = server.url("faces")
        first, second = (settings_in(folder / name) for name in ("first", "second"))
        create(first, "dlib-resnet", url)
        joined = rollcall(second, "init", "--join", "--database", url)
        if joined.wait() != 0:
            sys.exit("the second server cannot join the gallery")
        with open_service(first) as service:
            _, secret = service.api_keys.add("measure", SCOPES, daily=100_000)
        here, there = (
            running.enter_context(served(settings, secret)) for settings in (first, second)
        )
        return _times(here, there, folder, people)


def _times(here: Rollcall, there: Rollcall, folder: Path, people: int) -> Times:
    keeper, *others = range(len(NAMES))
    stays = _enroll(here, folder, keeper)
    found, gone, searching, at_once = [], [], [], 0
    for person in others:
        if len(found) == people:
            break
        subject_id, probe = _enroll(here, folder, person), _photo(folder, person, 0)
        if _named(here, probe) != subject_id:
            continue  # drawn people who look alike: not the question here
        for right, seconds in (
            (lambda p=probe, i=subject_id: _named(there, p) == i, found),
            (lambda p=probe, i=subject_id: _named(there, p) != i, gone),
        ):
            if seconds is gone:
                here.erase(subject_id)
            needed, asked = _until(right)
            seconds.append(needed)
            at_once += asked == 1
        # Also so that the key has not asked for too many who are nobody.
        searching.append(_timed(lambda: _named(there, _photo(folder, keeper, 0)) == stays))
    return Times(found, gone, searching, at_once)


def _enroll(at: Rollcall, folder: Path, person: int) -> str:
    photos = [_photo(folder, person, n) for n in range(2)]
    enrolled = at.enroll(NAMES[person], photos, "drawn", on_collision="allow")
    assert enrolled.subject_id is not None, enrolled
    return enrolled.subject_id


def _named(at: Rollcall, photo: Path) -> str | None:
    faces = at.identify(photo)
    return faces[0].subject_id if faces else None


def _until(right: Callable[[], bool]) -> tuple[float, int]:
    """Seconds, and how often it was asked."""
    began, asked = time.perf_counter(), 1
    while not right():
        asked += 1
        if time.perf_counter() - began > _PATIENCE:
            sys.exit(f"the other server does not know it after {_PATIENCE:.0f} s")
    return time.perf_counter() - began, asked


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _photo(folder: Path, person: int, number: int) -> Path:
    path = folder / f"{person}-{number}.jpg"
    if not path.exists():
        path.write_bytes(encode_jpeg(portrait(person, number)))
    return path


def settings_in(folder: Path) -> Settings:
    return Settings(home=folder / "gallery", key=KEY, key_folder=folder / "keys")


def rollcall(settings: Settings, *words: str) -> "subprocess.Popen[bytes]":
    """A command in a process of its own, whose words go to a file beside its gallery."""
    settings.home.parent.mkdir(parents=True, exist_ok=True)
    given = {"ROLLCALL_KEY": KEY, "ROLLCALL_KEY_FOLDER": str(settings.key_folder)}
    with (settings.home.parent / "said.log").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "app.cli", *words, "--home", str(settings.home)],
            env=os.environ | given,
            stdout=said,
            stderr=said,
        )


@contextmanager
def served(settings: Settings, secret: str) -> Iterator[Rollcall]:
    port = free_port()
    options = ("--no-pages", "--nightly-at", "off", "--port", str(port))
    process = rollcall(settings, "serve", *options)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api/v1/ready", process)
        with Rollcall(address, secret) as asked:
            yield asked
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()


def report(times: Times) -> str:
    lines = [f"n = {len(times.found)}, load of the machine {os.getloadavg()[0]:.1f}"]
    for what, seconds in (
        ("enrolled here, found there", times.found),
        ("erased here, unknown there", times.gone),
        ("one search alone", times.searching),
    ):
        median, worst = statistics.median(seconds), max(seconds)
        lines.append(f"{what:28} median {median:.3f} s, worst {worst:.3f} s")
    changes = len(times.found) + len(times.gone)
    lines.append(f"known there at the first question: {times.at_once} of {changes} changes")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=20)
    arguments = parser.parse_args()
    if not 1 <= arguments.people < len(NAMES):
        parser.error(f"1 to {len(NAMES) - 1} people")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no server must outlive this
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        print(report(measure(Path(name), arguments.people)))


if __name__ == "__main__":
    main()
