import numpy as np
import pytest

from enrollment.calibration import (
    interval_95,
    leave_subjects_out,
    operating_point,
    stranger_trials,
    threshold_for,
)


def company(people: int, photos: int, d: int = 48, spread: float = 0.9, seed: int = 0):
    """Embeddings of people whose centres are random and whose photos scatter around them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, d))
    vectors = np.repeat(centres, photos, axis=0) + spread * rng.normal(size=(people * photos, d))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), [f"s{i // photos}" for i in range(people * photos)]


def brute_force(vectors: np.ndarray, owners: list[str]) -> tuple[list[float], list[float]]:
    """Leave-one-subject-out as its definition reads, one search at a time."""

    def best(probe: np.ndarray, rest: list[int]) -> tuple[str, float]:
        names = sorted({owners[i] for i in rest})
        rows = {n: vectors[[i for i in rest if owners[i] == n]].mean(axis=0) for n in names}
        cosines = {n: float(probe @ r / np.linalg.norm(r)) for n, r in rows.items()}
        top = max(names, key=lambda n: cosines[n])
        nearest = owners[max(rest, key=lambda i: float(vectors[i] @ probe))]
        return top, cosines[top] if nearest == top else -np.inf

    nonmated, mated = [], []
    for i, owner in enumerate(owners):
        others = [j for j in range(len(owners)) if owners[j] != owner]
        nonmated.append(best(vectors[i], others)[1])
        rest = [j for j in range(len(owners)) if j != i]
        top, score = best(vectors[i], rest)
        mated.append(score if top == owner else -np.inf)
    return nonmated, mated


def test_leaving_out_is_what_it_says() -> None:
    vectors, owners = company(12, 3, spread=1.2)
    trials = leave_subjects_out(vectors, owners)
    nonmated, mated = brute_force(vectors, owners)
    assert trials.nonmated == pytest.approx(nonmated, abs=1e-5)
    assert trials.mated == pytest.approx(mated, abs=1e-5)
    assert trials.weights.sum() == pytest.approx(12)
    assert np.isinf(trials.nonmated).any(), "some searches must disagree, or nothing is tested"


def test_people_with_one_photo_have_no_mated_search() -> None:
    vectors, owners = company(5, 1)
    trials = leave_subjects_out(vectors, owners)
    assert (len(trials.nonmated), len(trials.mated)) == (5, 0)
    one = leave_subjects_out(vectors[:1], owners[:1])
    assert len(one.nonmated) == 0
    point = operating_point(one, 0.01, 0.6, 1)
    assert (point.threshold, point.promise, point.fnir) == (0.6, "not_enough_data", None)


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_the_rate_holds_for_people_never_seen(rate: float) -> None:
    """Asked for a rate on 300 people; measured on 4,000 strangers of the same world."""
    vectors, owners = company(300, 3)
    point = operating_point(leave_subjects_out(vectors, owners), rate, 0.0, 7)
    assert (point.promise, point.generation) == ("kept", 7)
    strangers, _ = company(4000, 1, seed=1)
    rows = vectors.reshape(300, 3, -1).mean(axis=1)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = strangers @ rows.T
    agree = (strangers @ vectors.T).argmax(axis=1) // 3 == cosines.argmax(axis=1)
    named = (cosines.max(axis=1) >= point.threshold) & agree
    low, high = interval_95(int(named.sum()), 4000)
    assert low <= rate
    assert high >= rate / 4, "far too strict costs the enrolled"


def test_not_enough_data_takes_the_stricter() -> None:
    trials = leave_subjects_out(*company(40, 3))
    measured, _ = threshold_for(trials.nonmated, trials.weights, 0.01)
    strict = operating_point(trials, 0.01, measured + 0.1, 1)
    assert (strict.promise, strict.threshold) == ("not_enough_data", measured + 0.1)
    assert "100 subjects" in strict.explanation
    loose = operating_point(trials, 0.01, measured - 0.1, 1)
    assert loose.threshold == pytest.approx(measured)
    rarer = operating_point(trials, 0.001, measured + 0.1, 1)
    assert rarer.threshold > strict.threshold


def test_a_rate_that_the_searches_cannot_carry() -> None:
    trials = leave_subjects_out(*company(120, 3))
    assert operating_point(trials, 0.01, 0.0, 1).promise == "kept"
    assert operating_point(trials, 0.001, 0.0, 1).promise == "not_enough_data"


def test_real_strangers_replace_left_out_subjects() -> None:
    trials = leave_subjects_out(*company(5, 3))
    scores = np.random.default_rng(0).normal(0.3, 0.05, 1000)
    point = operating_point(stranger_trials(trials, scores), 0.01, 0.0, 1)
    assert point.promise == "kept"
    assert (scores >= point.threshold).mean() < 0.02
    assert operating_point(stranger_trials(trials, scores[:50]), 0.01, 0.9, 1).threshold >= 0.9


def test_thresholds_are_monotone_in_the_rate() -> None:
    trials = leave_subjects_out(*company(150, 3))
    rates = (0.001, 0.01, 0.05, 0.2, 0.5)
    found = [threshold_for(trials.nonmated, trials.weights, r)[0] for r in rates]
    assert found == sorted(found, reverse=True)


def test_interval_is_clopper_and_pearsons() -> None:
    assert interval_95(0, 300)[1] == pytest.approx(1 - 0.025 ** (1 / 300))
    assert interval_95(12, 1200) == pytest.approx((0.005177, 0.017403), abs=1e-5)
