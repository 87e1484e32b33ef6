"""The array type every part of the renderer passes on, and noise in it."""

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating]


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], knots: tuple[int, int]
) -> Floats:
    """Noise of unit size drawn at `knots` (rows, columns) and stretched smoothly over `shape`."""
    coarse = rng.standard_normal(knots, dtype=np.float32)
    fine: Floats = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return fine


def through(knots: Sequence[tuple[float, float]], at: Floats) -> Floats:
    """Straight lines through the knots (at, value), and level beyond the outer ones."""
    places, values = np.array(knots).T
    return np.asarray(np.interp(at, places, values), np.float32)


def ramp(values: Floats, start: float, stop: float) -> Floats:
    """0 before `start`, 1 after `stop`, an S curve between (either order)."""
    part = np.clip((values - start) / (stop - start), 0, 1)
    return np.asarray(part * part * (3 - 2 * part))


def linear(colour: tuple[float, ...] | Floats) -> Floats:
    """A colour of 0..255 as an amount of light: gamma 2, cheap and near enough to sRGB."""
    return np.square(np.asarray(colour, np.float32) / 255)
