"""Ears and glasses: small things that are placed in space and drawn flat."""

import numpy as np

from demo.arrays import Floats, linear
from demo.camera import Camera
from demo.head import Outline
from demo.identity import Identity
from demo.light import Light
from demo.paint import Canvas, curve

# (forward, down) around the ear, in centimetres from its middle
_EAR = (
    (0.5, -1.9),
    (-0.1, -2.7),
    (-1.1, -2.5),
    (-1.5, -1.2),
    (-1.2, 0.4),
    (-0.7, 1.6),
    (-0.3, 2.6),
    (0.3, 2.6),
    (0.6, 1.6),
)
_RIMS = {"round": (2.25, 2.1, 1.0), "square": (2.5, 1.75, 0.5), "thin": (2.45, 1.55, 0.75)}


def paint_ears(
    canvas: Canvas, person: Identity, shape: Outline, camera: Camera, light: Light
) -> None:
    """Both ears, to be painted before the head, which hides what is behind it."""
    skin = linear(person.skin.colour)
    ear = curve([*_EAR, _EAR[0]], 40)
    for side in (-1, 1):
        lit = light.flat * (0.85 + 0.3 * side * float(light.key[0]))

        def placed(size: float, side: int = side) -> Floats:
            ahead, down = (ear * size).T
            out = shape.width_at(1.5) - 0.15 - 0.75 * ahead
            points = np.stack([side * out, down + 1.6, ahead - 1.4], axis=1)
            return camera.pixels(points)

        canvas.blend(canvas.area(placed(1.0), 0.8), skin * lit * (0.95, 0.8, 0.78))
        canvas.blend(canvas.area(placed(0.62), 0.15 * camera.scale), skin * lit * 0.5, 0.8)
        canvas.blend(canvas.line(placed(0.85), 1.0, 0.8), skin * lit * 1.1, 0.4)


def paint_glasses(
    canvas: Canvas, person: Identity, shape: Outline, camera: Camera, light: Light
) -> None:
    """The person's glasses, if any, to be painted last."""
    glasses, eyes = person.glasses, person.eyes
    if glasses is None:
        return
    half_width, half_height, corner = _RIMS[glasses.shape]
    colour = linear(glasses.colour) * light.flat
    thick = camera.scale * (0.13 if glasses.shape == "thin" else 0.2)
    front = shape.depth_at(eyes.y) + person.nose.height * 0.15 + 0.6

    def placed(x: Floats, y: Floats) -> Floats:
        return camera.pixels(np.stack([x, y, front - 0.035 * x**2], axis=1))

    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    across = half_width * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** corner
    down = half_height * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** corner
    for side in (-1, 1):
        rim = placed(side * (eyes.x + 0.1) + across, eyes.y + 0.3 + down)
        canvas.blend(canvas.area(rim, 1.0), (1, 1, 1), 0.015)
        canvas.blend(canvas.line(rim, thick, 0.4, closed=True), colour, 0.95)
        if side * camera.pose.yaw > -4:  # the far temple is hidden behind the face
            outer = eyes.x + half_width
            hinge = (side * outer, eyes.y - 0.2, front - 0.035 * outer**2)
            ear = (side * shape.width_at(eyes.y) * 1.02, eyes.y, 1.5)
            canvas.blend(canvas.line(camera.pixels([hinge, ear]), thick, 0.4), colour, 0.95)
    inner = eyes.x - half_width + 0.1
    bridge = curve(
        [(-inner, eyes.y, front), (0, eyes.y - 0.25, front + 0.2), (inner, eyes.y, front)]
    )
    canvas.blend(canvas.line(camera.pixels(bridge), thick, 0.4), colour, 0.95)
