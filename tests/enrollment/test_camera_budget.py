"""A camera's back-off: a row of unknown people is slowed down, a busy door is not shut."""

import pytest

from enrollment.camera_budget import CameraBackOff, CameraBudget


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> CameraBudget:
    return CameraBudget(CameraBackOff(free=3, seconds=30, within=600), clock)


def unknown(budget: CameraBudget, times: int) -> None:
    for _ in range(times):
        budget.count("unknown")


def test_after_the_free_ones_each_waits_and_none_stops(budget: CameraBudget, clock: Clock) -> None:
    unknown(budget, 2)
    assert budget.wait() == 0
    for _ in range(100):
        unknown(budget, 1)
        assert budget.wait() == 30
        clock.at += 29
        assert budget.wait() == 1
        clock.at += 1
        assert budget.wait() == 0


def test_somebody_who_is_recognised_ends_the_row(budget: CameraBudget) -> None:
    for _ in range(50):
        unknown(budget, 2)
        budget.count("known")
    assert budget.wait() == 0
    unknown(budget, 3)
    budget.count("known")
    assert budget.wait() == 0, "who is recognised meanwhile opens the door for all"


def test_who_was_refused_was_compared_with_nobody(budget: CameraBudget) -> None:
    for _ in range(50):
        budget.count("refused")
    assert budget.wait() == 0


def test_a_row_ends_by_itself(budget: CameraBudget, clock: Clock) -> None:
    for _ in range(20):
        clock.at += 601
        unknown(budget, 2)
    assert budget.wait() == 0


def test_resting_is_no_quicker_than_being_slowed_down() -> None:
    usual = CameraBackOff()
    assert usual.within >= usual.free * usual.seconds
