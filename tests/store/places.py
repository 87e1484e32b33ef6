"""Where galleries are made in tests: SQLite in a file, and PostgreSQL where it is installed."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from store.database import sqlite_url
from store.gallery import Gallery, create_gallery, new_gallery_id, open_gallery
from store.records import GalleryFacts, NewSample

D = 8
KEY = bytes(range(32))


def facts() -> GalleryFacts:
    golden = np.zeros((8, D), np.float32)
    return GalleryFacts(
        new_gallery_id(), datetime.now(UTC), "tiny", "", "tiny", D, "print", golden, "required"
    )


def make(url: str) -> Gallery:
    create_gallery(url, KEY, facts(), 0.01)
    return open_gallery(url, KEY)


def in_folder(folder: Path) -> str:
    return sqlite_url(folder / "gallery.db")


def vector(seed: int | None = None) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=D).astype(np.float32)
    return found / np.linalg.norm(found)


def sample(seed: int | None = None) -> NewSample:
    return NewSample(secrets.token_bytes(32), b"picture", {"source": "a.jpg"}, vector(seed))


def enroll(gallery: Gallery, name: str, samples: int = 2, seed: int | None = None) -> str:
    with gallery.change("test") as change:
        subject_id = change.add_subject(name, None)
        consent = change.add_consent(subject_id, "consent", "yes")
        seeds = [None if seed is None else seed + i for i in range(samples)]
        change.add_samples(subject_id, consent, [sample(s) for s in seeds])
    return subject_id
