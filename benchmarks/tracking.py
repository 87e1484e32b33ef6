"""Which way of following faces keeps two people who cross apart? Simulated boxes, no pictures.

    python -m benchmarks.tracking

Two people (half of the pairs at different distances) walk through each other's way, seen at 5 to
25 frames a second, with jittering boxes, missed detections, and only the nearer one found while
they overlap. Counts crossings after which somebody's number was another person's (swapped) and in
which somebody got a second number (broken).
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from enrollment.tracking import (
    Distances,
    Pairing,
    Place,
    Tracker,
    middle_of,
    nearest_first,
    size_of,
    uncovered,
)
from models.detector import Face

SHAPE = np.array([[0.3, 0.38], [0.7, 0.38], [0.5, 0.58], [0.35, 0.78], [0.65, 0.78]])
RATES = (5, 10, 25)


def all_at_once(distances: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Hungarian: the pairing whose distances sum to the least."""
    possible = np.isfinite(distances)
    rows, columns = linear_sum_assignment(np.where(possible, distances, 1e3))
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if possible[r, c]]


def away(places: Sequence[Place], faces: Sequence[Face], seconds: float) -> NDArray[np.float64]:
    """Distance of the landmarks' middles in face widths; inf above 0.7 and 0.7 more a second."""
    distances = np.full((len(places), len(faces)), np.inf)
    for i, place in enumerate(places):
        for j, face in enumerate(faces):
            size = max(place.size, size_of(face))
            found = float(np.linalg.norm(middle_of(face) - place.at(seconds))) / size
            if found <= 0.7 + 0.7 * (seconds - place.seconds):
                distances[i, j] = found
    return distances


def standing(distances: Distances) -> Distances:
    """The same, for faces that are expected to stay where they are."""

    def still(places: Sequence[Place], faces: Sequence[Face], at: float) -> NDArray[np.float64]:
        return distances([replace(p, velocity=np.zeros(2)) for p in places], faces, at)

    return still


def crossing(rng: np.random.Generator, rate: float) -> list[tuple[float, list[tuple[int, Face]]]]:
    """Frames of two people who cross: (seconds, [(person, face)])."""
    sizes = rng.uniform(60, 140, 2) if rng.random() < 0.5 else np.full(2, rng.uniform(60, 140))
    speed = rng.uniform(80, 400, 2) * [1, -1]  # px a second
    rows = 200 + rng.uniform(-0.3, 0.3, 2) * sizes
    frames = []
    for n in range(int(3 * rate)):
        seconds = n / rate
        columns = 500 + speed * (seconds - 1.5)
        near = int(sizes.argmax())
        hidden = abs(columns[0] - columns[1]) < 0.6 * sizes.mean()
        faces = []
        for who in (0, 1):
            if rng.random() < 0.05 or (hidden and who != near):
                continue
            size = sizes[who] * rng.normal(1, 0.03)
            corner = np.array([columns[who], rows[who]]) + rng.normal(0, 0.03, 2) * size
            marks = corner + SHAPE * size + rng.normal(0, 0.01, (5, 2)) * size
            box = (int(corner[0]), int(corner[1]), int(size), int(size))
            faces.append((who, Face(box, marks.astype(np.float32), 0.9)))
        frames.append((seconds, faces))
    return frames


def judged(
    frames: list[tuple[float, list[tuple[int, Face]]]], tracker: Tracker
) -> tuple[bool, bool]:
    """Was somebody swapped, was somebody's track broken?"""
    people: dict[int, set[int]] = {}
    numbers: dict[int, set[int]] = {}
    for seconds, faces in frames:
        seen = tracker.see([face for _, face in faces], seconds)
        for number, (who, _) in zip(seen.numbers, faces, strict=True):
            people.setdefault(number, set()).add(who)
            numbers.setdefault(who, set()).add(number)
    return any(len(p) > 1 for p in people.values()), any(len(n) > 1 for n in numbers.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crossings", type=int, default=200)
    arguments = parser.parse_args()
    ways: list[tuple[str, Distances, Pairing]] = [
        ("overlap, expected to stay, nearest first", standing(uncovered), nearest_first),
        ("overlap, expected to stay, all at once", standing(uncovered), all_at_once),
        ("landmarks, expected to stay, all at once", standing(away), all_at_once),
        ("overlap, moving on, nearest first (served)", uncovered, nearest_first),
        ("overlap, moving on, all at once", uncovered, all_at_once),
        ("landmarks, moving on, nearest first", away, nearest_first),
        ("landmarks, moving on, all at once", away, all_at_once),
    ]
    print(f"of {arguments.crossings} crossings, swapped/broken at {RATES} frames a second")
    for name, distances, pairing in ways:
        print(f"{name:44}", end="")
        for rate in RATES:
            rng = np.random.default_rng([7, rate])
            results = [
                judged(crossing(rng, rate), Tracker(1.0, distances, pairing))
                for _ in range(arguments.crossings)
            ]
            swapped, broken = (sum(column) for column in zip(*results, strict=True))
            print(f"{swapped:>6}/{broken:<4}", end="")
        print(flush=True)


if __name__ == "__main__":
    main()
