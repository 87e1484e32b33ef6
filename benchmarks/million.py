"""A gallery of a million templates on this machine: what does each deed take?

    python -m benchmarks.million --json million.json
    python -m benchmarks.million --templates 100000 --people 33000 --folder /tmp/gallery

A real gallery on disk, of drawn people with vectors of 512 numbers: encryption, seals, audit trail,
index and head. It is filled once and kept in the folder. Times are wall and CPU time, medians with
the 99th percentile where something is done often. Next to them stands the cost of one VGG-Face
forward on one core of this machine (30.9 GFLOP, from the speed of a matrix product of the same
run), which every enrollment pays anyway.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.drawn_crowd import KEY, enroll, open_filled, person
from benchmarks.limits import Limits
from enrollment.roster import Roster
from store.database import sqlite_url
from store.gallery import Gallery, open_gallery

_DIMENSION = 512
_FORWARD = 30.9e9  # floating-point operations of VGG-Face
_PHOTOS = 3
Figures = dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--templates", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--folder", type=Path, help="kept, and used again; else a temporary one")
    parser.add_argument("--times", type=int, default=20, help="of each deed")
    parser.add_argument("--quick", action="store_true", help="10,000 templates")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.templates, options.people = 10_000, 3_000
    with tempfile.TemporaryDirectory() as name, threadpool_limits(1):
        folder = options.folder or Path(name)
        open_filled(folder, options.templates, options.people, _DIMENSION).close()
        figures = measured(folder, options.times)
    for what, of in figures.items():
        said = "  ".join(f"{key} {value:,.3f}" for key, value in of.items())
        print(f"{what:36} {said}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def measured(folder: Path, times: int) -> Figures:
    url = sqlite_url(folder / "gallery.db")
    found: Figures = {"one VGG-Face forward, one core": {"cpu_s": forward()}}
    gallery = open_gallery(url, KEY)
    found["open: seals, rows, index"] = timed(gallery.refresh)
    say(found, "open: seals, rows, index")
    held = resident()
    roster = Roster(gallery)
    found["open: the head"] = timed(roster.refresh)
    say(found, "open: the head")
    found["size"] = {
        "templates": gallery.count_templates(),
        "people": gallery.count(),
        "on_disk_mb": (folder / "gallery.db").stat().st_size / 1e6,
        "index_mb": gallery.index_bytes / 1e6,
        "flat_float32_mb": gallery.count_templates() * _DIMENSION * 4 / 1e6,
        "resident_after_index_mb": held,
        "resident_mb": resident(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }
    say(found, "size")
    random = np.random.default_rng(time.time_ns())
    mated = probes_of(gallery, random, 4 * times)
    strangers = np.concatenate([person(random, 1, _DIMENSION) for _ in range(times)])
    found["search the index, mated"] = often(lambda i: gallery.search(mated[i : i + 1], 1), times)
    found["search the index, strangers"] = often(
        lambda i: gallery.search(strangers[i : i + 1], 1), times
    )
    found["identify, mated"] = often(lambda i: roster.rank(mated[i : i + 1]), 4 * times)
    found["identify, strangers"] = often(lambda i: roster.rank(strangers[i : i + 1]), times)
    found["identify a batch of 16, mated"] = often(lambda _: roster.rank(mated[:16]), 3)
    for what in list(found)[-5:]:
        say(found, what)
    change_people(found, gallery, roster, random, times)
    other = open_gallery(url, KEY)
    found["open by another process"] = timed(other.refresh)
    subject_id = enrolled(gallery, random)[0]
    found["to follow another process"] = timed(other.refresh)
    gallery.refresh()
    erased(gallery, subject_id)
    found["to follow its erasure"] = timed(other.refresh)
    for what in list(found)[-3:]:
        say(found, what)
    other.close()
    found["verify"] = timed(lambda: check(gallery))
    say(found, "verify")
    gallery.close()
    return found


def change_people(
    found: Figures, gallery: Gallery, roster: Roster, random: np.random.Generator, times: int
) -> None:
    """Enroll some, rename them and erase them, each until a search knows it."""
    new: list[tuple[str, np.ndarray]] = []

    def add(_: int) -> None:
        subject_id, vectors = enrolled(gallery, random)
        (ranking,) = roster.rank(vectors[:1])
        assert ranking.subject_ids[0] == subject_id
        assert ranking.head_agrees
        new.append((subject_id, vectors))

    def alone(_: int) -> None:
        new.append(enrolled(gallery, random))
        roster.refresh()

    def rename(i: int) -> None:
        with gallery.change("benchmark") as change:
            change.rename(new[i][0], "Somebody else")
        roster.refresh()

    def erase(i: int) -> None:
        erased(gallery, new[i][0])
        roster.refresh()

    roster.refresh()
    found["enroll to known to the search"] = often(alone, times)
    found["enroll to found by a search"] = often(add, times)
    found["rename"] = often(rename, times)
    found["erase, all files clean"] = often(erase, times)
    for subject_id, vectors in new[:times]:
        (ranking,) = roster.rank(vectors[:1])
        assert subject_id not in ranking.subject_ids
    for what in ("enroll to known to the search", "enroll to found by a search", "rename"):
        say(found, what)
    say(found, "erase, all files clean")


def enrolled(gallery: Gallery, random: np.random.Generator) -> tuple[str, np.ndarray]:
    vectors = person(random, _PHOTOS, _DIMENSION)
    with gallery.change("benchmark") as change:
        return enroll(change, "Somebody new", vectors), vectors


def erased(gallery: Gallery, subject_id: str) -> None:
    with gallery.change("benchmark") as change:
        change.erase([subject_id])
    assert gallery.finish_erasures()


def check(gallery: Gallery) -> None:
    assert gallery.verify().sound


def probes_of(gallery: Gallery, random: np.random.Generator, count: int) -> np.ndarray:
    """Near to templates of people who are enrolled."""
    people, total = gallery.page_of_subjects(order="oldest", limit=count)
    assert total >= count
    found = []
    for one in people:
        templates = gallery.templates_of([one.subject_id]).vectors
        vector = templates.mean(axis=0)
        vector = vector / np.linalg.norm(vector)
        noise = random.normal(size=_DIMENSION) / np.sqrt(_DIMENSION)
        vector = vector + 0.8 * noise
        found.append(vector / np.linalg.norm(vector))
    return np.stack(found).astype(np.float32)


def forward() -> float:
    """Seconds of CPU that it takes at least, by what the processor can do."""
    return _FORWARD / (Limits().gflops() * 1e9)


def timed(act: Callable[[], object]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return {"s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def often(act: Callable[[int], object], times: int) -> dict[str, float]:
    rounds = [timed(lambda i=i: act(i)) for i in range(times)]
    walls = [1e3 * one["s"] for one in rounds]
    cpus = [1e3 * one["cpu_s"] for one in rounds]
    return {
        "p50_ms": float(np.percentile(walls, 50)),
        "p99_ms": float(np.percentile(walls, 99)),
        "cpu_p50_ms": float(np.percentile(cpus, 50)),
        "n": times,
    }


def resident() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return float(line.split()[1]) / 1e3
    return 0.0


def say(found: Figures, what: str) -> None:
    print(f"{what}: {found[what]}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
