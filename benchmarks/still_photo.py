"""Does the liveness challenge refuse a photo, and let a head pass? Errors with their bounds.

    python -m benchmarks.still_photo                       100 still photos, 24 of each other kind
    python -m benchmarks.still_photo --attacks 20 --skip replay

Attacks (the share that passes is APCER, by species):
  still    a photo of LFW held before the camera: moved, tilted up to 55 degrees in perspective,
           rolled, brought near and far, slightly bent, with noise; through the real detector.
  strong   the same, bent as round a can and back: curved paper is no longer flat.
  swap     three drawn photos of a person, straight and turned to both sides, held up as asked for.
  replay   the five films of talking people, played again and again: nobody in them follows what
           is asked. What a film made for the purpose does is not measured.
Bona fide (the share that is refused is BPCER): drawn heads that turn as asked, at different speeds
and with noise, through the real detector; and, apart from it, how many of the turns in the five
films of real heads the nose's shift sees.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.video import frames
from benchmarks.split import SHARED, STRANGERS, yunet
from demo import identity, scene
from demo import picture as pictures
from demo.people import PEOPLE
from demo.picture import Pose
from enrollment.calibration import interval_95
from enrollment.liveness import Challenge, ChallengeState, LivenessPolicy, nose_shift
from enrollment.quality import head_pose
from models.detector import Detector, open_detector

Image = NDArray[np.uint8]
RATE = 10.0  # frames a second
SIZE = 400
LIMIT = 60.0  # s, longer than any challenge takes


def attempt(detector: Detector, show: Callable[[Challenge, float], Image], seed: int) -> Challenge:
    """One challenge; `show` is the picture before the camera, knowing what is asked."""
    challenge = Challenge(random.Random(seed))
    for n in range(int(LIMIT * RATE)):
        found = detector.detect(show(challenge, n / RATE))
        if found:
            challenge.see(found[0].landmarks, n / RATE)
        if challenge.over:
            break
    return challenge


class HeldPhoto:
    """A photo in somebody's hands: where its points are in the picture, frame by frame."""

    def __init__(self, photo: Image, rng: np.random.Generator, bend: float) -> None:
        self._photo = cv2.resize(photo, (300, 300))
        self._rng = rng
        self._bend = rng.uniform(0, bend)  # of its width, the rise of its middle
        # Slow sways of each freedom: amplitudes, speeds and phases.
        self._reach = np.array([55, 45, 25, 0.12, 40, 30]) * rng.uniform(0.4, 1, 6)
        self._speed = rng.uniform(0.5, 3.0, 6)
        self._phase = rng.uniform(0, 2 * np.pi, 6)
        self._grain = rng.normal(0, 4, (SIZE, SIZE, 3)).astype(np.float32)
        self._back = cv2.GaussianBlur(
            rng.integers(60, 200, (SIZE, SIZE, 3), dtype=np.uint8), (0, 0), 25
        )

    def __call__(self, _: Challenge, seconds: float) -> Image:
        # It is held straight at first, as an attacker would, so that the challenge begins.
        begins = np.clip((seconds - 1.0) / 1.0, 0, 1)
        sway = self._reach * np.sin(self._speed * seconds + self._phase) * begins
        tilt_y, tilt_x, roll = np.radians(sway[:3])
        turn, _ = cv2.Rodrigues(np.array([tilt_x, tilt_y, 0.0]))
        spin, _ = cv2.Rodrigues(np.array([0.0, 0.0, roll]))
        bend = self._bend * (1 + np.sin(2.1 * seconds)) / 2
        grid = np.linspace(-0.5, 0.5, 41)
        x, y = np.meshgrid(grid, grid)
        z = -bend * (1 - (2 * x) ** 2)  # towards the camera
        points = np.stack([x, y, z], axis=-1) @ (spin @ turn).T
        away = 1.6 + 0.4 * sway[3]
        scale = float(SIZE)
        u = scale * points[..., 0] / (away + points[..., 2]) + SIZE / 2 + sway[4]
        v = scale * points[..., 1] / (away + points[..., 2]) + SIZE / 2 + sway[5]
        return self._drawn(u, v)

    def _drawn(self, u: NDArray[np.float64], v: NDArray[np.float64]) -> Image:
        """The photo's pieces, each warped to its place; the farther strips first."""
        image = self._back.copy()
        step = 300 / 40
        # Strips of a bent sheet are flat enough each; a flat sheet needs one.
        strips = 8 if self._bend > 0.005 else 1
        width = 40 // strips
        for s in range(strips):
            a, b = s * width, (s + 1) * width
            source = np.array([[a, 0], [b, 0], [b, 40], [a, 40]], np.float32) * np.float32(step)
            corners = [(0, a), (0, b), (40, b), (40, a)]
            target = np.array([[u[c], v[c]] for c in corners], np.float32)
            matrix = cv2.getPerspectiveTransform(source, target)
            part = np.zeros((300, 300), np.uint8)
            part[:, int(a * step) : int(np.ceil(b * step))] = 255
            seen = cv2.warpPerspective(self._photo, matrix, (SIZE, SIZE))
            mask = cv2.warpPerspective(part, matrix, (SIZE, SIZE)) > 127
            image[mask] = seen[mask]
        grain = np.roll(self._grain, self._rng.integers(SIZE, size=2), (0, 1))
        return np.clip(image + grain, 0, 255).astype(np.uint8)


