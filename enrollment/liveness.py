"""Is there a head before the camera, or a picture of one? An active challenge, from landmarks.

Random turns of the head are asked for. Eyes and mouth corners lie nearly in a plane, and the nose
stands before it: when a head turns, the nose leaves the place where the plane's own motion takes
it. A flat photo, however it is tilted, turned, moved or brought near, keeps its nose there.

What this does not stop: a film of the person that is played back and happens to turn the right
way, and a mask. Nods are not asked for: with five landmarks a nod of 20 degrees moves the nose by
0.05 to 0.1 eye distances, which is what the detector's own error is.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from enrollment.quality import head_pose
from wording.message import message

_PLANE = [0, 1, 3, 4]  # the eyes and the mouth's corners
_NOSE = 2
# Beyond these the detector misplaces the points even of flat photos, by up to 0.5 eye distances
# (YuNet, photos of LFW tilted and rolled): such frames say nothing.
_NARROWEST = 0.65  # of the face, against the straight one: a tilt or turn of 50 degrees
_LEAN = 15.0  # degrees


class Turn(StrEnum):
    """The person's own left and right."""

    LEFT = "turn_left"
    RIGHT = "turn_right"


class ChallengeState(StrEnum):
    WAITING = "waiting"  # for a face that looks straight at the camera
    ASKED = "asked"  # to turn
    RETURNING = "returning"  # asked to look straight again
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True)
class LivenessPolicy:
    """turn, straight: how far the nose leaves its plane, in eye distances (`nose_shift`).

    In the five clips of the evaluation set (YuNet) a turn of 15 degrees shifts it by 0.15 and
    one of 20 by 0.2 or more; heads that look straight stay within 0.05.
    `python -m benchmarks.still_photo` measures what passes.

    turns: how many are asked for, one after the other.
    seconds: for each turn, and for each return.
    settle: frames that must look straight before the first turn is asked.
    hold: frames in a row that count as a turn or a return: one may be the detector's error.
    on_the_way: frames that must be seen between straight and turned: a head goes through there, a
        second photo that is held up does not.
    """

    turns: int = 3
    turn: float = 0.16
    straight: float = 0.08
    seconds: float = 5.0
    settle: int = 4
    hold: int = 3
    on_the_way: int = 1


class Challenge:
    """One attempt of one person. Give it every frame in which the face is seen.

    Args:
        rng: what is asked must not be known beforehand: `random.SystemRandom` at a door.
    """

    def __init__(self, rng: random.Random, policy: LivenessPolicy = LivenessPolicy()) -> None:
        self._policy = policy
        self._turns = [rng.choice((Turn.LEFT, Turn.RIGHT)) for _ in range(policy.turns)]
        self._straight: list[NDArray[np.float64]] = []
        self._reference = np.empty((0, 2))
        self._deadline: float | None = None
        self._done = self._held = self._wrong = self._between = 0
        self.state = ChallengeState.WAITING
        self.why: str | None = None

    @property
    def ask(self) -> str:
        """What the person is to do now."""
        if self.state is ChallengeState.ASKED:
            return self._turns[self._done].value
        return "look_straight"

    @property
    def over(self) -> bool:
        return self.state in (ChallengeState.PASSED, ChallengeState.FAILED)

    def see(self, landmarks: NDArray[np.float32], seconds: float) -> bool:
        """Look at one frame; True when there is something new to tell the person.

        Args:
            landmarks: (5, 2) as `models.detector.Face` has them.
        """
        if self.over:
            return False
        first = self._deadline is None
        if self._deadline is None:
            self._deadline = seconds + self._policy.seconds
        before = (self.state, self._done)
        points = landmarks.astype(np.float64)
        if seconds > self._deadline:
            straight = self.ask == "look_straight"
            self._fail(
                message("the face did not look straight")
                if straight
                else message("the head was not turned")
            )
        elif self.state is ChallengeState.WAITING:
            self._settle(points, seconds)
        else:
            self._follow(nose_shift(self._reference, points), seconds)
        return first or before != (self.state, self._done)

    def _settle(self, points: NDArray[np.float64], seconds: float) -> None:
        yaw, pitch, _ = head_pose(points.astype(np.float32))
        if abs(yaw) > 15 or abs(pitch) > 25:
            self._straight = []
            return
        self._straight.append(_in_eye_distances(points))
        if len(self._straight) >= self._policy.settle:
            self._reference = np.median(self._straight[-self._policy.settle :], axis=0)
            self._go_on(ChallengeState.ASKED, seconds)

    def _follow(self, shift: float | None, seconds: float) -> None:
        if shift is None:
            self._held = 0
        elif self.state is ChallengeState.RETURNING:
            self._held = self._held + 1 if abs(shift) <= self._policy.straight else 0
            if self._held >= self._policy.hold:
                last = self._done == self._policy.turns
                self._go_on(ChallengeState.PASSED if last else ChallengeState.ASKED, seconds)
        else:
            self._turn(shift, seconds)

    def _turn(self, shift: float, seconds: float) -> None:
        policy = self._policy
        towards = shift if self._turns[self._done] is Turn.LEFT else -shift
        self._held = self._held + 1 if towards >= policy.turn else 0
        self._wrong = self._wrong + 1 if towards <= -policy.turn else 0
        self._between += policy.straight / 2 < towards < policy.turn
        if self._wrong >= policy.hold:
            self._fail(message("the head was turned the other way"))
        elif self._held >= policy.hold and self._between < policy.on_the_way:
            self._fail(message("the head was turned without being seen on the way"))
        elif self._held >= policy.hold:
            self._done += 1
            self._go_on(ChallengeState.RETURNING, seconds)

    def _go_on(self, state: ChallengeState, seconds: float) -> None:
        self.state = state
        self._deadline = seconds + self._policy.seconds
        self._held = self._wrong = self._between = 0

    def _fail(self, why: str) -> None:
        self.state = ChallengeState.FAILED
        self.why = why


