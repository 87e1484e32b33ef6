"""Neck and shoulders, shaded per pixel from a formula: they always face the camera."""

import cv2
import numpy as np

from demo.arrays import Floats, linear, ramp, smooth_noise
from demo.camera import Camera
from demo.identity import Identity
from demo.light import Light
from demo.paint import Canvas, overlay
from demo.picture import Clothes, Picture

_NAPE = (0.0, 9.0, -2.5)  # the point of the head that the neck carries; y below is from here
_TOP = -6.0
_WIDTHS = {
    _TOP: 5.3,
    0.0: 5.0,
    3.5: 5.15,
    5.0: 5.7,
    6.5: 7.6,
    8.0: 11.5,
    9.5: 15.5,
    11.5: 18.3,
    14.0: 19.6,
    20.0: 20.2,
    40.0: 20.2,
}
_DEPTHS = {_TOP: 5.4, 3.5: 5.5, 6.0: 6.0, 9.0: 7.5, 14.0: 9.5, 20.0: 10.5, 40.0: 10.5}


def paint_bust(
    canvas: Canvas, person: Identity, picture: Picture, camera: Camera, light: Light
) -> None:
    """Neck and clothes, below the head and behind it."""
    frame = canvas.pixels.shape
    nape = camera.pixels(_NAPE)
    first = max(0, int(nape[1] + _TOP * camera.scale))
    reach = 21 * camera.scale
    left, right = max(0, int(nape[0] - reach)), min(frame[1], int(nape[0] + reach) + 1)
    if first >= frame[0] or left >= right:
        return
    target = canvas.pixels[first:, left:right]
    x = (np.arange(left, right, dtype=np.float32)[None] - nape[0]) / camera.scale
    y = (np.arange(first, frame[0], dtype=np.float32) - nape[1]) / camera.scale
    half, slopes = _profiles(y, person.masculine)
    # light changes slowly here: every fourth pixel is enough
    coarse = light.diffuse(_normals(x[:, ::4], slopes[::4]))
    diffuse = cv2.resize(coarse, target.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    cover = np.clip((half[:, None] - np.abs(x)) * camera.scale * 0.7 + 0.5, 0, 1)
    below = y[:, None] - _neckline(picture.clothes, x)
    cloth = np.clip(below * camera.scale * 0.8 + 0.5, 0, 1)
    skin = _chin_shadow(x, y, light) * (1 - 0.35 * ramp(below, -0.9, 0.1)) * (1 - cloth)
    cloth *= _folds(picture, below)
    lit = skin[..., None] * linear(person.skin.colour)
    lit += cloth[..., None] * linear(picture.clothes.colour)
    lit *= diffuse
    overlay(target, lit, cover)


def _profiles(y: Floats, masculine: float) -> tuple[Floats, Floats]:
    """Half the width at each y; and (half width, its slope, half depth, its slope) at each y."""
    fine = np.linspace(_TOP, 40, 200)
    build = np.interp(fine, (3.5, 9.5), (0.84 + 0.2 * masculine, 0.88 + 0.14 * masculine))
    kernel = np.hanning(9) / np.hanning(9).sum()
    columns = []
    for knots in (_WIDTHS, _DEPTHS):
        values = np.interp(fine, list(knots), list(knots.values())) * build
        values = np.convolve(np.pad(values, 4, "edge"), kernel, "valid")
        columns += [np.interp(y, fine, values), np.interp(y, fine, np.gradient(values, fine))]
    slopes = np.stack(columns, axis=1).astype(np.float32)
    return slopes[:, 0], slopes


def _normals(x: Floats, slopes: Floats) -> Floats:
    """The gradient of (x / width)^2 + (z / depth)^2, which points outwards."""
    width, widening, depth, deepening = (slopes[:, i : i + 1] for i in range(4))
    across = np.clip(x / width, -0.98, 0.98)
    ahead = np.sqrt(1 - across**2)
    down = -(across**2 * widening / width + ahead**2 * deepening / depth)
    normals = np.stack([across / width, down, ahead / depth], axis=2)
    return np.asarray(normals / np.linalg.norm(normals, axis=2, keepdims=True))


def _chin_shadow(x: Floats, y: Floats, light: Light) -> Floats:
    middle = -1.5 * float(light.key[0])
    across = np.exp(np.float32(-0.5) * np.square((x - middle) / 4.2))
    return np.asarray(0.92 - 0.62 * (1 - ramp(y, 1.0, 6.5))[:, None] * across)


def _neckline(clothes: Clothes, x: Floats) -> Floats:
    """The y where the clothes begin."""
    if clothes.neckline == "v":
        return 12.0 - 1.0 * np.abs(x)
    if clothes.neckline == "high":
        return 4.6 + 0.5 * np.clip(1 - (x / 6) ** 2, 0, 1)
    return np.asarray(4.8 + 3.2 * np.sqrt(np.clip(1 - (x / 7.5) ** 2, 0, 1)))


def _folds(picture: Picture, below: Floats) -> Floats:
    rng = picture.rng(1)
    shape = (below.shape[0], below.shape[1])
    folds = 0.07 * smooth_noise(rng, shape, (5, 14)) + 0.02 * smooth_noise(rng, shape, (40, 60))
    seam = np.clip(1 - np.abs(below - 1.1) / 0.2, 0, 1)
    return np.asarray(1 + folds - np.float32(0.2) * seam)
