import numpy as np
import pytest

from enrollment.forgetting import (
    backward_transfer,
    by_cohort,
    compare,
    forgetting,
    matrix,
    per_subject,
)
from enrollment.night_trials import Searches


def searches(*rows: tuple[int, str, str, float]) -> Searches:
    ids, truth, answer, scores = zip(*rows, strict=True)
    return Searches(
        np.array(ids, np.int64),
        np.array(truth, np.str_),
        np.array(answer, np.str_),
        np.array(scores, np.float64),
    )


BEFORE = searches(
    (1, "anna", "anna", 0.9), (2, "anna", "anna", 0.6), (3, "bert", "anna", 0.7),
    (4, "bert", "bert", 0.8),
)  # fmt: skip
AFTER = searches(
    (1, "anna", "anna", 0.9), (2, "anna", "carl", 0.7), (3, "bert", "bert", 0.7),
    (4, "bert", "bert", 0.65), (5, "carl", "carl", 0.9), (6, "carl", "anna", -np.inf),
)  # fmt: skip


def test_comparison_by_hand() -> None:
    found = compare(BEFORE, AFTER, 0.5, 0.7)
    assert (found.probes, found.agreement) == (4, 0.5)
    assert (found.negative_flips, found.positive_flips) == (1, 1)
    assert found.mcnemar_p == 1.0
    assert found.intrusions == 1
    assert found.known_to_unknown == 2, "photo 2 became another, photo 4 fell below the threshold"
    assert (found.new_probes, found.new_right, found.old_right) == (2, 1, 3)
    document = found.as_document()
    assert document["churn"] == 0.5
    assert document["negative_flip_rate"] == 0.25
    assert (document["new_recall"], document["old_recall"]) == (0.5, 0.75)
    assert per_subject(BEFORE, AFTER) == {"anna": ((2, 2), (1, 2)), "bert": ((1, 2), (2, 2))}


def test_nobody_in_common() -> None:
    found = compare(BEFORE, searches((9, "dora", "dora", 1.0)), 0.5, 0.5)
    assert (found.probes, found.agreement, found.negative_flip_rate) == (0, 1.0, 0.0)


def test_matrix_forgetting_and_transfer_by_hand() -> None:
    history = [
        ("2026-01-09", {"2026-01-09": (9, 10)}),
        ("2026-01-10", {"2026-01-09": (10, 10), "2026-01-10": (4, 5)}),
        ("2026-01-11", {"2026-01-09": (8, 10), "2026-01-10": (5, 5), "2026-01-11": (1, 1)}),
    ]
    found = matrix(history)
    assert found.cohorts == ("2026-01-09", "2026-01-10", "2026-01-11")
    assert found.accuracy[2].tolist() == [0.8, 1.0, 1.0]
    assert np.isnan(found.accuracy[0, 1])
    # Best before: 1.0 and 0.8; last: 0.8 and 1.0.
    assert forgetting(found.accuracy) == pytest.approx(((1.0 - 0.8) + (0.8 - 1.0)) / 2)
    # Own night: 0.9 and 0.8; last: 0.8 and 1.0.
    assert backward_transfer(found.accuracy) == pytest.approx(((0.8 - 0.9) + (1.0 - 0.8)) / 2)


def test_one_night_forgets_nothing_yet() -> None:
    found = matrix([("2026-01-09", {"2026-01-09": (9, 10)})])
    assert forgetting(found.accuracy) is None
    assert backward_transfer(found.accuracy) is None


def test_more_than_a_hundred_cohorts_stay_in_order() -> None:
    days = [f"2026-{1 + d // 28:02}-{1 + d % 28:02}" for d in range(130)]
    history = [(day, dict.fromkeys(days[: t + 1], (1, 1))) for t, day in enumerate(days)]
    history[-1][1][days[7]] = (0, 1)
    found = matrix(history)
    assert list(found.cohorts) == days
    assert forgetting(found.accuracy) == pytest.approx(1 / 129)


def test_cohorts_are_by_day() -> None:
    days = {"anna": "2026-01-01", "bert": "2026-01-02", "carl": "2026-01-02"}
    assert by_cohort(AFTER, days) == {"2026-01-01": (1, 2), "2026-01-02": (3, 4)}
