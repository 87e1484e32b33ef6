from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from enrollment.calibration import OperatingPoint
from enrollment.steadiness import Before, before, steady_threshold
from store.records import StoredOperatingPoint

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
SCALE = 0.05


def point(threshold: float, subjects: int = 200, **other: object) -> OperatingPoint:
    made = OperatingPoint(
        threshold, 0.01, 0.01, 0.02, 0.01, 600, 600, "kept", "measured", 1, subjects, scale=SCALE
    )
    return replace(made, **other)


def since(threshold: float, **other: object) -> Before:
    return Before(point(threshold, **other), point(threshold, **other))


def test_it_stays_where_the_rate_is_about_what_was_asked() -> None:
    for away in (-0.19, 0.0, 0.19):
        assert steady_threshold(point(0.5 + away * SCALE), since(0.5)) == 0.5


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_step_is_bounded_both_ways(sign: int) -> None:
    moved = steady_threshold(point(0.5 + sign * 0.4), since(0.5))
    assert moved == pytest.approx(0.5 + sign * 0.05 * SCALE)


def test_it_gets_there_in_time() -> None:
    last, nights = since(0.5), 0
    while abs(last.current.threshold - 0.6) > 0.2 * SCALE + 1e-9 and nights < 100:
        threshold = steady_threshold(point(0.6), last)
        last, nights = since(threshold), nights + 1
    assert 30 < nights < 60


def test_all_changes_of_a_day_together_make_one_step() -> None:
    reference = point(0.5)
    current = reference
    for _ in range(10):
        current = point(steady_threshold(point(0.6), Before(current, reference)))
    assert current.threshold == pytest.approx(0.5 + 0.05 * SCALE)


def test_a_gallery_that_grows_is_not_held_back() -> None:
    """Five times the people: the threshold must rise by ln 5 of the tail at once."""
    moved = steady_threshold(point(0.6, subjects=1000), since(0.5, subjects=200))
    assert moved == pytest.approx(0.5 + SCALE * (0.05 + 1.6094), abs=1e-4)


@pytest.mark.parametrize(
    "other", [{"max_fpir": 0.1}, {"score": "cosine less"}, {"head": "h"}, {"promise": "no"}]
)
def test_what_cannot_be_compared_is_measured_afresh(other: dict[str, object]) -> None:
    assert steady_threshold(point(0.9, **other), since(0.5)) == 0.9
    assert steady_threshold(point(0.9), None) == 0.9
    assert steady_threshold(point(0.9), Before(point(0.5), None)) == 0.9


def test_the_reference_is_what_served_when_the_day_began() -> None:
    def stored(threshold: float, at: datetime) -> StoredOperatingPoint:
        details = point(threshold).as_document()
        return StoredOperatingPoint(1, "f", 0.01, threshold, details, at)

    yesterday = [stored(0.4, NOW - timedelta(days=2)), stored(0.5, NOW - timedelta(hours=3))]
    today = [stored(0.6, NOW - timedelta(hours=1))]
    found = before([*yesterday, *today], NOW)
    assert found is not None
    assert found.reference is not None
    assert (found.current.threshold, found.reference.threshold) == (0.6, 0.5)
    first = before(today, NOW)
    assert first is not None
    assert first.reference is None
    assert before([], NOW) is None
