"""The shape of a head: an outline from the front and the side, and the relief of the face on it."""

from typing import NamedTuple

import numpy as np

from demo.arrays import Floats
from demo.identity import Identity, Skull
from demo.picture import Expression
from demo.surface import Surface, section

CROWN = -11.6  # y
TEMPLE = -2.6  # y where the dome of the skull begins
CHIN = 11.5  # y, times the skull's height
_ROWS, _COLUMNS = 210, 200
_HALF_TURN = np.radians(125)
_REACH = 3.3  # a bump is nothing beyond so many of its widths


class Outline(NamedTuple):
    """Half the head's width and depth at each height y, downwards."""

    y: Floats
    half_width: Floats
    half_depth: Floats

    def width_at(self, y: float) -> float:
        return float(np.interp(y, self.y, self.half_width))

    def depth_at(self, y: float) -> float:
        return float(np.interp(y, self.y, self.half_depth))


class Head(NamedTuple):
    outline: Outline
    surface: Surface
    relief: Floats  # centimetres by which the face rises from the plain outline


def head(person: Identity, expression: Expression) -> Head:
    """The person's head with that expression."""
    shape = outline(person.skull)
    angles = round_angles()
    x, z = section(angles, shape.half_width, shape.half_depth)
    relief = _relief(person, expression, x, shape.y) * np.clip(np.cos(angles) * 1.6, 0, 1)
    y = np.broadcast_to(shape.y[:, None], x.shape)
    points = np.stack([x, y, z + relief], axis=2).astype(np.float32)
    return Head(shape, Surface(points, angles), relief.astype(np.float32))


def round_angles() -> Floats:
    """The columns of the head, from ear to ear and a little beyond."""
    return np.linspace(-_HALF_TURN, _HALF_TURN, _COLUMNS, dtype=np.float32)


def outline(skull: Skull) -> Outline:
    """The head without its face."""
    tall, chin = skull.height, CHIN * skull.height
    part = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.03, 0.97, _ROWS))
    y = CROWN + (chin - CROWN) * part
    y[0], y[-1] = CROWN, chin
    dome = np.sqrt(np.clip(1 - ((y - TEMPLE) / (CROWN - TEMPLE)) ** 2, 0, 1))
    widths = {
        TEMPLE: 7.5 + skull.forehead,
        0: 7.25 + 0.4 * skull.forehead,
        2.2: 7.1 + skull.cheek_width,
        4.5: 6.6 + 0.5 * skull.cheek_width,
        6.8 * tall: skull.jaw + 0.25,
        9.2 * tall: 0.45 * skull.jaw + 0.75 * skull.chin,
        10.5 * tall: skull.chin * 1.02,
        11.2 * tall: skull.chin * 0.72,
        chin: 0.1,
    }
    depths = {
        TEMPLE: 9,
        0: 8.7,
        4: 8.8,
        8 * tall: 8.5,
        10.2 * tall: 8.3,
        11.2 * tall: 7.3,
        chin: 5.5,
    }
    width = np.interp(y, list(widths), list(widths.values()))
    depth = np.interp(y, list(depths), list(depths.values()))
    above = y < TEMPLE
    width[above] = widths[TEMPLE] * dome[above] ** 0.9
    depth[above] = depths[TEMPLE] * dome[above]
    return Outline(
        y.astype(np.float32),
        (_smooth(width) * skull.width).astype(np.float32),
        (_smooth(depth) * skull.width).astype(np.float32),
    )


def _smooth(profile: Floats) -> Floats:
    kernel = np.hanning(17)
    return np.convolve(np.pad(profile, 8, "edge"), kernel / kernel.sum(), "valid")


