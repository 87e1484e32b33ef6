"""Hair: a shell around the skull, sampled strand by strand, and what hangs behind the neck."""

from typing import NamedTuple

import cv2
import numpy as np

from demo.arrays import Floats, linear, ramp, smooth_noise, through
from demo.camera import Camera
from demo.hairstyles import STYLES, Style
from demo.head import CROWN, TEMPLE, Outline, round_angles
from demo.identity import Hair, Identity
from demo.light import Light
from demo.paint import Canvas, curve, ellipse, overlay, soften
from demo.surface import Surface, normals, section, view

_ROWS = 210
_CURTAIN = ((-3.0, 62.0), (4.0, 63.0), (10.0, 80.0), (19.0, 95.0))  # y: degrees it hangs from
_FRINGE = ((0, -2.7), (40, -2.5), (55, -1.0), (70, 3.0))
_HEAD_RADIUS = 9.0
_FLAT = 0.4  # centimetres; flatter hair throws no shadow and has no shine


class _Shell(NamedTuple):
    surface: Surface
    inside: Floats  # centimetres from the hairline, positive under hair


def paint_hair(
    canvas: Canvas, person: Identity, shape: Outline, camera: Camera, light: Light
) -> None:
    """Hair on the head and in front of the shoulders, with its shadow on the skin."""
    style = STYLES.get(person.hair.style)
    if style is None:
        return
    shell = _shell(person, style, shape)
    turned = camera.turn(shell.surface.points)
    out = normals(turned)
    facing = out[..., 2] + (0.2 if style.curl else 0.05)
    seen = view(shell.surface, camera, facing, canvas.pixels.shape[:2])
    if seen is None:
        return
    strands = _strands(person, style, seen.column, seen.row)
    inside = seen.sample(shell.inside) + (0.3 if style.fringe else 0.16) * strands
    edge = np.clip(soften(seen.cover, 1.0) * 1.5 - 0.5, 0, 1)
    cover = edge * np.clip(inside / style.softness + 0.5, 0, 1) * style.density

    target = canvas.pixels[seen.box]
    if style.lift > _FLAT:
        shadow = soften(np.roll(cover, round(0.5 * camera.scale), axis=0), 0.3 * camera.scale)
        target *= 1 - 0.34 * (shadow * (1 - cover) * seen.cover)[..., None]
    # roots lie deeper than tips, so the hair is darker where it begins
    depth = 0.72 + 0.28 * np.clip(inside / 1.5, 0, 1)
    depth *= np.clip(1 + 0.34 * strands, 0.25, 2)
    shine = seen.sample(light.sheen(_along(turned))) * np.clip(0.6 + 0.7 * strands, 0, 2.5)
    shine *= 0.25 if style.curl or style.lift <= _FLAT else 1.0
    colour = linear(person.hair.colour)
    lit = seen.sample(light.diffuse(out) * (colour * np.float32(0.9)))
    lit *= depth[..., None]
    lit += shine[..., None] * (0.03 + 0.35 * colour)
    overlay(target, lit, cover)


def _along(points: Floats) -> Floats:
    """The direction of hair that runs down the columns of a grid."""
    step = np.gradient(points, axis=0)
    return np.asarray(step / (np.linalg.norm(step, axis=2, keepdims=True) + 1e-6))


def _shell(person: Identity, style: Style, shape: Outline) -> _Shell:
    hair, angles = person.hair, round_angles()
    rng = person.rng(5)
    bottom = 9.5 if style.bottom is None else style.bottom
    y = np.linspace(shape.y[0], bottom, _ROWS, dtype=np.float32)
    held = y if style.bottom is None else np.minimum(y, 1.0)  # hanging hair falls straight
    x, z = section(
        angles,
        np.interp(held, shape.y, shape.half_width),
        np.interp(held, shape.y, shape.half_depth),
    )
    inside = _inside(hair, style, angles, y)
    lift = style.lift * hair.volume * np.clip(inside / 2.6, 0, 1) ** 0.6
    if style.crest:
        crest = through(style.crest, np.degrees(angles)) - 1
        lift = lift * (1 + crest * ramp(y, CROWN, CROWN + 3)[:, None])  # no spike on the crown
    lumps = smooth_noise(rng, lift.shape, (16, 20) if style.curl else (3, 36))
    grow = 1 + lift * (1 + (0.08 if style.curl else 0.10) * lumps) / _HEAD_RADIUS
    drop = np.clip(y / 12, 0, 1)[:, None]
    flare = grow * (1 + 0.04 * hair.volume * drop) if style.bottom else grow
    high = np.where(y[:, None] < TEMPLE, TEMPLE + (y[:, None] - TEMPLE) * grow, y[:, None])
    points = np.stack([x * flare, high, z * grow + 0.05], axis=2).astype(np.float32)
    return _Shell(Surface(points, angles), inside.astype(np.float32))


