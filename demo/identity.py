"""What stays the same in every picture of a person: measures in centimetres, colours in 0..255.

The head's coordinates: x to the right of the picture, y down, z to the camera, origin between
the eyes. Lengths along the face are measured from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]

# Every range of shape is stretched about its middle by this much. Recognisers find drawn people
# too alike at 1; beyond 1.5 the faces turn into caricatures.
_SPREAD = 1.45

_SKIN_TONES: tuple[RGB, ...] = (
    (244, 210, 188),
    (236, 196, 168),
    (226, 178, 142),
    (200, 146, 108),
    (166, 112, 78),
    (124, 80, 56),
    (92, 60, 46),
)
_HAIR_COLOURS: Mapping[str, RGB] = {
    "black": (22, 20, 20),
    "dark brown": (48, 34, 26),
    "brown": (84, 58, 40),
    "chestnut": (112, 66, 40),
    "blond": (196, 160, 104),
    "ginger": (160, 84, 36),
    "grey": (140, 138, 136),
    "white": (206, 204, 200),
}
_IRIS_COLOURS: tuple[RGB, ...] = (
    (58, 36, 22),
    (84, 54, 30),
    (112, 92, 52),
    (84, 112, 72),
    (86, 122, 158),
    (120, 134, 140),
)


@dataclass(frozen=True)
class Skull:
    width: float  # factor
    height: float  # factor
    forehead: float
    cheek_width: float
    cheekbone: float
    jaw: float
    chin: float
    brow_ridge: float


@dataclass(frozen=True)
class Eyes:
    x: float
    y: float
    half_width: float
    opening: float
    tilt: float
    lid: float
    depth: float
    iris: RGB


@dataclass(frozen=True)
class Brows:
    y: float
    start: float
    length: float
    thickness: float
    arch: float
    tilt: float


@dataclass(frozen=True)
class Nose:
    tip: float  # y of the tip
    width: float
    height: float
    ridge: float
    bridge: float
    hook: float


@dataclass(frozen=True)
class Mouth:
    y: float
    half_width: float
    upper: float
    lower: float
    redness: float
    cupid: float


@dataclass(frozen=True)
class Skin:
    colour: RGB
    freckled: bool
    moles: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Hair:
    style: str
    colour: RGB
    line: float  # y of the hairline above the nose
    parting: int  # -1 left, 1 right
    volume: float


@dataclass(frozen=True)
class Glasses:
    shape: str
    colour: RGB


@dataclass(frozen=True)
class Identity:
    """One fictional person. Equal seeds give equal people, so this is a key for caches too."""

    seed: int
    masculine: float
    age: float  # 0 is twenty, 1 is seventy or so
    skull: Skull
    eyes: Eyes
    brows: Brows
    nose: Nose
    mouth: Mouth
    skin: Skin
    hair: Hair
    beard: str
    glasses: Glasses | None

    def rng(self, part: int) -> np.random.Generator:
        """The same draws for the same part of this person, in every picture."""
        return np.random.default_rng([17, self.seed, part])


def identity(seed: int) -> Identity:
    """The person of a seed."""
    dice = _Dice(np.random.default_rng([7, seed]))
    masculine = (seed % 2) * 0.8 + dice.between(0, 0.2)
    age = dice.between(0, 1) ** 1.3
    tone = dice.between(0, 6)
    skull = _skull(dice, masculine)
    eyes = _eyes(dice, masculine, tone)
    nose = _nose(dice, eyes.y)
    return Identity(
        seed=seed,
        masculine=masculine,
        age=age,
        skull=skull,
        eyes=eyes,
        brows=_brows(dice, masculine, eyes.y),
        nose=nose,
        mouth=_mouth(dice, masculine, nose.tip, skull),
        skin=_skin(dice, tone),
        hair=_hair(dice, masculine, age, tone),
        beard=_beard(dice) if masculine > 0.5 else "none",
        glasses=_glasses(dice),
    )


class _Dice:
    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def between(self, low: float, high: float) -> float:
        return float(self._rng.uniform(low, high))

    def shape(self, low: float, high: float) -> float:
        """A measure of the face: the range is stretched, so that people differ enough."""
        return (low + high) / 2 + self.between(-0.5, 0.5) * (high - low) * _SPREAD

    def pick(self, weights: Mapping[str, float]) -> str:
        shares = np.array(list(weights.values()))
        return str(self._rng.choice(list(weights), p=shares / shares.sum()))

    def below(self, count: int) -> int:
        return int(self._rng.integers(count))


def _skull(dice: _Dice, masculine: float) -> Skull:
    return Skull(
        width=dice.shape(0.91, 1.07),
        height=dice.shape(0.94, 1.06),
        forehead=dice.shape(-0.5, 0.5),
        cheek_width=dice.shape(-0.25, 0.25),
        cheekbone=dice.shape(0, 0.9),
        jaw=dice.shape(4.7, 5.6) + 0.8 * masculine,
        chin=dice.shape(2.0, 3.0) + 0.6 * masculine,
        brow_ridge=dice.shape(0.1, 0.5) + 0.45 * masculine,
    )


def _eyes(dice: _Dice, masculine: float, tone: float) -> Eyes:
    if tone > 2.6:
        iris = ("0", "0", "0", "0", "0", "0", "1", "1", "1", "2")[dice.below(10)]
    else:
        iris = str(dice.below(len(_IRIS_COLOURS)))
    return Eyes(
        x=dice.shape(2.85, 3.5),
        y=dice.shape(-0.4, 0.4),
        half_width=dice.shape(1.32, 1.7),
        opening=dice.shape(0.46, 0.74) - 0.06 * masculine,
        tilt=dice.shape(-0.12, 0.2),
        lid=max(0.0, dice.shape(0, 0.35)),
        depth=dice.shape(0.3, 1.0),
        iris=_IRIS_COLOURS[int(iris)],
    )


def _brows(dice: _Dice, masculine: float, eye_y: float) -> Brows:
    return Brows(
        y=dice.shape(-2.1, -1.55) + 0.25 * masculine + eye_y,
        start=dice.shape(0.9, 1.6),
        length=2.05 * dice.shape(1.5, 2.0),
        thickness=dice.shape(0.22, 0.42) + 0.2 * masculine,
        arch=dice.shape(0.05, 0.6) - 0.15 * masculine,
        tilt=dice.shape(-0.22, 0.22),
    )


def _nose(dice: _Dice, eye_y: float) -> Nose:
    return Nose(
        tip=dice.shape(3.9, 5.2) + eye_y,
        width=dice.shape(1.15, 1.9),
        height=dice.shape(1.6, 2.6),
        ridge=dice.shape(0.65, 1.1),
        bridge=dice.shape(0.2, 0.9),
        hook=dice.shape(-0.3, 0.35),
    )


def _mouth(dice: _Dice, masculine: float, nose_tip: float, skull: Skull) -> Mouth:
    return Mouth(
        y=min(dice.shape(1.75, 2.5) + nose_tip, 8.6 * skull.height),  # room for a chin below
        half_width=min(dice.shape(2.0, 2.85), 0.53 * skull.jaw),
        upper=max(0.26, dice.shape(0.32, 0.72) - 0.08 * masculine),
        lower=max(0.4, dice.shape(0.48, 0.95) - 0.1 * masculine),
        redness=float(np.clip(dice.shape(0, 1), 0, 1.2)) * (1 - 0.7 * masculine),
        cupid=max(0.0, dice.shape(0, 0.22)),
    )


def _skin(dice: _Dice, tone: float) -> Skin:
    step = min(int(tone), len(_SKIN_TONES) - 2)
    colour = np.array(_SKIN_TONES[step]) * (1 - tone + step)
    colour += np.array(_SKIN_TONES[step + 1]) * (tone - step)
    return Skin(
        colour=(float(colour[0]), float(colour[1]), float(colour[2])),
        freckled=dice.between(0, 1) < 0.18 and tone < 3,
        moles=tuple((dice.between(-5, 5), dice.between(1, 9)) for _ in range(dice.below(3))),
    )


def _hair(dice: _Dice, masculine: float, age: float, tone: float) -> Hair:
    if masculine > 0.5:
        styles = {
            "bald": 12,
            "buzz": 16,
            "short": 22,
            "part": 20,
            "quiff": 14,
            "curly": 8,
            "afro": 6,
        }
    else:
        styles = {"long": 28, "bob": 20, "bun": 16, "fringe": 14, "curly": 12, "short": 6}
    return Hair(
        style=dice.pick(styles),
        colour=_HAIR_COLOURS[_hair_colour(dice, age, tone)],
        line=dice.between(-7.6, -6.0) - 1.0 * age * masculine,
        parting=2 * dice.below(2) - 1,
        volume=dice.between(0.75, 1.25),
    )


def _hair_colour(dice: _Dice, age: float, tone: float) -> str:
    if tone > 4.2 or dice.between(0, 1) < 0.12:
        colour = "black"
    elif tone < 2.4:
        colour = dice.pick(
            {"dark brown": 25, "brown": 20, "chestnut": 15, "blond": 20, "ginger": 10, "black": 10}
        )
    else:
        colour = dice.pick({"black": 1, "dark brown": 1, "brown": 1})
    if age > 0.75:
        return dice.pick({"grey": 1, "white": 1, colour: 1})
    return colour


def _beard(dice: _Dice) -> str:
    return dice.pick({"none": 34, "stubble": 22, "moustache": 12, "goatee": 12, "full": 20})


def _glasses(dice: _Dice) -> Glasses | None:
    shape = dice.pick({"none": 68, "round": 12, "square": 10, "thin": 10})
    if shape == "none":
        return None
    return Glasses(shape, ((40, 34, 32), (84, 54, 36), (66, 68, 74))[dice.below(3)])
