"""Numbers, times and sentences of the nightly report, as people read them."""

from collections.abc import Callable
from datetime import UTC, date, datetime

# With fewer photos than this a percentage says more than is known: "5 of 6" is said instead.
FEW = 20

PERCENT = "\u00a0%"


def decimals(n: float | None) -> int:
    """Decimals of a percentage of n: one photo must count for more than the last digit."""
    return 0 if not n or n < 1_000 else 1 if n < 10_000 else 2


def percent(rate: float, n: float | None, rounded: Callable[[float], float] = round) -> str:
    """Never 0 or 100 where it is not: then "under" and "over" say so. Bounds round outwards."""
    digits = decimals(n)
    scale = 10**digits
    # 0.29 * 100 is 28.999999999999996: bounds must not fall for that.
    value = rounded(round(rate * 100 * scale, 6)) / scale
    words = ""
    if rounded is round and 0 < rate < 1 and value in (0, 100):
        words = "over " if value else "under "
        value = value - 1 / scale if value else 1 / scale
    return f"{words}{value:.{digits}f}{PERCENT}"


def count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def are(n: int, one: str) -> str:
    return f"{'is' if n == 1 else 'are'} {count(n, one)}"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 0.1:
        return "under 0.1\u00a0s"
    if seconds < 10:
        return f"{seconds:.1f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}\u00a0s"
    hours, minutes = divmod(minutes, 60)
    parts = (hours, "h"), (minutes, "min"), (0 if hours else rest, "s")
    return " ".join(f"{n}\u00a0{unit}" for n, unit in parts if n)


# Not strftime's: those are of the language of the process.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def long_day(text: str) -> str:
    day = _day(text)
    if day is None:
        return text or "an unknown day"
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def short_day(text: str) -> str:
    day = _day(text)
    return text if day is None else f"{day.day} {_MONTHS[day.month - 1][:3]}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def clock(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.tzinfo is None:
        return f"{at:%Y-%m-%d %H:%M}"
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def sentence(text: str) -> str:
    """With a capital and a full stop, as it stands on a page of its own."""
    text = capital(text.strip())
    return text and text + ("" if text[-1] in ".!?:" else ".")


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