def _inside(hair: Hair, style: Style, angles: Floats, y: Floats) -> Floats:
    """How far each point of the shell lies within the hair."""
    degrees = np.degrees(angles)
    around = np.abs(degrees)
    knots = [(angle, hair.line + rise) for angle, rise in style.front] + list(style.sides)
    line = through(knots, around)
    if style.parting:
        line = line + through(style.parting, degrees * hair.parting)
    if style.fringe:
        line = np.maximum(line, through(_FRINGE, around))
    below = line - y[:, None]
    if style.bottom is None:
        return below
    edge = through(_CURTAIN, y)[:, None]
    tips = (style.bottom - 0.6 - y)[:, None]
    return np.asarray(np.maximum(below, np.minimum((around - edge) * 0.12, tips)))


def _strands(person: Identity, style: Style, column: Floats, row: Floats) -> Floats:
    """Noise of unit size along the strands, at the picture's pixels."""
    rng = person.rng(6)
    if style.curl:
        shape, scale = (420, 400), (2.0, 2.0)
        layers = ((30, 28, 0.35), (80, 90, 0.8), (150, 170, 0.6))
    else:
        shape, scale = (70, 1200), (6.0, 1 / 3)
        layers = ((5, 70, 0.7), (7, 220, 0.6), (9, 560, 0.6))
    noise = np.zeros(shape, np.float32)
    for rows, columns, weight in layers:
        noise += np.float32(weight) * smooth_noise(rng, shape, (rows, columns))
    wave = np.float32(rng.uniform(0.5, 2.5)) * np.sin(row * np.float32(rng.uniform(0.03, 0.08)))
    column = column + wave
    if style.swept:  # strands leave the parting and spread as they come down
        parting = np.float32(100 + 12 * person.hair.parting)
        fan = np.clip(row * np.float32(1 / 90), 0.25, 1.2)
        column = parting + (column - parting) / fan
    strands: Floats = cv2.remap(
        noise,
        column * np.float32(scale[0]),
        row * np.float32(scale[1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    return strands


def paint_back_hair(
    canvas: Canvas, person: Identity, shape: Outline, camera: Camera, light: Light
) -> None:
    """What is seen of the hair behind the neck and around the head, before those are painted."""
    style = STYLES.get(person.hair.style)
    if style is None:
        return
    colour = linear(person.hair.colour) * light.flat
    wide = float(shape.half_width.max()) + style.behind * person.hair.volume
    if style.bun:
        _paint_bun(canvas, person.rng(8), camera, colour)
    elif style.bottom is not None:
        _paint_hanging(canvas, person.rng(7), camera, colour, (wide, style.bottom))
    elif style.behind:
        tall = abs(CROWN) - 3.4 + style.behind * person.hair.volume
        cloud = ellipse((0, -3.5), (wide, tall), 90)
        cloud += person.rng(7).normal(0, 0.12, cloud.shape)
        outline = np.column_stack([cloud, np.full(len(cloud), -2)])
        canvas.blend(canvas.area(camera.pixels(outline), 1.5), colour * 0.55)


def _paint_hanging(
    canvas: Canvas,
    rng: np.random.Generator,
    camera: Camera,
    colour: Floats,
    extent: tuple[float, float],
) -> None:
    wide, bottom = extent
    side = [(0.62, -9.0), (0.95, -3.0), (1.04, 5.0), (0.97, bottom)]
    right = [(wide * x, y, -3.0) for x, y in side]
    left = [(-x, y, z) for x, y, z in right[::-1]]
    path = curve(camera.pixels([*left, (0, CROWN + 0.2, -3.0), *right]), 60)
    canvas.blend(canvas.area(path, 2.5), colour * 0.6)
    for _ in range(40):
        place = rng.uniform(-1, 1)
        tip = (place * wide * rng.uniform(0.86, 0.97), bottom * rng.uniform(0.85, 1.02), -2.9)
        strand = [(place * wide * 0.8, -4, -2.9), (place * wide * 0.98, 4, -2.9), tip]
        line = canvas.line(curve(camera.pixels(strand), 12), rng.uniform(1, 3))
        canvas.blend(line, colour * rng.uniform(0.35, 0.95), 0.8)


def _paint_bun(canvas: Canvas, rng: np.random.Generator, camera: Camera, colour: Floats) -> None:
    width, height = 3.4 * camera.scale, 2.6 * camera.scale
    x, y = camera.pixels((0.0, CROWN + 0.2, -6.0))
    centre = (float(x), float(y) - 0.6 * camera.scale)
    canvas.blend(canvas.area(ellipse(centre, (width, height)), 1.2), colour * 0.8)
    for size in np.linspace(0.25, 0.95, 14):
        ring = ellipse(centre, (width * size, height * size), 30)
        ring += rng.normal(0, 0.06 * camera.scale, 2)
        arc = np.roll(ring, int(rng.integers(30)), axis=0)[:18]
        canvas.blend(canvas.line(arc, 1.0, 0.7), colour * rng.uniform(0.4, 1.5), 0.7)
