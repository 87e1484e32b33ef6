"""How soon is a new colleague found? From the embeddings to the first search that names them.

    python -m benchmarks.expansion                 10,000 subjects, three templates each
    python -m benchmarks.expansion --subjects 1000

Simulated embeddings (unit Gaussian vectors, 128 numbers) in a real gallery: encryption, a durable
commit, index and head. Beside it the physical floor of the same run: one durable write of a page to
the same disk.
"""

import argparse
import os
import secrets
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from enrollment.roster import Roster
from store.database import sqlite_url
from store.gallery import Gallery, create_gallery, new_gallery_id, open_gallery
from store.records import GalleryFacts, NewSample

DIMENSION = 128
PHOTOS = 3


def make_gallery(folder: Path, subjects: int) -> Gallery:
    facts = GalleryFacts(
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
    url, key = sqlite_url(folder / "gallery.db"), bytes(32)
    create_gallery(url, key, facts, 0.01)
    gallery = open_gallery(url, key)
    rng = np.random.default_rng(0)
    for start in range(0, subjects, 500):
        with gallery.change("benchmark") as change:
            for i in range(start, min(start + 500, subjects)):
                add(change, f"Person {i}", unit(rng))
        print(f"\r{start + 500} subjects", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return gallery


def unit(rng: np.random.Generator) -> np.ndarray:
    """(PHOTOS, DIMENSION): a subject's embeddings, about .7 alike."""
    vectors = rng.normal(size=DIMENSION) + 0.65 * rng.normal(size=(PHOTOS, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def add(change: object, name: str, vectors: np.ndarray) -> str:
    subject_id = change.add_subject(name, None)
    consent = change.add_consent(subject_id, "policy-none", "")
    samples = [NewSample(secrets.token_bytes(32), b"x" * 20_000, {}, v) for v in vectors]
    change.add_samples(subject_id, consent, samples)
    return subject_id


def floor(folder: Path) -> float:
    """Seconds of one durable write of 64 kB, what a newcomer's rows weigh."""
    start = time.perf_counter()
    handle = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT)
    os.write(handle, os.urandom(65_536))
    os.fsync(handle)
    os.close(handle)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=10_000)
    parser.add_argument("--newcomers", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gallery = make_gallery(folder, arguments.subjects)
        roster = Roster(gallery)
        roster.refresh()
        rng = np.random.default_rng(1)
        took, searched, floors = [], [], []
        for i in range(arguments.newcomers):
            vectors = unit(rng)
            probe = vectors.mean(axis=0, keepdims=True)
            probe /= np.linalg.norm(probe)
            start = time.perf_counter()
            with gallery.change("benchmark") as change:
                subject_id = add(change, f"New {i}", vectors)
            (ranking,) = roster.rank(probe.astype(np.float32))
            took.append(time.perf_counter() - start)
            assert ranking.subject_ids[0] == subject_id
            assert ranking.head_agrees
            start = time.perf_counter()
            roster.rank(probe.astype(np.float32))
            searched.append(time.perf_counter() - start)
            floors.append(floor(folder))
    for label, seconds in (
        ("from embeddings to found", took), ("a search alone", searched),
        ("one durable write of 64 kB", floors),
    ):  # fmt: skip
        ms = np.percentile(seconds, [50, 95]) * 1000
        print(f"{label:28} median {ms[0]:7.1f} ms, 95 % {ms[1]:7.1f} ms, n = {len(seconds)}")
    ratio = np.median(took) / np.median(floors)
    print(f"{arguments.subjects} subjects; {ratio:.1f} durable writes; goal: found within 50 ms")


if __name__ == "__main__":
    main()
