"""A head that turns as asked passes; whatever moves as a plane does not."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from enrollment.liveness import Challenge, ChallengeState, LivenessPolicy, Turn, nose_shift

# A head in eye distances: x to the image's right, y down, z to the camera; the nose stands out.
HEAD = np.array([[-0.5, -0.4, 0], [0.5, -0.4, 0], [0, 0.15, 0.5], [-0.4, 0.65, 0], [0.4, 0.65, 0]])
PHOTO = HEAD * [1, 1, 0]


class Scripted(random.Random):
    """Asks for what it was told to ask for, then always for the left."""

    def __init__(self, turns: list[Turn]) -> None:
        super().__init__(0)
        self._turns = list(turns)

    def choice(self, options):
        return self._turns.pop(0) if self._turns else options[0]


def seen(
    points: NDArray[np.float64], yaw: float = 0, pitch: float = 0, roll: float = 0, far: float = 8
) -> NDArray[np.float32]:
    """(5, 2) px of points that were turned (degrees) and projected from `far` eye distances."""
    a, b, c = np.radians((yaw, pitch, roll))
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turned = points @ (about_z @ about_x @ about_y).T
    return (300 + 60 * far * turned[:, :2] / (far - turned[:, 2:])).astype(np.float32)


def shift(points: NDArray[np.float64], **how: float) -> float | None:
    return nose_shift(seen(points).astype(np.float64), seen(points, **how).astype(np.float64))


@given(st.floats(-45, 45), st.floats(-30, 30), st.floats(-14, 14), st.floats(2.5, 20))
def test_a_flat_photo_keeps_its_nose(yaw: float, pitch: float, roll: float, far: float) -> None:
    """However it is tilted, rolled and brought near, in perspective."""
    straight = seen(PHOTO, far=8).astype(np.float64)
    moved = nose_shift(straight, seen(PHOTO, yaw, pitch, roll, far).astype(np.float64))
    assert moved is None or abs(moved) < 0.01


@pytest.mark.parametrize("yaw", [-30, -20, 20, 30])
def test_a_head_does_not(yaw: float) -> None:
    found = shift(HEAD, yaw=yaw)
    assert found is not None
    assert np.sign(found) == np.sign(yaw)
    assert abs(found) >= LivenessPolicy().turn


def test_a_narrow_or_leaning_face_says_nothing() -> None:
    assert shift(PHOTO, yaw=60) is None
    assert shift(PHOTO, roll=20) is None


def played(challenge: Challenge, yaws: list[float], points: NDArray[np.float64] = HEAD) -> None:
    for n, yaw in enumerate(yaws):
        challenge.see(seen(points, yaw), n / 10)


def turn_to(yaw: float) -> list[float]:
    """There, a while, and back, at 10 frames a second."""
    return [*np.linspace(0, yaw, 6), *[yaw] * 4, *np.linspace(yaw, 0, 6), *[0] * 4]


STRAIGHT = [0.0] * 4
SEQUENCE = [Turn.LEFT, Turn.RIGHT, Turn.LEFT]


def test_turning_as_asked_passes() -> None:
    challenge = Challenge(Scripted(SEQUENCE))
    assert challenge.state is ChallengeState.WAITING
    played(challenge, [*STRAIGHT, *turn_to(28), *turn_to(-28), *turn_to(28)])
    assert (challenge.state, challenge.why) == (ChallengeState.PASSED, None)


def test_the_same_motion_of_a_photo_fails() -> None:
    challenge = Challenge(Scripted(SEQUENCE))
    played(challenge, [*STRAIGHT, *turn_to(28), *turn_to(-28), *turn_to(28), *[0] * 60], PHOTO)
    assert challenge.state is ChallengeState.FAILED
    assert challenge.why == "the head was not turned"


def test_the_other_way_fails() -> None:
    challenge = Challenge(Scripted(SEQUENCE))
    played(challenge, [*STRAIGHT, *turn_to(28), *turn_to(28)])
    assert challenge.why == "the head was turned the other way"


def test_a_second_photo_held_up_at_once_fails() -> None:
    challenge = Challenge(Scripted(SEQUENCE))
    played(challenge, [*STRAIGHT, 0, *[28] * 6])
    assert challenge.why == "the head was turned without being seen on the way"


def test_one_frame_is_no_turn_and_time_runs_out() -> None:
    challenge = Challenge(Scripted(SEQUENCE))
    played(challenge, [*STRAIGHT, 10, 28, 0, 0, 0, 0, 0, 0])
    assert challenge.state is ChallengeState.ASKED
    challenge.see(seen(HEAD), 9.0)
    assert challenge.state is ChallengeState.FAILED
    challenge.see(seen(HEAD), 9.1)
    assert challenge.over


def test_what_is_asked_differs_from_one_to_the_next() -> None:
    asked = set()
    for seed in range(40):
        challenge = Challenge(random.Random(seed), LivenessPolicy(turns=1))
        played(challenge, STRAIGHT)
        asked.add(challenge.ask)
    assert asked == {"turn_left", "turn_right"}