class Head:
    """A drawn head at every pose that is needed; drawing takes longest, so poses are kept."""

    STEP = 2.5

    def __init__(self, person: int) -> None:
        self._who = identity.identity(person)
        self._calm = pictures.picture(person, 0, 0.2)
        self._kept: dict[float, Image] = {}

    def at(self, yaw: float) -> Image:
        near = round(yaw / self.STEP) * self.STEP
        if near not in self._kept:
            calm = replace(self._calm, pose=Pose(near, 0.0, 0.0))
            self._kept[near] = scene.scene([scene.Sitter(self._who, calm, 0.0)], 360, 360)
        return self._kept[near]


def wanted(challenge: Challenge, far: float) -> float:
    """The yaw that is asked for, degrees."""
    return {"turn_left": far, "turn_right": -far}.get(challenge.ask, 0.0)


def jittered(image: Image, rng: np.random.Generator) -> Image:
    """A little motion of the whole, and the camera's noise."""
    matrix = cv2.getRotationMatrix2D((180, 180), rng.normal(0, 1.5), rng.normal(1, 0.015))
    matrix[:, 2] += rng.normal(0, 3, 2)
    moved = cv2.warpAffine(image, matrix, (360, 360), borderMode=cv2.BORDER_REFLECT)
    return np.clip(moved + rng.normal(0, 4, moved.shape), 0, 255).astype(np.uint8)


def turning(head: Head, rng: np.random.Generator) -> Callable[[Challenge, float], Image]:
    """Somebody who does as asked: begins late, turns at their own speed, about so far."""
    far, speed, late = rng.uniform(25, 35), rng.uniform(30, 90), rng.uniform(0.2, 0.8)
    yaw, asked, since = 0.0, "look_straight", 0.0

    def show(challenge: Challenge, seconds: float) -> Image:
        nonlocal yaw, asked, since
        if challenge.ask != asked:
            asked, since = challenge.ask, seconds
        if seconds - since >= late:
            goal = wanted(challenge, far)
            yaw += float(np.clip(goal - yaw, -speed / RATE, speed / RATE))
        return jittered(head.at(yaw), rng)

    return show


def swapping(head: Head, rng: np.random.Generator) -> Callable[[Challenge, float], Image]:
    """Three photos, the right one held up at once."""
    return lambda challenge, seconds: jittered(head.at(wanted(challenge, 30.0)), rng)


def replaying(clip: Path, begin: float) -> Callable[[Challenge, float], Image]:
    """A film, from somewhere in it, played round and round."""
    shots = [f.image for f in frames(clip, a_second=RATE)]
    endless: Iterator[Image] = cycle(shots)
    for _ in range(int(begin * len(shots))):
        next(endless)
    return lambda challenge, seconds: next(endless)


def say(title: str, wrong: int, n: int, challenges: list[Challenge]) -> None:
    low, high = interval_95(wrong, n)
    reasons: dict[str, int] = {}
    for challenge in challenges:
        if challenge.state is not ChallengeState.PASSED:
            why = challenge.why or f"never got beyond {challenge.state.value}"
            reasons[why] = reasons.get(why, 0) + 1
    print(f"{title}: {wrong} of {n} = {wrong / n:.1%} (95 %: {low:.1%} to {high:.1%})")
    for why, count in sorted(reasons.items(), key=lambda pair: -pair[1]):
        print(f"    {count} refused: {why}")
    sys.stdout.flush()