def nose_shift(straight: NDArray[np.float64], turned: NDArray[np.float64]) -> float | None:
    """How far the nose has left the plane of eyes and mouth corners, in eye distances.

    Measured in `straight`, positive to the image's right, which is the person's own left. The
    plane's motion is laid through the four other points twice: as an affine map (a plane far away)
    and as a homography (a plane near by, in perspective); the smaller shift counts, none when they
    disagree. None for a face so narrow or leaning that its landmarks cannot be trusted.

    Args:
        straight, turned: (5, 2) each.
    """
    affine, _, _, _ = np.linalg.lstsq(_with_ones(turned[_PLANE]), straight[_PLANE], rcond=None)
    stretch = np.linalg.svd(affine[:2], compute_uv=False)
    if not np.isfinite(stretch).all() or stretch[1] < _NARROWEST * stretch[0]:
        return None
    if abs(_lean(turned) - _lean(straight)) > _LEAN:
        return None
    homography = _homography(turned[_PLANE], straight[_PLANE])
    if homography is None:
        return None
    nose = np.append(turned[_NOSE], 1.0)
    near = homography @ nose
    across = straight[1] - straight[0]
    distance = float(np.linalg.norm(across))
    expected = (nose @ affine, near[:2] / near[2])
    shifts = [float((e - straight[_NOSE]) @ across) / distance**2 for e in expected]
    if shifts[0] * shifts[1] <= 0:
        return 0.0
    return min(shifts, key=abs)


def _lean(points: NDArray[np.float64]) -> float:
    """Degrees by which the eyes' line is off the level; a face is about upright."""
    across = points[1] - points[0]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _with_ones(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([points, np.ones(len(points))])


def _homography(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """The (3, 3) map of four points onto four others; None when three of them are in line."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    try:
        found = np.linalg.solve(np.array(rows), target.reshape(-1))
    except np.linalg.LinAlgError:
        return None
    return np.append(found, 1.0).reshape(3, 3)


def _in_eye_distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same face with its eyes at (0, 0) and (1, 0)."""
    eye, other = points[0], points[1]
    x = other - eye
    y = np.array([-x[1], x[0]])
    turned: NDArray[np.float64] = (points - eye) @ np.column_stack([x, y])
    return turned / max(float(x @ x), 1e-9)
