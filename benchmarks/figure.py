"""A measured figure, as `make bench` collects them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    value: what was measured, in `unit`; low, high: the smallest and largest round. n: rounds.
    goal: what it should be at least, or at most; None: a peer, for comparison.
    """

    part: str
    what: str
    value: float
    unit: str
    n: int
    low: float
    high: float
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


def figure(
    part: str,
    what: str,
    rounds: Sequence[float],
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    note: str = "",
) -> Figure:
    """The median of the rounds."""
    middle = float(np.median(rounds))
    return Figure(
        part, what, middle, unit, len(rounds), min(rounds), max(rounds), at_least, at_most, note
    )


def line(found: Figure) -> str:
    goal = ""
    if found.at_least is not None:
        goal = f"  (goal: at least {found.at_least:g})"
    elif found.at_most is not None:
        goal = f"  (goal: at most {found.at_most:g})"
    return (
        f"{found.what}: {found.value:.3g} {found.unit}"
        f" [{found.low:.3g} to {found.high:.3g}, n = {found.n}]{goal}"
        f"{' MISSED' if found.met is False else ''}{'; ' + found.note if found.note else ''}"
    )


def write(figures: Sequence[Figure], path: Path) -> None:
    path.write_text(json.dumps([asdict(one) for one in figures], indent=1), "utf-8")


def read(path: Path) -> list[Figure]:
    return [Figure(**one) for one in json.loads(path.read_text("utf-8"))]
