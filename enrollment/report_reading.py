"""Reads the nightly report's document, which may lack anything."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

Part = Mapping[str, Any]


def part(whole: Part, key: str) -> Part:
    value = whole.get(key)
    return value if isinstance(value, Mapping) else {}


def items(whole: Part, key: str) -> Sequence[Any]:
    value = whole.get(key)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def rows(whole: Part, key: str) -> list[Part]:
    return [row for row in items(whole, key) if isinstance(row, Mapping)]


def lists(whole: Part, key: str) -> list[Sequence[Any]]:
    return [row if isinstance(row, Sequence) else () for row in items(whole, key)]


def strings(whole: Part, key: str) -> list[str]:
    return [_clean(value) for value in items(whole, key)]


def text(whole: Part, key: str) -> str:
    return _clean(whole.get(key))


def _clean(value: object) -> str:
    return _UNPRINTABLE.sub("\ufffd", value) if isinstance(value, str) else ""


# What HTML forbids or UTF-8 cannot write (control characters, halves of surrogate pairs), and
# what turns the rest of a line around.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def number(whole: Part, key: str | None) -> float | None:
    value = whole.get(key) if key else None
    return value if finite(value) else None


def whole_number(whole: Part, key: str) -> str:
    value = number(whole, key)
    return "" if value is None else f"{value:,.0f}"


def finite(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def passed(check: Part) -> bool | None:
    value = check.get("passed")
    return value if isinstance(value, bool) else None


def serves(document: Part, state: Part) -> bool:
    key = text(state, "key")
    return bool(key) and key == text(document, "served")


def served_before(document: Part) -> bool:
    """Whether there is anything to compare tonight with."""
    outcome, head = text(document, "outcome"), part(document, "head")
    return outcome == "skipped" or bool(text(head, "previous_head_id"))


def nothing_before(document: Part) -> str:
    """Why a comparison is missing, where that is why."""
    return "" if served_before(document) else "nothing was served before tonight to compare with"
