"""Small galleries of the store alone, and what is put into them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from store.gallery import Gallery, create_gallery, new_gallery_id, open_gallery
from store.records import GalleryFacts, NewSample, NewSighting
from tests import databases

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
    return databases.in_folder(folder)


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database on a server of its own."""
    with databases.server() as server:
        server.do("CREATE DATABASE rollcall")
        yield server.url("rollcall")


def vector(seed: int | None = None) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=D).astype(np.float32)
    return found / np.linalg.norm(found)


def sample(seed: int | None = None) -> NewSample:
    return NewSample(secrets.token_bytes(32), b"picture", {"source": "a.jpg"}, vector(seed))


def sighting(
    seed: int | None = None,
    *,
    kind: str = "unknown",
    nearest: str | None = None,
    rival: str | None = None,
    source: str = "door",
) -> NewSighting:
    image = b"stranger's picture" + secrets.token_bytes(8)
    details = {"source": source, "frame": None, "same_person": 0.5}
    return NewSighting(kind, nearest, rival, image, details, vector(seed))


def queue(gallery: Gallery, *new: NewSighting) -> list[str]:
    with gallery.change("test", raises_generation=False) as change:
        return [change.add_sighting(one) for one in new]


def enroll(gallery: Gallery, name: str, samples: int = 2, seed: int | None = None) -> str:
    with gallery.change("test") as change:
        subject_id = change.add_subject(name, None)
        consent = change.add_consent(subject_id, "consent", "yes")
        seeds = [None if seed is None else seed + i for i in range(samples)]
        change.add_samples(subject_id, consent, [sample(s) for s in seeds])
    return subject_id
