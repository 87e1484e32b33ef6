"""Rates of strangers as people say them: 1 in 100."""

from app.language import Language
from enrollment.calibration import OperatingPoint

_OFFERED = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 10_000)
_SAME = 0.005  # rates that are so near, relative to each other, are one


def offered(present: float) -> list[float]:
    """The rates to choose from, the highest first; the present one is among them."""
    others = [1 / n for n in _OFFERED if abs(present * n - 1) > _SAME]
    return sorted([present, *others], reverse=True)


def one_in(language: Language, rate: float) -> str:
    return language.say("1 in {n}", n=language.number(1 / rate))


def of_thousand(language: Language, share: float) -> str:
    """How many of 1,000 a share is."""
    many = 1000 * share
    return language.number(many, 0 if many >= 10 else 1)


def found_share(point: OperatingPoint) -> float | None:
    """Of photos of the enrolled; None where none could be searched for."""
    return None if point.fnir is None else 1 - point.fnir
