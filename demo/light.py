"""How bright a surface is: one key lamp, a weak fill from the other side, and the surroundings."""

from dataclasses import dataclass

import numpy as np

from demo.arrays import Floats
from demo.picture import Lamp

# Light scatters inside skin, red the furthest: the edge of a shadow is soft and reddish.
_WRAP = np.array((0.38, 0.26, 0.22), np.float32)
_VIEWER = np.array((0, 0, 1), np.float32)


@dataclass(frozen=True)
class Light:
    """Directions point from the head to the lamp; amounts are of linear light."""

    key: Floats
    key_colour: Floats
    fill: Floats
    ambient: Floats
    strength: float

    @property
    def side(self) -> int:
        """-1 when the key comes from the left of the picture, 1 when from the right."""
        return 1 if self.key[0] >= 0 else -1

    @property
    def halfway(self) -> Floats:
        """Surfaces that face this way mirror the key lamp into the camera."""
        middle = self.key + _VIEWER
        return np.asarray(middle / np.linalg.norm(middle))

    @property
    def flat(self) -> Floats:
        """The light on something small whose direction does not matter."""
        return np.asarray(0.62 * self.key_colour + self.ambient)

    def diffuse(self, normals: Floats) -> Floats:
        """Light that leaves a matt surface, per channel."""
        facing = (normals @ self.key)[..., None]
        key = np.clip((facing + _WRAP) / (1 + _WRAP), 0, None)
        key *= (0.8 + 0.2 * key) * self.key_colour  # near enough to the power 1.2, and cheap
        fill = np.clip(normals @ self.fill, 0, None)[..., None] * np.float32(0.16)
        sky = (0.5 - 0.5 * normals[..., 1:2]) * 0.35 + 0.65
        return np.asarray(key + fill + self.ambient * sky)

    def gloss(self, normals: Floats) -> Floats:
        """The shine of skin: a wide lobe and a narrow one."""
        mirror = np.clip(normals @ self.halfway, 0, 1) ** 2
        wide = np.square(np.square(np.square(mirror))) * mirror**2  # the power 20 in all
        narrow = np.square(np.square(wide))
        return np.asarray((wide * 0.09 + narrow * 0.06) * np.float32(self.strength))

    def sheen(self, tangents: Floats) -> Floats:
        """The band of shine across hair that runs along `tangents`."""
        along = tangents @ self.halfway
        across = np.square(1 - np.clip(along * along, 0, 1))
        return np.asarray(np.square(across) * np.square(np.square(across)) * self.strength)


def light(lamp: Lamp) -> Light:
    """The light of a lamp."""
    azimuth, elevation = np.radians((lamp.azimuth, lamp.elevation))
    key = np.array(
        (
            np.sin(azimuth) * np.cos(elevation),
            -np.sin(elevation),
            np.cos(azimuth) * np.cos(elevation),
        ),
        np.float32,
    )
    warm = lamp.warmth
    return Light(
        key=key,
        key_colour=lamp.key * np.array((1 + warm, 1, 1 - warm), np.float32),
        fill=np.array((-key[0], -0.1, 0.8), np.float32) / np.float32(1.2),
        ambient=lamp.ambient * np.array((1 - warm / 2, 1, 1 + warm / 2), np.float32),
        strength=lamp.key,
    )