class _Relief:
    """A sum of Gaussian bumps over (x, y)."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.z = np.zeros_like(x, dtype=np.float32)
        self._x = x.astype(np.float32)
        self._y = y

    def bump(
        self,
        height: float,
        centre: tuple[float, float],
        spread: tuple[float, float],
        *,
        both: bool = False,
    ) -> None:
        """One bump; with `both`, its mirror image too."""
        reach = _REACH * spread[1]
        first, last = np.searchsorted(self._y, (centre[1] - reach, centre[1] + reach))
        rows = slice(int(first), int(last))
        x = np.abs(self._x[rows]) if both else self._x[rows]
        across = np.exp(
            np.float32(-0.5) * ((x - np.float32(centre[0])) / np.float32(spread[0])) ** 2
        )
        down = np.exp(-0.5 * ((self._y[rows] - centre[1]) / spread[1]) ** 2)
        self.z[rows] += np.float32(height) * across * down.astype(np.float32)[:, None]


def _relief(person: Identity, expression: Expression, x: Floats, y: Floats) -> Floats:
    face = _Relief(x, y)
    _raise_brow_and_eyes(face, person)
    _raise_cheeks(face, person, expression)
    _raise_mouth_and_chin(face, person, expression)
    nose = person.nose
    face.bump(0.95, (nose.width * 0.74, nose.tip - 0.25), (0.42, 0.42), both=True)
    face.bump(0.35, (0, nose.tip - 0.4), (0.75, 0.5))
    return face.z + _nose_ridge(person, x, y)


def _nose_ridge(person: Identity, x: Floats, y: Floats) -> Floats:
    nose, eye_y = person.nose, person.eyes.y
    part = np.clip((y - eye_y + 0.6) / (nose.tip - eye_y + 0.2), 0, 1)
    root = nose.bridge * 0.9
    height = root + (nose.height - root) * part**1.5 + nose.hook * np.sin(np.pi * part)
    top = 1 / (1 + np.exp(-(y - eye_y + 0.7) * 3))
    under = 1 / (1 + np.exp(np.clip((y - nose.tip + 0.05) * 6, -30, 30)))
    spread = (nose.ridge * (0.75 + 0.5 * part))[:, None]
    return np.asarray((height * top * under)[:, None] * np.exp(-0.5 * (x / spread) ** 2))


def _raise_brow_and_eyes(face: _Relief, person: Identity) -> None:
    eyes = person.eyes
    face.bump(person.skull.brow_ridge, (2.6, person.brows.y + 0.2), (1.9, 0.7), both=True)
    face.bump(-eyes.depth, (eyes.x - 0.2, eyes.y - 0.1), (1.35, 0.85), both=True)
    face.bump(0.42, (eyes.x, eyes.y), (0.95, 0.55), both=True)


def _raise_cheeks(face: _Relief, person: Identity, expression: Expression) -> None:
    bone = 0.35 + 0.6 * person.skull.cheekbone + 0.3 * max(expression.smile, 0)
    hollow = 0.35 * (person.masculine + person.age)
    face.bump(bone, (4.2, 3.0), (1.5, 1.3), both=True)
    face.bump(-hollow, (4.2, 6.2), (1.3, 1.6), both=True)


def _raise_mouth_and_chin(face: _Relief, person: Identity, expression: Expression) -> None:
    mouth, gap = person.mouth, expression.mouth * 1.3
    wide = mouth.half_width
    face.bump(0.55, (0, mouth.y + 0.2), (2.2, 1.3))
    face.bump(0.28, (0, mouth.y - mouth.upper * 0.6), (wide * 0.6, 0.28))
    face.bump(0.36, (0, mouth.y + mouth.lower * 0.6 + gap * 0.7), (wide * 0.5, 0.3))
    face.bump(-0.3, (0, mouth.y + 0.08 + gap * 0.3), (wide * 0.7, 0.14 + gap * 0.3))
    face.bump(-0.4, (0, mouth.y + mouth.lower + 0.7 + gap * 0.5), (1.5, 0.42))
    face.bump(0.5 + 0.5 * person.masculine, (0, 10.0 * person.skull.height), (1.4, 0.95))
    face.bump(-0.18, (0, person.nose.tip + 0.95), (0.3, 0.5))
