"""A gallery with tiny models in a folder that can be copied, damaged and thrown away."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import photo_bytes
from enrollment.service import Service, open_service
from tests import tiny
from tests.galleries import TinyPipelines

MEMORY = Path("/dev/shm")  # noqa: S108 - where what is thrown away is made quickest
PHOTOS = 2


@dataclass(frozen=True)
class Place:
    """root: a folder that holds the gallery's folder and, beside it, its keys and anchor."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def settings(self) -> Settings:
        """The key is in a file where there is one, be it one that is on its way."""
        filed = any(any(self._keys.glob(name)) for name in ("*.key", "*.key.new-*"))
        return self.under(None if filed else tiny.KEY)

    def under(self, key: str | None) -> Settings:
        return Settings(self.home, key=key, key_folder=self._keys, actor="faults")

    @property
    def _keys(self) -> Path:
        return self.root / "keys"

    @contextmanager
    def service(self) -> Iterator[Service]:
        """Open; where something goes wrong within, it must still be able to say who is who."""
        with open_service(self.settings, pipelines=TinyPipelines()) as service:
            try:
                yield service
            except Exception:
                answers(service)
                raise

    def create(self) -> None:
        write_gallery(self.settings, facts_of(capture(), "for tests", "required"))

    def copy(self, root: Path) -> "Place":
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.root, root)
        return Place(root)


def capture() -> Capture:
    return Capture(tiny.TinyDetector(), tiny.TinyBackbone())


def person(name: str, number: int, photos: int = PHOTOS) -> Enrollee:
    """Somebody as `tiny` draws them by number."""
    taken = (
        photo_bytes(f"{number}-{i}.png", tiny.png(tiny.picture((number, i)))) for i in range(photos)
    )
    return Enrollee(name, None, tuple(taken))


def answers(service: Service) -> None:
    """Everybody is found by each of their templates, in the index and by the head that serves."""
    found = service._gallery.templates()
    if not found.subject_ids:
        return
    vectors = np.asarray(found.vectors)
    # One at a time: for more faiss makes threads, and a fork waits for ever for its parent's.
    nearest = [service._gallery.search(v[None], 1)[0][0].subject_id for v in vectors]
    assert nearest == list(found.subject_ids), "the index answers with somebody else"
    best = [service._roster.rank(v[None])[0].subject_ids[0] for v in vectors]
    assert best == list(found.subject_ids), "the head answers with somebody else"
