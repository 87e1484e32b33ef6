"""The nose's creases and the mouth, painted on the skin."""

from typing import NamedTuple

import numpy as np

from demo.arrays import Floats
from demo.identity import Identity
from demo.paint import Canvas, curve, ellipse
from demo.picture import Expression

_GAP = (52, 18, 18)
_TEETH = (222, 214, 200)


def paint_nose(canvas: Canvas, person: Identity, expression: Expression, side: int) -> None:
    """The nostril on that side, the creases around it, and the fold down to the mouth."""
    wide, tip = person.nose.width, person.nose.tip
    dark = np.array(person.skin.colour) * (0.21, 0.165, 0.15)
    nostril = ellipse((side * wide * 0.46, tip + 0.16), (wide * 0.26, 0.17))
    canvas.blend(canvas.area(nostril, 0.055), dark, 0.75)
    wing = [(1.02, -0.75), (1.13, -0.2), (0.9, 0.2)]
    path = curve([(side * wide * x, tip + y) for x, y in wing])
    canvas.multiply(canvas.line(path, 0.12, 0.09), (0.74, 0.64, 0.62))
    under = [(0.8, 0.22), (0.2, 0.42), (0.0, 0.46)]
    path = curve([(side * wide * x, tip + y) for x, y in under])
    canvas.multiply(canvas.line(path, 0.15, 0.12), (0.82, 0.74, 0.72))

    mouth = person.mouth
    depth = 0.1 + 0.26 * person.age + 0.22 * max(expression.smile, 0)
    fold = [
        (side * (wide + 0.35), tip - 0.4),
        (side * (mouth.half_width + 0.5), tip + 0.65 * (mouth.y - tip)),
        (side * (mouth.half_width + 0.9), mouth.y + 0.7),
    ]
    canvas.multiply(canvas.line(curve(fold), 0.16, 0.18), 1 - depth * np.array((0.8, 1, 1)))


class _Lips(NamedTuple):
    """Four edges, each from the left corner to the right one."""

    top: Floats
    upper: Floats  # where the upper lip ends
    lower: Floats  # where the lower lip begins
    bottom: Floats


def paint_mouth(canvas: Canvas, person: Identity, expression: Expression) -> None:
    """Both lips and what is between them."""
    mouth, smile = person.mouth, max(expression.smile, 0)
    wide = mouth.half_width * (1 + 0.16 * expression.smile - 0.1 * expression.mouth)
    y = mouth.y - 0.1 * expression.smile
    lift = -0.42 * expression.smile  # of the corners
    gap = expression.mouth * 1.3
    low = y + mouth.lower * (1 - 0.12 * smile) + gap * 0.8
    lips = _lips(person, expression, wide, y)
    skin, red = np.array(person.skin.colour), mouth.redness
    colour = skin * (0.88 - 0.06 * red, 0.60 - 0.14 * red, 0.60 - 0.10 * red)
    colour += np.array((14, 0, 4)) * red
    upper = canvas.area(np.vstack([lips.top, lips.upper[::-1]]), 0.045)
    canvas.blend(upper, colour * 0.86, 0.9)
    lower = canvas.area(np.vstack([lips.bottom, lips.lower[::-1]]), 0.055)
    canvas.blend(lower, colour, 0.9)
    if expression.mouth > 0.08:
        _paint_teeth(canvas, lips)
    else:
        between = (lips.upper + lips.lower) / 2
        canvas.blend(canvas.line(between, 0.09, 0.03), skin * (0.23, 0.18, 0.165), 0.85)
    for side in (-1, 1):
        corner = ellipse((side * (wide + 0.08), y + lift), (0.2, 0.15), 14)
        canvas.multiply(canvas.area(corner, 0.1), (0.66, 0.6, 0.58))
    shine = ellipse((0, low - mouth.lower * 0.45), (wide * 0.35, 0.1))
    canvas.blend(canvas.area(shine, 0.1), np.minimum(colour * 1.25 + 18, 255), 0.35)
    canvas.multiply(canvas.area(ellipse((0, low + 0.45), (1.2, 0.2)), 0.22), (0.82, 0.76, 0.74))


def _lips(person: Identity, expression: Expression, wide: float, y: float) -> _Lips:
    mouth, smile, gap = person.mouth, max(expression.smile, 0), expression.mouth * 1.3
    upper, lower = mouth.upper * (1 - 0.2 * smile), mouth.lower * (1 - 0.12 * smile)
    lift = -0.42 * expression.smile
    ends = y + lift

    def edge(*inner: tuple[float, float]) -> Floats:
        """A symmetric edge; `inner` gives its points from the left corner to the middle."""
        left = [(-wide, ends), *inner]
        right = [(-x, height) for x, height in left[::-1] if x]
        return curve([*left, *right], 36)

    return _Lips(
        edge(
            (-wide * 0.55, y - upper * 0.62 + lift * 0.35),
            (-0.42, y - upper - 0.04),
            (0, y - upper + mouth.cupid),
        ),
        edge((-wide * 0.5, y + lift * 0.35 + 0.02 - gap * 0.12), (0, y + 0.06 - gap * 0.25)),
        edge((-wide * 0.5, y + lift * 0.35 + 0.04 + gap * 0.5), (0, y + 0.1 + gap * 0.75)),
        edge(
            (-wide * 0.55, y + lower * 0.72 + gap * 0.65 + lift * 0.4),
            (0, y + lower + gap * 0.8 + 0.12),
        ),
    )


def _paint_teeth(canvas: Canvas, lips: _Lips) -> None:
    canvas.blend(canvas.area(np.vstack([lips.upper, lips.lower[::-1]]), 0.02), _GAP)
    top = lips.upper[5:-5]
    edge = top * 0.45 + lips.lower[5:-5] * 0.55
    canvas.blend(canvas.area(np.vstack([top, edge[::-1]]), 0.03), _TEETH, 0.9)
