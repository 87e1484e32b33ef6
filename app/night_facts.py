"""A night that was run, as far as pages show it: its details are JSON of any age."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from enrollment.night_record import reason_of

Figures = Mapping[str, object]
_CHALLENGER, _IMPRINT, _BEFORE = "challenger", "imprint", "before"


@dataclass(frozen=True)
class NightFacts:
    """outcome: "promoted", "refused" or "running". checks: name -> passed, None where it could not
    be judged. states: "before", "imprint", "challenger" -> figures."""

    day: str
    started: datetime
    outcome: str
    mode: str
    reason: str
    seconds: float | None
    people: int | None
    trained: str | None
    checks: Mapping[str, bool | None]
    trained_checks: Mapping[str, bool | None]
    states: Mapping[str, Figures]

    @property
    def failed(self) -> list[str]:
        return [name for name, passed in self.checks.items() if passed is False]

    @property
    def failed_training(self) -> list[str]:
        """Why the trained head was refused, where the means serve instead."""
        if self.outcome != "promoted" or self.mode == self.trained:
            return []
        return [name for name, passed in self.trained_checks.items() if passed is False]

    @property
    def champion(self) -> tuple[str, Figures] | None:
        """Who would have served otherwise: the head of the night before, else the plain means."""
        key = _BEFORE if _BEFORE in self.states else _IMPRINT
        return (key, self.states[key]) if key in self.states else None

    @property
    def challenger(self) -> tuple[str, Figures] | None:
        """Who asked to serve; None on a first night that trained nothing."""
        key = _CHALLENGER if _CHALLENGER in self.states else _IMPRINT
        champion = self.champion
        if key not in self.states or (champion is not None and champion[0] == key):
            return None
        return key, self.states[key]


def facts_of(day: str, state: str, started: datetime, details: Mapping[str, object]) -> NightFacts:
    metrics = _mapping(details.get("metrics"))
    seconds = _mapping(metrics.get("seconds")).get("total")
    people, trained = metrics.get("subjects"), metrics.get("trained")
    return NightFacts(
        day=day,
        started=started,
        outcome=str(details.get("outcome", state)) if state == "finished" else "running",
        mode=str(details.get("mode", "")),
        reason=reason_of(details),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        people=people if isinstance(people, int) else None,
        trained=str(trained) if trained else None,
        checks=_checks(metrics.get("checks")),
        trained_checks=_checks(metrics.get("trained_checks")),
        states={key: _mapping(value) for key, value in _mapping(metrics.get("states")).items()},
    )


def number_of(figures: Figures, name: str) -> float | None:
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) else None


def _checks(value: object) -> dict[str, bool | None]:
    found = _mapping(value).items()
    return {name: passed if isinstance(passed, bool) else None for name, passed in found}


def _mapping(value: object) -> Mapping[str, object]:
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else {}
