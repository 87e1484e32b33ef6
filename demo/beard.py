"""Beards: a tint under thousands of short hairs."""

from dataclasses import dataclass

import numpy as np

from demo.arrays import Floats
from demo.identity import Identity
from demo.paint import Canvas, curve, ellipse


@dataclass(frozen=True)
class _Growth:
    tint: float  # strength of the colour below the hairs
    length: float
    pixels_per_hair: int
    dark: float  # strength of the hairs
    pale: float


_SHORT = _Growth(0.32, 0.06, 5, 0.36, 0.08)
_LONG = _Growth(0.8, 0.3, 4, 0.6, 0.35)


def grow_beard(canvas: Canvas, person: Identity) -> None:
    """Paint the person's beard, if any; the mouth is painted over it later."""
    rng = person.rng(1)
    if person.beard == "stubble":
        _grow(canvas, person, _whole(person), _SHORT, rng)
    if person.beard == "full":
        _grow(canvas, person, _whole(person), _LONG, rng)
    if person.beard in ("moustache", "goatee"):
        _grow(canvas, person, _moustache(person), _LONG, rng)
    if person.beard == "goatee":
        chin = ellipse((0, person.mouth.y + 2.6), (person.mouth.half_width * 0.95, 2.5))
        _grow(canvas, person, chin, _LONG, rng)


def _grow(
    canvas: Canvas, person: Identity, outline: Floats, growth: _Growth, rng: np.random.Generator
) -> None:
    colour = np.array(person.hair.colour)
    skin = np.array(person.skin.colour)
    mark = canvas.area(outline, 0.22)
    tint = colour * 0.8 if growth is _LONG else skin * 0.55 + colour * 0.45
    canvas.blend(mark, tint, growth.tint)
    rows, columns = np.nonzero(mark.cover > 0.45)
    count = min(len(rows) // growth.pixels_per_hair, 6000)
    chosen = rng.integers(0, len(rows), count)
    across, down = canvas.units(mark.where)
    roots = np.stack([across[0, columns[chosen]], down[rows[chosen], 0]], axis=1)
    drift = roots[:, 0] * 0.02 + rng.normal(0, 0.06, count)
    steps = np.stack([drift * growth.length / 0.3, np.full(count, growth.length)], axis=1)
    half = count // 2
    canvas.blend(canvas.hairs(roots[:half], steps[:half]), colour * 0.55, growth.dark)
    pale = np.minimum(colour * 1.35 + 12, 255)
    canvas.blend(canvas.hairs(roots[half:], steps[half:]), pale, growth.pale)


def _whole(person: Identity) -> Floats:
    mouth, nose = person.mouth, person.nose
    cheek = curve([(5.6, 4.6), (4.2, mouth.y - 0.6), (2.9, mouth.y - 1.1)], 10)
    mirrored = cheek * (-1, 1)
    lip = nose.tip + 0.75
    return np.vstack(
        [
            [(-7.8, -0.5), (-6.7, 0.0)],
            mirrored,
            [(-1.2, lip), (0, lip + 0.2), (1.2, lip)],
            cheek[::-1],
            [(6.7, 0.0), (7.8, -0.5), (8.5, 14), (-8.5, 14)],
        ]
    )


def _moustache(person: Identity) -> Floats:
    wide, y = person.mouth.half_width, person.mouth.y
    top = [(-wide - 0.2, y + 0.15), (-1.5, y - 0.95), (0, y - 0.85), (1.5, y - 0.95)]
    bottom = [(wide - 0.2, y + 0.2), (0, y), (-wide + 0.2, y + 0.2)]
    return np.vstack([curve([*top, (wide + 0.2, y + 0.15)]), curve(bottom)])
