"""A painted face: skin and beard, which stay, and the features, which move."""

from functools import lru_cache

from demo.beard import grow_beard
from demo.eyes import paint_brow, paint_eye
from demo.identity import Identity
from demo.mouth import paint_mouth, paint_nose
from demo.paint import Canvas
from demo.picture import Expression
from demo.skin import bare_skin


def painted_face(person: Identity, expression: Expression, light_side: int) -> Canvas:
    """The face from the front, in daylight colours without shadows."""
    still = _still_face(person)
    canvas = Canvas(still.pixels.copy(), still.scale, still.origin)
    for side in (-1, 1):
        paint_eye(canvas, person, expression, side, light_side)
        paint_brow(canvas, person, expression, side)
        paint_nose(canvas, person, expression, side)
    paint_mouth(canvas, person, expression)
    return canvas


@lru_cache(maxsize=16)
def _still_face(person: Identity) -> Canvas:
    canvas = bare_skin(person)
    grow_beard(canvas, person)
    canvas.pixels.flags.writeable = False
    return canvas
