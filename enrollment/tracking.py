"""Which face of this frame is which face of the frames before? By place alone: no backbone runs.

`python -m benchmarks.tracking` compares ways: what counts is to expect a face to go on moving;
distances of landmarks instead of overlap, and pairing all faces at once (Hungarian assignment)
instead of the nearest first, change nothing or do worse. What still goes wrong when people cross
is found by their embeddings, in `passage.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.detector import Face

# Seconds over which a face's motion is averaged: the jitter of one frame is no motion.
STEADINESS = 0.3
# A face that was not seen is expected to go on moving for so many seconds, then to wait there.
FORESIGHT = 0.5


@dataclass(frozen=True)
class Place:
    """Where a track was last seen, and how it moves.

    middle: x, y in px; size: side of a square of the box's area, px; velocity: px a second.
    """

    middle: NDArray[np.float64]
    size: float
    seconds: float
    velocity: NDArray[np.float64]

    def at(self, seconds: float) -> NDArray[np.float64]:
        """Where its middle is expected then."""
        elapsed = min(max(seconds - self.seconds, 0.0), FORESIGHT)
        return self.middle + self.velocity * elapsed


@dataclass(frozen=True)
class Tracked:
    """numbers: the track of each face, as given. ended: tracks that were unseen for too long."""

    numbers: tuple[int, ...]
    ended: tuple[int, ...]


# (tracks, faces, seconds) -> (tracks, faces): how far each is from each, inf where too far.
Distances = Callable[[Sequence[Place], Sequence[Face], float], NDArray[np.float64]]
Pairing = Callable[[NDArray[np.float64]], list[tuple[int, int]]]


def uncovered(
    places: Sequence[Place], faces: Sequence[Face], seconds: float
) -> NDArray[np.float64]:
    """1 less the overlap (intersection over union) with where each track is expected."""
    distances = np.full((len(places), len(faces)), np.inf)
    for i, place in enumerate(places):
        expected = place.at(seconds)
        for j, face in enumerate(faces):
            shared = _overlap(expected, place.size, middle_of(face), size_of(face))
            if shared > 0:
                distances[i, j] = 1 - shared
    return distances


def nearest_first(distances: NDArray[np.float64]) -> list[tuple[int, int]]:
    """(row, column) of the nearest pair, then of the nearest of what is left, and so on."""
    left, found = distances.copy(), []
    while left.size and np.isfinite(left).any():
        row, column = np.unravel_index(int(left.argmin()), left.shape)
        found.append((int(row), int(column)))
        left[row], left[:, column] = np.inf, np.inf
    return found


class Tracker:
    """Gives every face the number of a track; tracks end when they are unseen for `gap` seconds."""

    def __init__(
        self, gap: float, distances: Distances = uncovered, pairing: Pairing = nearest_first
    ) -> None:
        self._gap = gap
        self._distances = distances
        self._pairing = pairing
        self._places: dict[int, Place] = {}
        self._last = 0

    def see(self, faces: Sequence[Face], seconds: float) -> Tracked:
        """Follow the faces of one frame, which was taken at `seconds`; times never go back."""
        ended = [n for n, p in self._places.items() if seconds - p.seconds > self._gap]
        for number in ended:
            del self._places[number]
        numbers = list(self._places)
        distances = self._distances([self._places[n] for n in numbers], faces, seconds)
        taken = {face: numbers[track] for track, face in self._pairing(distances)}
        found = tuple(taken[i] if i in taken else self.new_number() for i in range(len(faces)))
        for number, face in zip(found, faces, strict=True):
            self._places[number] = moved(self._places.get(number), face, seconds)
        return Tracked(found, tuple(ended))

    def new_number(self) -> int:
        self._last += 1
        return self._last

    def renumber(self, old: int) -> int:
        """Somebody else is in this place: it goes on under a new number."""
        number = self.new_number()
        self._places[number] = self._places.pop(old)
        return number

    def forget(self, number: int) -> None:
        self._places.pop(number, None)


def moved(before: Place | None, face: Face, seconds: float) -> Place:
    """The place of a face that was at `before`; None when it is new."""
    middle, velocity = middle_of(face), np.zeros(2)
    if before is not None and seconds > before.seconds:
        elapsed = seconds - before.seconds
        newer = 1 - float(np.exp(-elapsed / STEADINESS))
        velocity = newer * (middle - before.middle) / elapsed + (1 - newer) * before.velocity
    return Place(middle, size_of(face), seconds, velocity)


def middle_of(face: Face) -> NDArray[np.float64]:
    """Of the landmarks, which jump less than the box; x, y in px."""
    middle: NDArray[np.float64] = face.landmarks.astype(np.float64).mean(axis=0)
    return middle


def size_of(face: Face) -> float:
    """Side of a square of the box's area, px."""
    return float(np.sqrt(face.box[2] * face.box[3]))


def _overlap(
    one: NDArray[np.float64], one_size: float, other: NDArray[np.float64], other_size: float
) -> float:
    """Intersection over union of two squares, 0..1."""
    room = (one_size + other_size) / 2 - np.abs(one - other)
    sides = np.clip(np.minimum(room, min(one_size, other_size)), 0, None)
    shared = float(sides.prod())
    return shared / (one_size**2 + other_size**2 - shared)
