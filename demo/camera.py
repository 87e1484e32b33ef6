"""Where a point of the head lands in the picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from demo.arrays import Floats
from demo.picture import Pose

_DISTANCE = 75.0  # centimetres from the lens to the eyes


@dataclass(frozen=True)
class Camera:
    """A pose seen from the front, in perspective."""

    pose: Pose
    scale: float  # pixels per centimetre at the eyes
    x: float  # pixel of the head's origin
    y: float

    def turn(self, points: ArrayLike) -> Floats:
        """The points after the head has turned."""
        return np.asarray(points, np.float32) @ _rotation(self.pose).T

    def pixels(self, points: ArrayLike) -> Floats:
        """The picture's (x, y) of points of the head."""
        return self.flatten(self.turn(points))

    def flatten(self, turned: Floats) -> Floats:
        """The picture's (x, y) of points that have been turned."""
        near = (_DISTANCE / (_DISTANCE - turned[..., 2]) * self.scale)[..., None]
        return turned[..., :2] * near + np.array((self.x, self.y), np.float32)


def _rotation(pose: Pose) -> Floats:
    a, b, c = np.radians((pose.yaw, pose.pitch, pose.roll))
    yaw = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    pitch = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    roll = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(roll @ pitch @ yaw, np.float32)
