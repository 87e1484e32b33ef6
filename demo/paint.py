"""A canvas that takes soft, anti-aliased marks. Every mark touches only the pixels it covers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.arrays import Floats

Colour: TypeAlias = Floats | Sequence[float] | float
_Draw: TypeAlias = Callable[[NDArray[np.uint8], NDArray[np.int32]], object]

_SUBPIXEL_BITS = 4
_SUBPIXELS = 1 << _SUBPIXEL_BITS
_WIDE_BLUR = 6.0  # pixels; beyond it the blur runs on a quarter of the resolution, unseen


class Mark(NamedTuple):
    """Where a mark lies on its canvas, and how strongly (0..1) it covers each pixel there."""

    where: tuple[slice, slice]
    cover: Floats


@dataclass(frozen=True)
class Canvas:
    """An RGB picture that is painted in units of its own: `scale` pixels each, from `origin`."""

    pixels: Floats
    scale: float = 1.0
    origin: tuple[float, float] = (0.0, 0.0)

    def area(self, outline: Floats, blur: float = 0.0) -> Mark:
        """The inside of a closed outline."""
        return self._mark(
            outline,
            blur,
            0,
            lambda cover, path: cv2.fillPoly(
                cover, [path], 255, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS
            ),
        )

    def line(self, path: Floats, width: float, blur: float = 0.0, *, closed: bool = False) -> Mark:
        """A line along a path, at least one pixel wide."""
        thickness = max(1, round(width * self.scale))
        return self._mark(
            path,
            blur,
            thickness,
            lambda cover, points: cv2.polylines(
                cover, [points], closed, 255, thickness, cv2.LINE_AA, _SUBPIXEL_BITS
            ),
        )

    def hairs(self, roots: Floats, steps: Floats) -> Mark:
        """Many straight hairs of one pixel's width, each from its root along its step."""
        ends = np.stack([roots, roots + steps], axis=1)
        return self._mark(
            ends.reshape(-1, 2),
            0.0,
            1,
            lambda cover, points: cv2.polylines(
                cover, list(points.reshape(-1, 2, 2)), False, 255, 1, cv2.LINE_AA, _SUBPIXEL_BITS
            ),
        )

    def blend(self, mark: Mark, colour: Colour, strength: float = 1.0) -> None:
        """Move the marked pixels towards a colour."""
        cover = (mark.cover * strength)[..., None]
        target = self.pixels[mark.where]
        target += cover * (np.asarray(colour, np.float32) - target)

    def multiply(self, mark: Mark, factor: Colour) -> None:
        """Multiply the marked pixels, channel by channel: shadows and blushes."""
        self.pixels[mark.where] *= 1 - mark.cover[..., None] * (1 - np.asarray(factor, np.float32))

    def units(self, where: tuple[slice, slice]) -> tuple[Floats, Floats]:
        """The canvas coordinates (x of each column, y of each row) of a marked box."""
        rows, columns = where
        x = np.arange(columns.start, columns.stop, dtype=np.float32) / self.scale + self.origin[0]
        y = np.arange(rows.start, rows.stop, dtype=np.float32) / self.scale + self.origin[1]
        return x[None], y[:, None]

    def _mark(self, points: Floats, blur: float, thickness: int, draw: _Draw) -> Mark:
        sigma = blur * self.scale
        pixels = (np.asarray(points, np.float32) - np.array(self.origin, np.float32)) * self.scale
        path = np.round(pixels * _SUBPIXELS).astype(np.int32)
        margin = int(3 * sigma) + thickness + 2
        height, width = self.pixels.shape[:2]
        low = np.clip(path.min(0) // _SUBPIXELS - margin, 0, (width, height))
        high = np.clip(path.max(0) // _SUBPIXELS + margin + 1, low, (width, height))
        where = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
        if (high <= low).any():
            return Mark(where, np.zeros((high - low)[::-1], np.float32))
        cover = np.zeros((high - low)[::-1], np.uint8)
        draw(cover, path - (low * _SUBPIXELS).astype(np.int32))
        return Mark(where, soften(cover.astype(np.float32) / 255, sigma))


def overlay(target: Floats, colours: Floats, cover: Floats) -> None:
    """Blend a picture over a part of a canvas, in place; `colours` is used up."""
    colours -= target
    colours *= cover[..., None]
    target += colours


def soften(values: Floats, sigma: float) -> Floats:
    """A Gaussian blur that stays cheap when it is wide."""
    if sigma < 0.15:
        return values
    if sigma <= _WIDE_BLUR or min(values.shape[:2]) < 16:
        blurred: Floats = cv2.GaussianBlur(values, (0, 0), sigma)
        return blurred
    size = values.shape[1::-1]
    small = cv2.resize(values, (size[0] // 4, size[1] // 4), interpolation=cv2.INTER_AREA)
    wide: Floats = cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 4), size)
    return wide


def ellipse(centre: tuple[float, float], radii: tuple[float, float], corners: int = 40) -> Floats:
    """A closed outline."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack(
        [centre[0] + radii[0] * np.cos(turn), centre[1] + radii[1] * np.sin(turn)], axis=1
    )


def curve(points: Sequence[Sequence[float]] | Floats, samples: int = 24) -> Floats:
    """A smooth path through all the points (Catmull-Rom)."""
    knots = np.asarray(points, np.float32)
    padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    place = np.linspace(0, len(knots) - 1, samples)
    first = np.clip(place.astype(int), 0, len(knots) - 2)
    part = (place - first)[:, None]
    before, start, stop, after = (padded[first + step] for step in range(4))
    return np.asarray(
        0.5
        * (
            2 * start
            + (stop - before) * part
            + (2 * before - 5 * start + 4 * stop - after) * part**2
            + (3 * start - before - 3 * stop + after) * part**3
        )
    )
