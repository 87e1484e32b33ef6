"""What is behind people: a wall, a studio backdrop or a room out of focus.

No round blobs: face detectors take one for a face now and then.
"""

import cv2
import numpy as np

from demo.arrays import Floats, linear, smooth_noise


def background(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Linear light, (height, width, 3). It is out of focus: painted small, then enlarged."""
    height, width = size[0] // 4, size[1] // 4
    top, bottom = _tint(rng, 60, 200), _tint(rng, 60, 200)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    wall = (top * (1 - down) + bottom * down) * np.ones((height, width, 1), np.float32)
    kind = int(rng.integers(3))
    if kind == 1:
        wall += 14 * smooth_noise(rng, (height, width), (6, 6 * width // height))[..., None]
        wall += 6 * smooth_noise(rng, (height, width), (18, 18 * width // height))[..., None]
    if kind == 2:
        wall = _room(rng, wall)
    light = linear(np.clip(wall, 0, 255))
    large: Floats = cv2.resize(light, size[::-1], interpolation=cv2.INTER_LINEAR)
    return large


def _tint(rng: np.random.Generator, low: float, high: float) -> Floats:
    """Mostly grey: rooms are."""
    return (rng.uniform(low, high) + rng.uniform(-20, 20, 3)).astype(np.float32)


def _room(rng: np.random.Generator, wall: Floats) -> Floats:
    """Shelves, windows and doors, as far as they can be told when out of focus."""
    height, width = wall.shape[:2]
    for _ in range(14 * width // height):
        x, y = rng.uniform(-0.1 * height, width), rng.uniform(-0.1, 1) * height
        w, h = rng.uniform(0.05, 0.3) * height, rng.uniform(0.08, 0.45) * height
        corners = (int(x), int(y)), (int(x + w), int(y + h))
        cv2.rectangle(wall, *corners, _tint(rng, 50, 200).tolist(), -1)
    blurred: Floats = cv2.GaussianBlur(wall, (0, 0), float(rng.uniform(0.012, 0.026)) * height)
    return blurred