def bona_fide(n: int, detector: Detector, heads: list[Head]) -> None:
    done = [
        attempt(detector, turning(heads[i % len(heads)], np.random.default_rng([12, i])), i)
        for i in range(n)
    ]
    refused = sum(c.state is not ChallengeState.PASSED for c in done)
    say("BPCER, drawn heads that turn as asked", refused, n, done)


def straight_photos(detector: Detector, n: int) -> list[Image]:
    """Photos that look at the camera: with others the challenge would not even begin."""
    found: list[Image] = []
    for path in sorted(STRANGERS.glob("*.jpg")):
        photo = np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])
        faces = detector.detect(photo)
        yaw, pitch, _ = head_pose(faces[0].landmarks) if faces else (90.0, 90.0, 0.0)
        if abs(yaw) < 8 and abs(pitch) < 15:
            found.append(photo)
        if len(found) == n:
            break
    return found


def attacks(species: str, n: int, detector: Detector, heads: list[Head]) -> list[Challenge]:
    photos = straight_photos(detector, 150) if species in ("still", "strong") else []
    clips = sorted((SHARED / "faces" / "clips").glob("*.mp4"))
    done = []
    for i in range(n):
        rng = np.random.default_rng([11, i])
        if species in ("still", "strong"):
            photo = photos[int(rng.integers(len(photos)))]
            bend = 0.06 if species == "still" else 0.3
            show: Callable[[Challenge, float], Image] = HeldPhoto(photo, rng, bend)
        elif species == "swap":
            show = swapping(heads[i % len(heads)], rng)
        else:
            show = replaying(clips[i % len(clips)], float(rng.random()))
        done.append(attempt(detector, show, i))
    return done


def real_turns(detector: Detector) -> None:
    """Of frames in which a head is turned by so much (by its landmarks' pose), those that count."""
    turn = LivenessPolicy().turn
    seen = {"below 10": [0, 0], "10 to 18": [0, 0], "18 or more": [0, 0]}
    for clip in sorted((SHARED / "faces" / "clips").glob("*.mp4")):
        marks = [
            d[0].landmarks for f in frames(clip, a_second=RATE) if (d := detector.detect(f.image))
        ]
        poses = np.array([head_pose(m) for m in marks])
        straight = marks[int(np.abs(poses[:, :2]).sum(axis=1).argmin())].astype(np.float64)
        for mark, (yaw, _, _) in zip(marks, poses, strict=True):
            shift = nose_shift(straight, mark.astype(np.float64))
            group = "below 10" if abs(yaw) < 10 else "10 to 18" if abs(yaw) < 18 else "18 or more"
            seen[group][0] += shift is not None and abs(shift) >= turn
            seen[group][1] += 1
    for group, (counted, n) in seen.items():
        print(f"real heads in the films, turned by {group} degrees: {counted} of {n} frames count")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attacks", type=int, default=100)
    parser.add_argument("--others", type=int, default=24, help="of each species but `still`")
    parser.add_argument("--skip", action="append", default=[])
    parser.add_argument("--look", type=Path, help="write one attack's frames here, to see them")
    arguments = parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    detector = open_detector(yunet())
    heads = [Head(person) for person in PEOPLE[:10]]
    n, others = arguments.attacks, arguments.others
    if arguments.look:
        look(arguments.look)
    for species in ("still", "heads", "strong", "swap", "replay"):
        if species in arguments.skip:
            continue
        if species == "heads":
            bona_fide(n, detector, heads)
            continue
        done = attacks(species, n if species == "still" else others, detector, heads)
        passed = sum(c.state is ChallengeState.PASSED for c in done)
        say(f"APCER, {species}", passed, len(done), done)
    real_turns(detector)


def look(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    photo = cv2.imread(str(sorted(STRANGERS.glob("*.jpg"))[0]))[:, :, ::-1]
    shown = HeldPhoto(photo, np.random.default_rng(1), 0.3)
    for n in range(0, 80, 10):
        image = shown(Challenge(random.Random(0)), n / RATE)
        cv2.imwrite(str(folder / f"{n}.png"), image[:, :, ::-1])


if __name__ == "__main__":
    main()
