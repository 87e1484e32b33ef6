"""Eyes and brows, painted on the skin."""

import numpy as np

from demo.arrays import Floats
from demo.identity import Identity
from demo.paint import Canvas, Mark, curve, ellipse
from demo.picture import Expression

_IRIS = 0.60  # radius
_PUPIL = 0.25
_WHITE = (226, 220, 215)
_LASH = (20, 14, 12)


def paint_eye(
    canvas: Canvas, person: Identity, expression: Expression, side: int, light_side: int
) -> None:
    """The eye on that side of the picture (-1 left, 1 right)."""
    upper, lower = _lids(person, expression, side)
    _paint_crease(canvas, upper, person.eyes.lid)
    ball = canvas.area(np.vstack([upper, lower[1:]]), 0.015)
    colours = _ball_colours(canvas, ball, person, expression, (side, light_side))
    canvas.pixels[ball.where] += ball.cover[..., None] * (colours - canvas.pixels[ball.where])
    skin = np.array(person.skin.colour)
    inner = (upper[0] + lower[-1]) / 2
    corner = canvas.area(ellipse((inner[0], inner[1]), (0.14, 0.09), 12), 0.03)
    canvas.blend(corner, skin * (0.95, 0.62, 0.60), 0.8)
    feminine = 1 - person.masculine
    canvas.blend(canvas.line(upper, 0.085 + 0.06 * feminine, 0.02), _LASH, 0.9)
    canvas.blend(canvas.line(lower, 0.05, 0.025), skin * (0.42, 0.33, 0.30), 0.6)
    if feminine > 0.5:
        _paint_lashes(canvas, upper, side)


def _lids(person: Identity, expression: Expression, side: int) -> tuple[Floats, Floats]:
    """The upper lid from the inner corner outwards, the lower lid back to it."""
    eyes = person.eyes
    opening = expression.lids * eyes.opening
    drop = 0.52 * eyes.opening * (1 - 0.25 * max(expression.smile, 0))
    upper = ((-1, 0.12), (-0.6, -0.75 * opening), (0, -1.08 * opening), (0.55, -0.85 * opening))
    lower = ((0.5, 0.85 * drop), (0, drop), (-0.55, 0.75 * drop), (-1, 0.12))
    outer = (1.0, 0.0)

    def placed(points: tuple[tuple[float, float], ...]) -> Floats:
        u, v = np.array(points).T
        return np.stack(
            [side * (eyes.x + u * eyes.half_width), eyes.y + v - 0.8 * eyes.tilt * u], axis=1
        )

    return curve(placed((*upper, outer))), curve(placed((outer, *lower)))


def _paint_crease(canvas: Canvas, upper: Floats, lid: float) -> None:
    crease = upper + np.array((0, -0.22 - lid * 0.6))
    canvas.multiply(canvas.line(crease[2:], 0.09, 0.06), (0.70, 0.62, 0.60))
    canvas.multiply(canvas.area(np.vstack([upper, crease[::-1]]), 0.08), (0.89, 0.84, 0.82))


def _ball_colours(
    canvas: Canvas,
    ball: Mark,
    person: Identity,
    expression: Expression,
    sides: tuple[int, int],
) -> Floats:
    eyes, (side, light_side) = person.eyes, sides
    x, y = canvas.units(ball.where)
    top = eyes.y - expression.lids * eyes.opening
    lid_shadow = 0.30 * np.clip(1 - (y - top) / 0.45, 0, 1)
    roundness = 0.16 * ((x - side * eyes.x) / eyes.half_width) ** 2
    shade = np.clip(1.02 - roundness - lid_shadow, 0, 1)
    colours: Floats = shade[..., None] * np.array(_WHITE)

    x = x - (side * eyes.x + expression.gaze[0])
    y = y - (eyes.y - 0.08 + expression.gaze[1])
    radius, turn = np.hypot(x, y), np.arctan2(y, x)
    rim = 0.55 * np.clip((radius - 0.42) / 0.18, 0, 1)
    rays = 0.13 * np.sin(17 * turn + 3 * np.sin(5 * turn))
    glow = (1.15 - rim + rays) * (1 + 0.35 * np.clip(y / 0.6, -0.8, 1))
    iris = glow[..., None] * np.array(eyes.iris)

    def disc(distance: Floats, size: float) -> Floats:
        return np.asarray(np.clip((size - distance) * canvas.scale + 0.5, 0, 1)[..., None])

    colours += disc(radius, _IRIS) * (iris - colours)
    colours += disc(radius, _PUPIL) * (8 - colours)
    lamp = disc(np.hypot(x - 0.2 * light_side, y + 0.2), 0.12) * 0.95
    window = disc(np.hypot(x + 0.22 * light_side, y - 0.2), 0.07) * 0.35
    colours += np.maximum(lamp, window) * (250 - colours)
    return colours


def _paint_lashes(canvas: Canvas, upper: Floats, side: int) -> None:
    roots = upper[np.linspace(3, len(upper) - 2, 22).astype(int)]
    lean = side * np.linspace(-0.1, 0.34, len(roots))
    steps = np.stack([lean, np.full(len(roots), -0.26)], axis=1)
    canvas.blend(canvas.hairs(roots, steps), _LASH, 0.7)


def paint_brow(canvas: Canvas, person: Identity, expression: Expression, side: int) -> None:
    """The brow on that side: a soft shape under single hairs."""
    rng = person.rng(3 + side)
    brows, thick = person.brows, person.brows.thickness
    y = brows.y - 0.35 * expression.brow

    def placed(points: list[tuple[float, float]]) -> Floats:
        u, v = np.array(points).T
        arch = brows.arch * np.sin(np.pi * np.minimum(0.75 * u + 0.1, 1)) * 1.1
        bend = brows.tilt * (u - 0.5) + 0.6 * np.maximum(u - 0.65, 0)
        frown = 0.5 * expression.frown * np.maximum(0.4 - u, 0)
        return curve(
            np.stack([side * (brows.start + u * brows.length), y + v - arch + bend + frown], axis=1)
        )

    top = placed([(0, -0.1 * thick), (0.3, -0.55 * thick), (0.65, -0.5 * thick), (1, 0)])
    low = placed([(0, 0.6 * thick), (0.3, 0.5 * thick), (0.65, 0.25 * thick), (1, 0.05)])
    hair = np.array(person.hair.colour)
    colour = hair * (0.75 if hair.mean() < 130 or person.age > 0.75 else 0.6)
    canvas.blend(canvas.area(np.vstack([top, low[::-1]]), 0.09), colour, 0.62)

    count = int(150 + 200 * thick)
    along = rng.uniform(0, 1, count)
    across = rng.uniform(0, 1, count)[:, None]
    nearest = (along * (len(top) - 1)).astype(int)
    roots = top[nearest] * (1 - across) + low[nearest] * across
    rise = -0.25 * (1 - along) * rng.uniform(0.3, 1, count) + 0.1 * along
    steps = np.stack([side * rng.uniform(0.1, 0.34, count), rise], axis=1)
    canvas.blend(canvas.hairs(roots, steps), colour * 0.55, 0.65)
