"""A picture of people: everything from back to front, then the film."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.arrays import Floats, linear
from demo.background import background
from demo.bust import paint_bust
from demo.camera import Camera
from demo.face import painted_face
from demo.hair import paint_back_hair, paint_hair
from demo.hairstyles import STYLES
from demo.head import CHIN, Head, head
from demo.identity import Eyes, Identity
from demo.light import Light, light
from demo.paint import Canvas, overlay, soften
from demo.picture import Film, Picture
from demo.surface import Surface, normals, sample, view
from demo.trimmings import paint_ears, paint_glasses

_REFERENCE = 480  # the size in pixels that pictures are described for
_CHIN_CULL = (5.5, 9.5, 11.5)  # y: below the jaw only the front of the surface is drawn,
_CHIN_ANGLES = (125, 96, 66)  # degrees: its sides would stick out as spurs


class Sitter(NamedTuple):
    person: Identity
    picture: Picture
    left: float  # pixels by which this sitter's own square is moved to the right


def scene(sitters: Sequence[Sitter], size: int, width: int) -> NDArray[np.uint8]:
    """A picture `size` high and `width` wide, in RGB. The first sitter's light and film count."""
    first = sitters[0].picture
    canvas = Canvas(background(first.rng(0), (size, width)))
    lamp = light(first.lamp)
    for sitter in sitters:
        _paint_person(canvas, sitter, size, lamp)
    return _developed(canvas.pixels, first.film, size, first.rng(2))


def _paint_person(canvas: Canvas, sitter: Sitter, size: int, lamp: Light) -> None:
    person, picture = sitter.person, sitter.picture
    frame = picture.frame
    camera = Camera(
        picture.pose,
        scale=frame.scale * size / _REFERENCE,
        x=sitter.left + size * frame.x,
        y=size * frame.y,
    )
    whole = head(person, picture.expression)
    paint_back_hair(canvas, person, whole.outline, camera, lamp)
    paint_bust(canvas, person, picture, camera, lamp)
    style = STYLES.get(person.hair.style)
    if style is None or style.shows_ears:
        paint_ears(canvas, person, whole.outline, camera, lamp)
    _paint_head(canvas, sitter, whole, camera, lamp)
    paint_hair(canvas, person, whole.outline, camera, lamp)
    paint_glasses(canvas, person, whole.outline, camera, lamp)


def _paint_head(canvas: Canvas, sitter: Sitter, whole: Head, camera: Camera, lamp: Light) -> None:
    person = sitter.person
    out = normals(camera.turn(whole.surface.points))
    facing = _without_spurs(out[..., 2], whole, person.skull.height)
    seen = view(whole.surface, camera, facing, canvas.pixels.shape[:2])
    if seen is None:
        return
    place = seen.sample(whole.surface.points[..., :2])
    texture = painted_face(person, sitter.picture.expression, lamp.side)
    at = (place - np.array(texture.origin, np.float32)) * np.float32(texture.scale)
    albedo = linear(sample(texture.pixels, at[..., 0], at[..., 1]))
    shade = lamp.diffuse(out) * _hollows(whole, person.skull.height)[..., None]
    lit = albedo * seen.sample(shade)
    lit += seen.sample(lamp.gloss(out) * _skin_only(person.eyes, whole.surface))[..., None]
    overlay(canvas.pixels[seen.box], lit, np.clip(soften(seen.cover, 0.8) * 1.6 - 0.6, 0, 1))


def _without_spurs(facing: Floats, whole: Head, tall: float) -> Floats:
    heights = (_CHIN_CULL[0], _CHIN_CULL[1], CHIN * tall)
    limit = np.radians(np.interp(whole.outline.y, heights, _CHIN_ANGLES))[:, None]
    hidden = np.abs(whole.surface.angles)[None] > limit
    return np.where(hidden, np.float32(-1), facing)


def _skin_only(eyes: Eyes, surface: Surface) -> Floats:
    """0 on the eyes, whose highlights are painted: shining as skin does, they would look milky."""
    x, y = np.abs(surface.points[..., 0]), surface.points[..., 1]
    far = np.square((x - eyes.x) / eyes.half_width) + np.square((y - eyes.y) / 0.8)
    return np.asarray(1 - np.exp(-np.square(far)))


def _hollows(whole: Head, tall: float) -> Floats:
    """Less of the surroundings' light reaches what lies deeper than its neighbourhood."""
    rise = whole.relief - soften(whole.relief, 9)
    open_sky = np.clip(1 + 0.42 * rise, 0.5, 1.12)
    under_chin = np.clip((whole.outline.y - 9.6 * tall) / 2, 0, 1)[:, None]
    return np.asarray(open_sky * (1 - 0.35 * under_chin))


def _developed(
    pixels: Floats, film: Film, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Bright light saturates softly; then gamma, blur and grain."""
    shown = pixels * np.float32(-1.25 * film.exposure)
    cv2.exp(shown, dst=shown)
    np.subtract(1, shown, out=shown)
    shown *= np.float32(1.08 * 255 * 255)
    cv2.sqrt(shown, dst=shown)
    shown = soften(shown, film.blur * size / _REFERENCE)
    grain = rng.standard_normal(shown.shape[:2], dtype=np.float32) * np.float32(film.noise)
    shown += grain[..., None]
    np.clip(shown, 0, 255, out=shown)
    return shown.astype(np.uint8)
