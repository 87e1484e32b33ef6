"""How quick is every page with ten thousand people? The script's time, without a browser.

    python -m benchmarks.pages                  10,000 people, three photos each
    python -m benchmarks.pages --people 1000

Simulated embeddings and small pictures in a real gallery. Every page of `app/pages.py` is run by
its own `show`, several times; the pages that look at one person are run on somebody. Beside it, of
the same run: an empty Streamlit script, and one `SELECT count(*)`.
"""

import argparse
import functools
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from app import pages
from app.keras_state import keep_keras_state
from app.language import Language
from app.sidebar import show_sidebar
from app.tasks import Tasks
from app.visit import Visit
from demo.people import portrait
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.nightly import KEPT_HEADS
from enrollment.opening import write_gallery
from enrollment.photo import encode_jpeg
from enrollment.service import Service, open_service
from models.alignment import AlignmentTemplate
from models.backbone import ScorePriors
from models.weights import WeightsFile
from store.database import sqlite_url
from store.gallery import Gallery, new_gallery_id, open_gallery
from store.records import GalleryFacts, NewSample
from tests.app.live import app_test_with_a_camera

DIMENSION = 256
PHOTOS = 3
SIDE = 400
LIMIT_MS = 300
NIGHTS = 30
KEY = bytes(32)
_LANDMARKS = np.array(
    [(0.35, 0.4), (0.65, 0.4), (0.5, 0.6), (0.38, 0.78), (0.62, 0.78)], np.float32
)


class NoBackbone:
    """Nothing is embedded here; pages ask for its name and its priors."""

    name = "simulated"
    dimension = DIMENSION
    template = AlignmentTemplate((112, 112), _LANDMARKS)
    priors = ScorePriors(0.4, 0.5, 0.8, "simulated")
    device = "CPU: simulated"
    licence = "none"
    weights = WeightsFile(Path("simulated"), "0" * 64, 0)
    description: Mapping[str, str] = {"backbone": "simulated"}

    def embed(self, crops: np.ndarray) -> np.ndarray:
        return np.zeros((len(crops), DIMENSION), np.float32)


class NoDetector:
    name = "simulated"
    description: Mapping[str, str] = {"detector": "simulated"}
    weights = WeightsFile(Path("simulated"), "0" * 64, 0)

    def detect(self, image: np.ndarray) -> list[object]:
        return []


def make_service(folder: Path, people: int) -> Service:
    """A gallery of this many, and its last nights."""
    settings = Settings(home=folder, key=KEY.hex(), key_folder=folder / "keys", actor="benchmark")
    write_gallery(settings, _facts())
    gallery = open_gallery(sqlite_url(folder / "gallery.db"), KEY)
    rng = np.random.default_rng(0)
    faces = [encode_jpeg(portrait(i, 0, size=SIDE), 85) for i in range(8)]
    for start in range(0, people, 500):
        with gallery.change("benchmark") as change:
            for i in range(start, min(start + 500, people)):
                _add(change, i, rng, faces)
    _put_nights(gallery)
    gallery.close()
    return open_service(settings, capture=Capture(NoDetector(), NoBackbone()))


def _facts() -> GalleryFacts:
    return GalleryFacts(
        gallery_id=new_gallery_id(),
        created_at=datetime.now(UTC),
        backbone="simulated",
        backbone_reason="benchmark",
        detector="none",
        dimension=DIMENSION,
        fingerprint="simulated",
        golden=np.zeros((8, DIMENSION), np.float32),
        consent_policy="none",
    )


def _add(change: object, number: int, rng: np.random.Generator, faces: list[bytes]) -> None:
    subject_id = change.add_subject(f"Person {number:05}", f"S{number:05}")
    consent = change.add_consent(subject_id, "policy-none", "")
    vectors = rng.normal(size=DIMENSION) + 0.65 * rng.normal(size=(PHOTOS, DIMENSION))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    details = {
        "source": "benchmark.jpg",
        "landmarks": (_LANDMARKS * SIDE).tolist(),
        "quality": {"sharpness": 100.0, "yaw": 0.0},
    }
    samples = [
        NewSample(rng.bytes(32), faces[(number + i) % len(faces)], details, v.astype(np.float32))
        for i, v in enumerate(vectors)
    ]
    change.add_samples(subject_id, consent, samples)


