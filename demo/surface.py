"""Round surfaces: a grid of points around an upright axis, and which of them a camera sees."""

from typing import NamedTuple

import cv2
import numpy as np

from demo.arrays import Floats
from demo.camera import Camera

_SPACING = 0.14  # centimetres between the rows of a head
_ROUNDNESS = 0.89  # 1 is an ellipse, less is a rounder box: skulls are between
_HOLE = np.ones((5, 5), np.uint8)
_NEIGHBOURS = np.ones((3, 3), np.uint8)


class Surface(NamedTuple):
    """Rows run down, columns run round from the right of the picture to the left: `angles`."""

    points: Floats  # (rows, columns, 3)
    angles: Floats  # radians, 0 to the front


class View(NamedTuple):
    """What a camera sees of a surface, in a box of the picture.

    `column` and `row` say which point of the grid each pixel shows; `cover` is 1 where any does.
    """

    box: tuple[slice, slice]
    column: Floats
    row: Floats
    cover: Floats

    def sample(self, values: Floats) -> Floats:
        """Values known at the grid's points, at the picture's pixels."""
        return sample(values, self.column, self.row)


def sample(values: Floats, x: Floats, y: Floats) -> Floats:
    """Values between the points of an array, at columns x and rows y."""
    picked: Floats = cv2.remap(
        np.ascontiguousarray(values, np.float32),
        x,
        y,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return picked


def section(angles: Floats, half_width: Floats, half_depth: Floats) -> tuple[Floats, Floats]:
    """(x, z) of each row's outline from above."""
    across, ahead = np.sin(angles), np.cos(angles)
    x = np.sign(across) * np.abs(across) ** _ROUNDNESS
    z = np.sign(ahead) * np.abs(ahead) ** _ROUNDNESS
    return half_width[:, None] * x, half_depth[:, None] * z


def normals(points: Floats) -> Floats:
    """The outward direction at each point of a grid."""
    along = np.gradient(points, axis=1)
    down = np.gradient(points, axis=0)
    out = np.empty_like(points)
    for axis, (a, b) in enumerate(((1, 2), (2, 0), (0, 1))):
        out[..., axis] = along[..., a] * down[..., b] - along[..., b] * down[..., a]
    return np.asarray(out / (np.linalg.norm(out, axis=2, keepdims=True) + 1e-6), np.float32)


def view(surface: Surface, camera: Camera, facing: Floats, frame: tuple[int, int]) -> View | None:
    """What the camera sees, or None when nothing is in the frame (height, width).

    The grid, made fine enough to leave few holes, is written into the picture column by column,
    those that turn away first: what faces the camera comes last and stays. No sort by depth is
    needed, and colours are looked up per pixel afterwards, so nothing is smeared. Points whose
    `facing` is not positive are left out.
    """
    flat = camera.flatten(camera.turn(surface.points))
    rows, columns = facing.shape
    fine = max(1, round(camera.scale * _SPACING))
    size = (columns * fine, rows * fine)
    turn = np.repeat(surface.angles, fine) + np.radians(camera.pose.yaw)
    order = np.argsort(-np.abs(turn), kind="stable")

    def stretched(values: Floats) -> Floats:
        # OpenCV puts the middle of old point i at fine * (i + .5) - .5
        large: Floats = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
        return large.T[order]

    x = np.rint(stretched(flat[..., 0])).astype(np.int32)
    y = np.rint(stretched(flat[..., 1])).astype(np.int32)
    seen = (stretched(facing) > 0) & (x >= 0) & (x < frame[1]) & (y >= 0) & (y < frame[0])
    if not seen.any():
        return None
    step, place = np.nonzero(seen)
    x, y = x[seen], y[seen]
    left, top = max(int(x.min()) - 3, 0), max(int(y.min()) - 3, 0)
    right, bottom = min(int(x.max()) + 4, frame[1]), min(int(y.max()) + 4, frame[0])
    shape = (bottom - top, right - left)
    pixel = (y - top) * shape[1] + (x - left)
    index = np.full(shape[0] * shape[1], -1, np.int64)
    index[pixel] = np.arange(len(pixel))  # of several points on one pixel the last one stays
    hit = index >= 0
    column = np.full(index.shape, -1, np.float32)
    row = column.copy()
    column[hit] = (order[step[index[hit]]] + 0.5) / fine - 0.5
    row[hit] = (place[index[hit]] + 0.5) / fine - 0.5
    box = (slice(top, bottom), slice(left, right))
    return _closed(box, column.reshape(shape), row.reshape(shape))


def _closed(box: tuple[slice, slice], column: Floats, row: Floats) -> View:
    """Fill the holes of a pixel or two between neighbouring points of the grid."""
    hit = (column > -0.9).astype(np.uint8)
    closed = cv2.morphologyEx(hit, cv2.MORPH_CLOSE, _HOLE)
    for _ in range(2):
        hole = (closed > 0) & (column <= -0.9)
        column = np.where(hole, cv2.dilate(column, _NEIGHBOURS), column)
        row = np.where(hole, cv2.dilate(row, _NEIGHBOURS), row)
    return View(box, column, row, (column > -0.9).astype(np.float32))
