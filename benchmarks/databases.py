"""SQLite and PostgreSQL side by side, one gallery in each, on this machine's disk.

What a server does most: ask whether anything has changed before a search, count a change, open, and
erase. PostgreSQL syncs its log here as it would in service, and is reached by a socket: add the way
there and back for a server on another machine (the first row asks once).

    python -m benchmarks.databases --people 2000
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from store.database import sqlite_url
from store.gallery import Gallery, create_gallery, open_gallery
from store.records import NewSample
from tests import databases
from tests.store.places import KEY, facts

D = 128
_TEMPLATES = 3
_AT_ONCE = 200


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=20)
    arguments = parser.parse_args()
    print(f"{arguments.people} people, {_TEMPLATES} templates of {D} numbers each")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        _measure("SQLite", sqlite_url(folder / "gallery.db"), arguments)
        with _durable() as url:
            _measure("PostgreSQL", url, arguments)


@contextmanager
def _durable() -> Iterator[str]:
    with databases.server() as server:
        server.stop()
        server.start("fsync=on", "full_page_writes=on", "autovacuum=on")
        yield server.url("faces")


def _measure(name: str, url: str, arguments: argparse.Namespace) -> None:
    print(name)
    golden = np.zeros((8, D), np.float32)
    create_gallery(url, KEY, replace(facts(), dimension=D, golden=golden), 0.01)
    gallery = open_gallery(url, KEY)
    gallery.refresh()
    rng = np.random.default_rng(1)
    began = time.perf_counter()
    ids: list[str] = []
    for start in range(0, arguments.people, _AT_ONCE):
        ids += _enroll(gallery, range(start, min(start + _AT_ONCE, arguments.people)), rng)
    seconds = time.perf_counter() - began
    print(f"  enroll {_AT_ONCE} a change        {arguments.people / seconds:8.0f} people a second")
    _say("look whether anything changed", [_timed(gallery.refresh) for _ in range(500)])
    one = [_timed(lambda n=n: _enroll(gallery, [n], rng)) for n in range(arguments.repeat)]
    _say("enroll one person", one)
    gallery.close()
    gallery = open_gallery(url, KEY)
    _say("read everybody into memory", [_timed(gallery.refresh)])
    gone = [_timed(lambda i=i: _erase(gallery, i)) for i in ids[: arguments.repeat]]
    _say("erase one person, finished", gone)
    gallery.close()


def _enroll(gallery: Gallery, numbers: "range | list[int]", rng: np.random.Generator) -> list[str]:
    ids = []
    with gallery.change("benchmark") as change:
        for number in numbers:
            vectors = rng.normal(size=(_TEMPLATES, D)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            ids.append(change.add_subject(f"Person {number}", None))
            consent = change.add_consent(ids[-1], "consent", "yes")
            photos = [NewSample(rng.bytes(32), rng.bytes(6000), {}, row) for row in vectors]
            change.add_samples(ids[-1], consent, photos)
    return ids


def _erase(gallery: Gallery, subject_id: str) -> None:
    with gallery.change("benchmark") as change:
        change.erase([subject_id], [], [])
    assert gallery.finish_erasures()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _say(what: str, seconds: list[float]) -> None:
    ms = [1000 * s for s in seconds]
    print(
        f"  {what:30} n {len(ms):4}, median {statistics.median(ms):8.2f} ms, worst {max(ms):8.2f}"
    )


if __name__ == "__main__":
    main()
