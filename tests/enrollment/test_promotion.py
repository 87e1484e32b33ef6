"""The gate, by table."""

from dataclasses import replace

import pytest

from enrollment.forgetting import Comparison
from enrollment.promotion import (
    Candidate,
    Measured,
    PromotionPolicy,
    better_than_imprint,
    decide,
)

POLICY = PromotionPolicy()
GOOD = Measured(
    probes=1000,
    right=995,
    found=980,
    threshold=0.5,
    fpir=0.009,
    fpir_upper_95=0.014,
    stranger_searches=3000,
    promise="kept",
    calibration_error=0.005,
)
SAME = Comparison(
    probes=1000,
    agreement=1.0,
    negative_flips=0,
    positive_flips=0,
    mcnemar_p=1.0,
    intrusions=0,
    known_to_unknown=0,
    new_probes=50,
    new_right=50,
    old_right=995,
)
NAMES = {"a": "Anna", "b": "Bert"}
NOBODY: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}


def gate(
    measured: Measured = GOOD,
    comparison: Comparison | None = SAME,
    subjects: dict[str, tuple[tuple[int, int], tuple[int, int]]] = NOBODY,
    means: Measured = GOOD,
    rows_problem: str | None = None,
    seconds: float = 10.0,
    memory_mb: float = 500.0,
    own: tuple[int, int] = (30, 30),
):
    candidate = Candidate(measured, rows_problem, seconds, memory_mb, *own)
    return decide(candidate, means, comparison, subjects, NAMES, 0.01, POLICY)


def test_what_is_as_good_goes_live() -> None:
    decision = gate()
    assert decision.promoted
    assert decision.words() == ""
    assert all(check.passed is True for check in decision.checks)


def test_the_first_night_is_judged_by_itself() -> None:
    decision = gate(comparison=None)
    assert decision.promoted
    assert "old people" not in {check.name for check in decision.checks}


@pytest.mark.parametrize(
    ("name", "words", "given"),
    [
        ("newcomers' own photos", "2 photos", {"own": (28, 30)}),
        ("integrity", "not finite", {"rows_problem": "a row is not finite"}),
        ("strangers", "1.6% of the time", {"measured": replace(GOOD, fpir=0.016)}),
        ("old people", "6 of 1000", {"comparison": replace(SAME, negative_flips=6)}),
        (
            "old people",
            "5 of 1000",
            {"comparison": replace(SAME, negative_flips=5, positive_flips=0, mcnemar_p=0.04)},
        ),
        ("agreement", "97.0%", {"comparison": replace(SAME, agreement=0.97)}),
        ("intrusion", "11 photos", {"comparison": replace(SAME, intrusions=11)}),
        ("find rate", "98.0% -> 97.0%", {"measured": replace(GOOD, found=970)}),
        ("newcomers", "40 of 50", {"comparison": replace(SAME, new_right=40)}),
        ("every single person", "Anna 5/5 -> 0/5", {"subjects": {"a": ((5, 5), (0, 5))}}),
        ("calibration", "4.0%", {"measured": replace(GOOD, calibration_error=0.04)}),
        ("time", "4000 s", {"seconds": 4000.0}),
        ("memory", "9000 MB", {"memory_mb": 9000.0}),
    ],
)
def test_each_check_refuses_alone(name: str, words: str, given: dict) -> None:
    decision = gate(**given)
    failed = [check for check in decision.checks if check.passed is False]
    assert [check.name for check in failed] == [name]
    assert not decision.promoted
    assert words in decision.words()
    assert "Anna" not in decision.words(nameless=True)


def test_people_who_are_found_less_are_named_worst_first() -> None:
    flips = replace(SAME, negative_flips=6)
    people = {"b": ((3, 3), (2, 3)), "a": ((5, 5), (0, 5))}
    decision = gate(subjects=people, comparison=flips)
    assert "would be wrong (Anna 5/5 -> 0/5, Bert 3/3 -> 2/3)" in decision.words()
    assert decision.words().endswith("; lost: Anna 5/5 -> 0/5")
    assert decision.words(nameless=True) == (
        "6 of 1000 photos that were right would be wrong; 1 people would be lost"
    )


def test_who_was_hardly_found_before_is_not_lost() -> None:
    assert gate(subjects={"a": ((1, 3), (0, 3))}).promoted


def test_too_little_to_judge_by_is_said_and_refuses_nothing() -> None:
    few = replace(SAME, probes=10, agreement=0.9, new_probes=3, new_right=1, negative_flips=1)
    measured = replace(GOOD, probes=10, found=9, promise="not_enough_data", calibration_error=None)
    decision = gate(measured, few)
    assert decision.promoted
    unjudged = {check.name for check in decision.checks if check.passed is None}
    assert {"strangers", "agreement", "newcomers", "find rate", "calibration"} <= unjudged


def test_training_has_to_earn_its_place() -> None:
    assert better_than_imprint(GOOD, GOOD, (30, 2)).passed
    for gained, lost in ((0, 0), (5, 5), (2, 30), (4, 0)):
        check = better_than_imprint(GOOD, GOOD, (gained, lost))
        assert check.passed is False
        assert "no better than the plain means" in check.words
