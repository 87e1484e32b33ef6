"""A crowd of drawn people in a real gallery: unit vectors about a centre each, no pictures.

Two templates of a person are about .7 alike, as photos of one person are; strangers' cosines are
about 0, give or take 1 / sqrt(dimension).
"""

import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from store.change import Change
from store.database import sqlite_url
from store.gallery import Gallery, create_gallery, new_gallery_id, open_gallery
from store.records import GalleryFacts, NewSample

KEY = bytes(32)
_SPREAD = 0.65  # of a template about its person's centre, both of length one
_AT_ONCE = 1_000  # people in a change


def person(random: np.random.Generator, templates: int, dimension: int) -> np.ndarray:
    """(templates, dimension) float32: unit rows of one person."""
    centre = random.normal(size=dimension)
    vectors = centre + _SPREAD * random.normal(size=(templates, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def crowd(
    random: np.random.Generator, people: int, each: int, dimension: int, probes: int
) -> tuple[np.ndarray, np.ndarray]:
    """(people * each, dimension) float32: as `person`, of many, one after the other; and
    (probes, dimension): one more of each of the first ones."""
    vectors = np.empty((people, each, dimension), np.float32)
    more = []
    for begin in range(0, people, _AT_ONCE):
        some = vectors[begin : begin + _AT_ONCE]
        shape = (len(some), each + 1, dimension)
        centres = random.standard_normal((len(some), 1, dimension), np.float32)
        drawn = centres + _SPREAD * random.standard_normal(shape, np.float32)
        drawn /= np.linalg.norm(drawn, axis=2, keepdims=True)
        some[:] = drawn[:, :each]
        if begin < probes:
            more.append(drawn[:, each].copy())
    return vectors.reshape(-1, dimension), np.concatenate(more)[:probes]


def enroll(change: Change, name: str, vectors: np.ndarray) -> str:
    """Somebody with these templates; returns the subject's id."""
    subject_id = change.add_subject(name, None)
    consent = change.add_consent(subject_id, "consent", "yes")
    new = [NewSample(secrets.token_bytes(32), b"picture", {}, v) for v in vectors]
    change.add_samples(subject_id, consent, new)
    return subject_id


def open_filled(folder: Path, templates: int, people: int, dimension: int) -> Gallery:
    """The gallery in this folder, not yet read; filled first as far as it is not."""
    folder.mkdir(parents=True, exist_ok=True)
    url = sqlite_url(folder / "gallery.db")
    if not (folder / "gallery.db").exists():
        create_gallery(url, KEY, _facts(dimension), 0.01)
    gallery = open_gallery(url, KEY)
    here, filled = gallery.count(), gallery.count_templates()
    missing, left = templates - filled, people - here
    if left <= 0:
        return gallery
    random, began = np.random.default_rng(here), time.perf_counter()
    for begin in range(here, people, _AT_ONCE):
        end = min(begin + _AT_ONCE, people)
        with gallery.change("benchmark") as change:
            for i in range(begin, end):
                each = missing * (i + 1 - here) // left - missing * (i - here) // left
                enroll(change, f"Person {i}", person(random, each, dimension))
        took = time.perf_counter() - began
        print(f"\r{end:,} of {people:,} people, {took:.0f} s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    gallery.close()
    return open_gallery(url, KEY)


def _facts(dimension: int) -> GalleryFacts:
    return GalleryFacts(
        gallery_id=new_gallery_id(),
        created_at=datetime.now(UTC),
        backbone="drawn",
        backbone_reason="benchmark",
        detector="none",
        dimension=dimension,
        fingerprint="drawn",
        golden=np.zeros((8, dimension), np.float32),
        consent_policy="required",
    )
