"""The gallery in two dimensions: who is near whom, for people to look at.

A place is computed from templates and is kept in memory only, beside nothing but an id.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from enrollment.roster import Roster
from models.projection import SECONDS_PER_ROW, TSNE, method_for, project
from store.gallery import Gallery

# Laying out this many anew is waited for after every change.
_SOON = 2.0  # seconds


@dataclass(frozen=True)
class GalleryMap:
    """subject_ids: who can be found; places: (n, 2), -1..1; method: how they were laid out;
    generation: of the gallery that is shown."""

    subject_ids: tuple[str, ...]
    places: NDArray[np.float64]
    method: str
    generation: int

    @property
    def soon(self) -> bool:
        """Laying out as many is a matter of a moment."""
        return seconds_for(len(self.subject_ids)) <= _SOON


def seconds_for(people: int) -> float:
    """How long it takes to lay out so many, about, on one core."""
    return people * SECONDS_PER_ROW if method_for(people) == TSNE else 0.0


class Mapmaker:
    """Keeps the last map. Safe to share between threads."""

    def __init__(self, gallery: Gallery, roster: Callable[[], Roster]) -> None:
        self._gallery = gallery
        self._roster = roster
        self._map: GalleryMap | None = None
        self._rows_digest = ""
        self._lock = threading.Lock()

    def last(self) -> tuple[GalleryMap | None, bool]:
        """The last map, None before the first; and whether it shows the gallery as it is now."""
        with self._lock:
            if self._map is None:
                return None, False
            generation = self._gallery.generation()
            if self._map.generation != generation:
                subject_ids, rows = self._roster().rows()
                if _digest(subject_ids, rows) != self._rows_digest:
                    return self._map, False
                # Something else has changed: a name, the review queue.
                self._map = replace(self._map, generation=generation)
            return self._map, True

    def draw(self) -> GalleryMap:
        """The gallery as it is now; takes `seconds_for` as many people as there are."""
        generation = self._gallery.generation()
        subject_ids, rows = self._roster().rows()
        made = GalleryMap(subject_ids, project(rows), method_for(len(rows)), generation)
        with self._lock:
            self._map, self._rows_digest = made, _digest(subject_ids, rows)
        return made

    def forget(self) -> None:
        """Let go of every place: somebody is erased."""
        with self._lock:
            self._map = None


def _digest(subject_ids: tuple[str, ...], rows: NDArray[np.float32]) -> str:
    return sha256("\n".join(subject_ids).encode() + rows.tobytes()).hexdigest()
