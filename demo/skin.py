"""Bare skin, seen from the front: tone, blushes, freckles, moles, the lines of age."""

import numpy as np

from demo.arrays import smooth_noise
from demo.identity import Identity
from demo.paint import Canvas, curve, ellipse

_PIXELS_PER_CM = 22.0
_ORIGIN = (-9.0, -12.5)
_SIZE = (572, 396)  # rows, columns: 26 by 18 cm
_GRAIN = {60.0: 0.022, 14.0: 0.014, 4.0: 0.012, 1.6: 0.016}  # pixels of a patch: its contrast


def bare_skin(person: Identity) -> Canvas:
    """A canvas in centimetres of the face."""
    rng = person.rng(0)
    pixels = np.empty((*_SIZE, 3), np.float32)
    pixels[:] = person.skin.colour
    grain = np.ones(_SIZE, np.float32)
    for patch, contrast in _GRAIN.items():
        knots = (int(_SIZE[0] / patch) + 2, int(_SIZE[1] / patch) + 2)
        grain += np.float32(contrast) * smooth_noise(rng, _SIZE, knots)
    pixels *= grain[..., None]
    canvas = Canvas(pixels, _PIXELS_PER_CM, _ORIGIN)
    _blush(canvas, person)
    _spots(canvas, person, rng)
    if person.age > 0.25:
        _lines(canvas, person, rng)
    return canvas


def _blush(canvas: Canvas, person: Identity) -> None:
    eyes, age = person.eyes, person.age
    red = 1 - np.array((0, 0.14, 0.16)) * (0.5 + 0.6 * max(person.skull.cheekbone, 0))
    tired = (0.92 - 0.06 * age, 0.88 - 0.06 * age, 0.88 - 0.04 * age)
    for side in (-1, 1):
        x = side * eyes.x
        canvas.multiply(canvas.area(ellipse((side * 4.2, 3.6), (1.5, 1.3)), 0.8), red)
        canvas.multiply(canvas.area(ellipse((x, eyes.y + 0.9), (1.5, 0.55)), 0.35), tired)
        canvas.multiply(canvas.area(ellipse((x, eyes.y - 0.2), (1.8, 0.9)), 0.5), (0.94, 0.9, 0.89))
    canvas.multiply(
        canvas.area(ellipse((0, person.nose.tip - 0.4), (1.0, 0.8)), 0.4), (1, 0.91, 0.89)
    )


def _spots(canvas: Canvas, person: Identity, rng: np.random.Generator) -> None:
    if person.skin.freckled:
        for x, y in rng.normal((0, 2.5), (3, 1.5), (160, 2)):
            spot = canvas.area(ellipse((x, y), (0.05, 0.05), 8), 0.03)
            canvas.multiply(spot, (0.80, 0.72, 0.66))
    for x, y in person.skin.moles:
        spot = canvas.area(ellipse((x, y), (0.1, 0.1), 12), 0.03)
        canvas.multiply(spot, (0.62, 0.54, 0.5))


def _lines(canvas: Canvas, person: Identity, rng: np.random.Generator) -> None:
    eyes, depth = person.eyes, 0.36 * (person.age - 0.2)
    for row in range(3):
        y = person.brows.y - 1.5 - row
        bend = -0.3 + rng.uniform(-0.15, 0.15)
        path = curve([(-3.2, y), (0, y + bend), (3.2, y)])
        canvas.multiply(canvas.line(path, 0.07, 0.09), 1 - depth * np.array((0.8, 1, 1)))
    for side in (-1, 1):
        outer = eyes.x + eyes.half_width
        for foot in range(3):
            path = np.array(
                [
                    (side * (outer + 0.3), eyes.y - 0.3 + 0.3 * foot),
                    (side * (outer + 1.2), eyes.y - 0.5 + 0.5 * foot),
                ]
            )
            canvas.multiply(canvas.line(path, 0.05, 0.06), 1 - depth)
        bag = [(side * (eyes.x + x), eyes.y + y) for x, y in ((-1.1, 0.9), (0, 1.35), (1.2, 1.1))]
        canvas.multiply(canvas.line(curve(bag), 0.1, 0.12), 1 - 0.9 * depth)