def _put_nights(gallery: Gallery) -> None:
    """As `Nightly` writes them: counts of each person, and a head with all of them."""
    subject_ids = list(gallery.subjects())
    mentions = sorted(gallery.pseudonyms(subject_ids).values())
    with gallery.change("benchmark") as change:
        for night in range(NIGHTS):
            day = f"2026-{1 + night // 28:02}-{1 + night % 28:02}"
            change.put_night(day, dict.fromkeys(subject_ids, (PHOTOS - 1, PHOTOS)))
            details = {"outcome": "promoted", "mode": "imprint", "mentions": mentions}
            change.put_job("nightly", day, "finished", change.at, details)
            if night >= NIGHTS - KEPT_HEADS:
                manifest = {"mode": "imprint", "templates": "A" * 22 * PHOTOS * len(subject_ids)}
                change.add_head(f"{day}-imprint", "champion", 1, manifest, subject_ids)


def _empty() -> None:
    return


def _run(show) -> None:  # noqa: ANN001 - a script of its own: it knows no names from here
    show()


@dataclass(frozen=True)
class Took:
    """Milliseconds, medians. cpu: of all threads; what remains of a rerun on a busy machine."""

    wall: float
    cpu: float
    errors: int = 0


def script(show: Callable[[], None], runs: int, query: Mapping[str, str]) -> Took:
    """Reruns of a page, after a first one."""
    at = AppTest.from_function(_run, default_timeout=600, args=(show,))
    for key, value in query.items():
        at.query_params[key] = value
    at.run()
    took = timed(at.run, runs)
    return replace(took, errors=len(at.exception))


def timed(work: Callable[[], object], runs: int) -> Took:
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return Took(float(np.median(walls)), float(np.median(cpus)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # Streamlit misses a browser, aloud, at every run
    keep_keras_state()  # as the server does
    with tempfile.TemporaryDirectory() as name, app_test_with_a_camera():
        start = time.perf_counter()
        with make_service(Path(name), arguments.people) as service:
            took = time.perf_counter() - start
            print(f"{arguments.people} people made in {took:.0f} s", flush=True)
            _measure(service, arguments.runs)


def _measure(service: Service, runs: int) -> None:
    for label in ("with the index and the head built", "once more"):
        _say_point(label, timed(service.warm, 1))
    (person, *_), _ = service.people_page(limit=1)
    service.rename(person.subject_id, "Somebody")
    _say_point("after a rename", timed(service.warm, 1))
    visit = Visit(service, Language(), Tasks())
    empty, count = script(_empty, runs, {}), timed(service.count, runs * 3)
    print(f"an empty script {empty.wall:.1f} ms, SELECT count(*) {count.wall:.2f} ms\n")
    print(f"{'page':20} {'ms':>7} {'CPU ms':>7} {'empty x':>8} {'count x':>8}  limit {LIMIT_MS} ms")
    for label, show, query in _shown(visit, person.subject_id):
        took = script(show, runs, query)
        verdict = "ok" if took.wall < LIMIT_MS else "ok by CPU" if took.cpu < LIMIT_MS else "SLOW"
        said = f"{verdict}, {took.errors} errors" if took.errors else verdict
        ratios = f"{took.wall / empty.wall:8.1f} {took.wall / count.wall:8.0f}"
        print(f"{label:20} {took.wall:7.0f} {took.cpu:7.0f} {ratios}  {said}", flush=True)


def _say_point(label: str, took: Took) -> None:
    seconds = f"{took.wall / 1000:.2f} s, CPU {took.cpu / 1000:.2f} s"
    print(f"operating point, {label}: {seconds}", flush=True)


def _shown(
    visit: Visit, subject_id: str
) -> list[tuple[str, Callable[[], None], Mapping[str, str]]]:
    entries = [entry for group in pages._menu(visit.language).values() for entry in group]
    found = [(entry.path or "start", functools.partial(entry.show, visit), {}) for entry in entries]
    found.append(("sidebar", functools.partial(show_sidebar, visit), {}))
    (people,) = [entry for entry in entries if entry.path == "people"]
    one = functools.partial(people.show, visit)
    return [*found, ("people, one person", one, {"id": subject_id})]


if __name__ == "__main__":
    main()
