"""Faces keep their number by place and motion."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from enrollment.tracking import Tracker, nearest_first
from models.detector import Face

SHAPE = np.array([[0.3, 0.38], [0.7, 0.38], [0.5, 0.58], [0.35, 0.78], [0.65, 0.78]])


def face(x: float, y: float = 100, size: float = 80) -> Face:
    marks = (np.array([x, y]) + SHAPE * size).astype(np.float32)
    return Face((int(x), int(y), int(size), int(size)), marks, 0.9)


def test_a_walker_keeps_the_number_and_a_newcomer_gets_another() -> None:
    tracker = Tracker(gap=1.0)
    for n in range(10):
        assert tracker.see([face(100 + 20 * n)], n / 10).numbers == (1,)
    assert tracker.see([face(300), face(700)], 1.0).numbers == (1, 2)


def test_two_who_cross_keep_their_numbers_though_one_is_hidden() -> None:
    tracker = Tracker(gap=1.0)
    for n in range(40):
        left, right = face(100 + 20 * n), face(880 - 20 * n, y=110, size=84)
        hidden = abs(left.box[0] - right.box[0]) < 50
        faces = [right] if hidden else [left, right]
        numbers = tracker.see(faces, n / 10).numbers
        assert numbers == ((2,) if hidden else (1, 2)), n


def test_unseen_for_long_is_ended_and_briefly_is_not() -> None:
    tracker = Tracker(gap=1.0)
    tracker.see([face(100)], 0.0)
    assert tracker.see([], 0.9).ended == ()
    assert tracker.see([face(101)], 1.0).numbers == (1,)
    assert tracker.see([], 2.1).ended == (1,)
    assert tracker.see([face(100)], 2.2).numbers == (2,)


def test_a_place_that_somebody_else_took_goes_on_under_a_new_number() -> None:
    tracker = Tracker(gap=1.0)
    tracker.see([face(100)], 0.0)
    assert tracker.renumber(1) == 2
    assert tracker.see([face(101)], 0.1).numbers == (2,)
    tracker.forget(2)
    assert tracker.see([face(101)], 0.2).numbers == (3,)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 1000))
def test_nobody_has_two_numbers_and_no_number_two_people(
    rows: int, columns: int, seed: int
) -> None:
    distances = np.random.default_rng(seed).uniform(size=(rows, columns))
    distances[distances > 0.7] = np.inf
    found = nearest_first(distances)
    assert len({r for r, _ in found}) == len({c for _, c in found}) == len(found)
    assert all(np.isfinite(distances[pair]) for pair in found)
    left = np.delete(np.delete(distances, [r for r, _ in found], 0), [c for _, c in found], 1)
    assert not np.isfinite(left).any()
