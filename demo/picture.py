"""What changes from picture to picture: pose, expression, light, clothes, framing, sharpness."""

from dataclasses import dataclass

import numpy as np

from demo.identity import RGB

_FABRICS: tuple[RGB, ...] = (
    (52, 62, 82),
    (92, 100, 108),
    (120, 60, 56),
    (66, 92, 80),
    (168, 150, 124),
    (196, 196, 192),
    (40, 42, 46),
    (98, 78, 104),
    (186, 128, 66),
    (104, 134, 158),
)


@dataclass(frozen=True)
class Pose:
    yaw: float = 0.0  # degrees, as are the other two
    pitch: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True)
class Expression:
    smile: float
    mouth: float  # how far it is open
    lids: float
    brow: float
    frown: float
    gaze: tuple[float, float]


@dataclass(frozen=True)
class Lamp:
    azimuth: float  # degrees, 0 from the camera
    elevation: float
    key: float
    ambient: float
    warmth: float


@dataclass(frozen=True)
class Clothes:
    colour: RGB
    neckline: str


@dataclass(frozen=True)
class Frame:
    scale: float  # pixels per centimetre in a picture of 480
    x: float  # of the head, as a part of the picture's size
    y: float


@dataclass(frozen=True)
class Film:
    exposure: float
    blur: float  # pixels in a picture of 480
    noise: float  # of 255


@dataclass(frozen=True)
class Picture:
    """One occasion on which a person was seen."""

    seeds: tuple[int, int]
    pose: Pose
    expression: Expression
    lamp: Lamp
    clothes: Clothes
    frame: Frame
    film: Film

    def rng(self, part: int) -> np.random.Generator:
        """The same draws for the same part of this picture."""
        return np.random.default_rng([19, *self.seeds, part])


def picture(person: int, number: int, hard: float) -> Picture:
    """The person's picture of that number. `hard` scales pose, expression, light and blur."""
    rng = np.random.default_rng([11, person, number])

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return Picture(
        seeds=(person, number),
        pose=Pose(
            between(-20, 20) * hard,
            between(-18, 18) * hard,
            between(-8, 8) * hard,
        ),
        expression=Expression(
            smile=between(-0.2, 1) * hard,
            mouth=max(0.0, between(-0.5, 0.5)) * hard,
            lids=between(0.85, 1.1),
            brow=between(-0.4, 0.8),
            frown=between(-0.3, 0.4),
            gaze=(between(-0.16, 0.16), between(-0.05, 0.05)),
        ),
        lamp=Lamp(
            azimuth=between(-60, 60) * hard,
            elevation=between(8, 50),
            key=between(0.65, 1.0),
            ambient=between(0.3, 0.5),
            warmth=between(-0.08, 0.08),
        ),
        clothes=Clothes(
            _FABRICS[int(rng.integers(len(_FABRICS)))], str(rng.choice(["round", "v", "high"]))
        ),
        frame=Frame(between(11, 15.5), between(-0.05, 0.05) + 0.5, between(-0.04, 0.04) + 0.46),
        film=Film(between(0.88, 1.12), between(0, 1.1) * hard, between(1, 4.5)),
    )
