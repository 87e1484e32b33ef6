"""The protocol and the definitions; what is trained is marked slow."""

from dataclasses import replace

import numpy as np
import pytest

from enrollment.calibration import leave_subjects_out, operating_point
from enrollment.errors import BadInput
from enrollment.stream import METHODS, Stream, make_stream, play
from enrollment.stream_result import (
    NOBODY,
    Answers,
    MethodResult,
    Night,
    Tally,
    accuracy_matrix,
    backward_transfer,
    beside_joint,
    forgetting,
    measure,
    paired_bootstrap,
    threshold_at,
)
from models.head import imprint
from models.head_trainer import unit_rows

D = 24
PRIOR = 0.6
UNTRAINED = ("imprint", "nearest", "slda", "served")


def vectors_of(subject: int, n: int, noise: float = 0.7) -> np.ndarray:
    centre = np.random.default_rng([7, subject]).normal(size=D)
    spread = np.random.default_rng([8, subject]).normal(size=(n, D)) * noise
    return unit_rows((centre + spread).astype(np.float32))


def people(count: int, noise: float = 0.7) -> dict[str, np.ndarray]:
    """Sparse ids; 4 to 16 photos each."""
    return {f"subject-{17 * i + 5}": vectors_of(i, 4 + (5 * i) % 13, noise) for i in range(count)}


def strangers(count: int) -> np.ndarray:
    return np.concatenate([vectors_of(10_000 + i, 1) for i in range(count)])


def stream_of(count: int, nights: int, seed: int = 0, noise: float = 0.7) -> Stream:
    return make_stream(people(count, noise), strangers(41), nights, seed)


# -- who comes when ------------------------------------------------------------------------------


def test_a_stream_is_a_partition() -> None:
    given = people(30) | {"few": vectors_of(99, 3), "none": vectors_of(98, 0)}
    stream = make_stream(given, strangers(41), 7, seed=3)
    assert sorted(stream.subject_ids) == sorted(people(30)), "who has fewer than 4 is left out"
    sizes = np.bincount(stream.arrivals)
    assert sizes[0] == 8
    assert sizes[1:].sum() == 22
    assert set(sizes[1:]) == {3, 4}
    assert (np.diff(stream.arrivals) >= 0).all()
    for owners in (stream.train_owners, stream.test_owners):
        assert (np.diff(owners) >= 0).all()
    for i, subject_id in enumerate(stream.subject_ids):
        n = len(given[subject_id])
        test = stream.test[stream.test_owners == i]
        train = stream.train[stream.train_owners == i]
        assert len(test) == max(1, round(0.3 * n))
        assert len(train) == min(10, n - len(test))
        drawn = {row.tobytes() for row in (*test, *train)}
        assert len(drawn) == len(test) + len(train), "no photo is in both"
        assert drawn <= {row.tobytes() for row in given[subject_id]}
    halves = np.concatenate([stream.calibration_strangers, stream.test_strangers])
    assert (len(stream.calibration_strangers), len(stream.test_strangers)) == (20, 21)
    assert {row.tobytes() for row in halves} == {row.tobytes() for row in strangers(41)}


def test_the_seed_decides() -> None:
    one, same, other = stream_of(20, 5, 1), stream_of(20, 5, 1), stream_of(20, 5, 2)
    reversed_ = make_stream(dict(reversed(people(20).items())), strangers(41), 5, seed=1)
    for again in (same, reversed_):
        assert again.subject_ids == one.subject_ids
        assert again.train.tobytes() == one.train.tobytes()
        assert again.test.tobytes() == one.test.tobytes()
        assert again.test_strangers.tobytes() == one.test_strangers.tobytes()
    assert other.subject_ids != one.subject_ids
    assert other.test_strangers.tobytes() != one.test_strangers.tobytes()


def test_a_lesson_knows_nobody_of_tomorrow() -> None:
    stream = stream_of(20, 5)
    champion = np.ones((stream.people(1), D), np.float32)
    lesson = stream.lesson(2, champion, np.ones(champion.shape))
    assert lesson.subject_ids == stream.subject_ids[: stream.people(2)]
    assert lesson.changed.sum() == stream.people(2) - stream.people(1) == 3
    assert np.array_equal(lesson.known, ~lesson.changed)
    assert lesson.importance is not None
    assert not lesson.importance[lesson.changed].any()
    assert lesson.owners.max() == stream.people(2) - 1
    assert list(stream.newcomers(2)) == list(lesson.subject_ids[stream.people(1) :])
    assert stream.people(-1) == 0


@pytest.mark.parametrize(
    ("count", "others", "nights", "says"),
    [
        (7, 41, 1, "at least 8"),
        (8, 1, 1, "1 photos of strangers"),
        (8, 0, 1, "at least 2"),
        (8, 41, 0, "at least 1 night"),
        (8, 41, 7, "at most 6 nights"),
    ],
)
def test_what_cannot_be_played(count: int, others: int, nights: int, says: str) -> None:
    few = strangers(others) if others else np.empty((0, D), np.float32)
    with pytest.raises(BadInput, match=says):
        make_stream(people(count), few, nights, seed=0)
    assert make_stream(people(8), strangers(2), 6, seed=0).nights == 6


# -- the definitions -----------------------------------------------------------------------------

NAN = np.nan


def test_forgetting_and_transfer_by_hand() -> None:
    falls = np.array([[1.0, NAN, NAN], [0.5, 0.8, NAN], [0.75, 0.6, 1.0]])
    assert forgetting(falls) == pytest.approx(((1 - 0.75) + (0.8 - 0.6)) / 2)
    assert backward_transfer(falls) == pytest.approx(((0.75 - 1) + (0.6 - 0.8)) / 2)
    # The best is not the first: forgetting is against the best, transfer against the first.
    rises = np.array([[0.5, NAN, NAN], [1.0, 0.8, NAN], [0.75, 0.9, 0.1]])
    assert forgetting(rises) == pytest.approx(((1 - 0.75) + (0.8 - 0.9)) / 2)
    assert backward_transfer(rises) == pytest.approx(((0.75 - 0.5) + (0.9 - 0.8)) / 2)
    one_night = np.array([[1.0, NAN], [0.25, 0.0]])
    assert forgetting(one_night) == pytest.approx(0.75)


def test_the_matrix_is_by_cohort() -> None:
    """Two people on the first day, with 2 and 1 photos; one each on nights 1 and 2."""
    cohorts = np.array([0, 0, 0, 1, 2, 2])
    right = [
        np.array([1, 1, 0], bool),
        np.array([1, 0, 0, 1], bool),
        np.array([1, 1, 1, 0, 1, 0], bool),
    ]
    expected = [[2 / 3, NAN, NAN], [1 / 3, 1, NAN], [1, 0, 0.5]]
    assert accuracy_matrix(right, cohorts) == pytest.approx(np.array(expected), nan_ok=True)


def night(best: list[int], scores: list[float], threshold: float | None = None) -> Night:
    strangers = np.linspace(0.0, 0.5, 11)  # with 11 of them, 1 % is nobody: above 0.5
    probes = Answers(np.array(best), np.array(scores))
    return Night(probes, strangers, strangers + 0.1, float(len(best)), 7.0, threshold)


def test_measures_by_hand() -> None:
    owners, arrivals = np.array([0, 0, 1, 2, 3]), np.array([0, 0, 1, 2])
    result = measure(
        "by hand",
        [
            night([0, 0, 0], [0.9, 0.9, 0.9], threshold=0.56),
            night([0, NOBODY, 1, 1], [0.52, -np.inf, 0.9, 0.9], threshold=0.51),
            night([1, 0, 1, 2, 3], [0.9, 0.51, 0.45, 0.55, 0.9], threshold=0.52),
        ],
        owners,
        arrivals,
    )
    assert result.accuracy_by_night == pytest.approx((2 / 3, 2 / 4, 4 / 5))
    assert result.accuracy == result.accuracy_by_night[-1]
    assert result.churn == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert result.negative_flips == pytest.approx((1 / 3 + 1 / 4) / 2)
    assert result.negative_flips_max == pytest.approx(1 / 3)
    assert result.tpir_at_fpir_1pct == pytest.approx(3 / 5), "right and above 0.5"
    assert result.fpir_at_1pct == pytest.approx(2 / 11), "0.55 and 0.6"
    assert result.tpir_at_fpir_0_1pct == pytest.approx(1 / 5), "right and above 0.6"
    assert result.seconds_per_night == pytest.approx(4.5), "without the first day"
    assert result.cpu_seconds_per_night == 7.0
    assert result.right.hits.tolist() == [1, 1, 1, 1]
    assert result.right.photos.tolist() == [2, 1, 1, 1]
    assert result.found.hits.tolist() == [1, 0, 1, 1]
    assert result.served is not None
    assert result.served.tpir == pytest.approx(2 / 5)
    # Night 1: of 3, the second was named and is nobody. Night 2: of 4, the third fell below.
    assert result.served.known_to_unknown == pytest.approx((1 / 3 + 1 / 4) / 2)
    assert result.served.known_to_unknown_max == pytest.approx(1 / 3)
    assert result.served.fpir_by_night == pytest.approx((1 / 11, 2 / 11, 2 / 11))
    assert result.served.fpir == pytest.approx(2 / 11)


def test_a_threshold_keeps_its_rate() -> None:
    scores = np.random.default_rng(0).normal(size=1000)
    for rate in (0.0, 0.001, 0.01, 0.5):
        assert (scores >= threshold_at(scores, rate)).mean() == pytest.approx(rate)
    tied = np.repeat([1.0, 2.0], 50)
    assert (tied >= threshold_at(tied, 0.1)).mean() == 0
    assert np.isfinite(threshold_at(np.full(100, -np.inf), 0.01)), "nobody is named at all"


def test_beside_joint() -> None:
    flat = measure("a", [night([0], [1]), night([0, 1], [1, 1])], np.arange(2), np.arange(2))
    joint = replace(flat, method="joint", bwt=-0.25, seconds_per_night=8.0)
    (alone,) = beside_joint([flat])
    assert (alone.bwt_minus_joint, alone.cost_ratio_to_joint) == (None, None)
    found, itself = beside_joint([flat, joint])
    assert found.bwt_minus_joint == pytest.approx(0.25)
    assert found.cost_ratio_to_joint == pytest.approx(0.25)
    assert (itself.bwt_minus_joint, itself.cost_ratio_to_joint) == (0, 1)


def test_the_bootstrap_is_paired_and_over_people() -> None:
    rng = np.random.default_rng(0)
    photos = rng.integers(1, 6, 200)
    ours = Tally(rng.binomial(photos, 0.9), photos)
    same = paired_bootstrap(ours, ours)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    theirs = Tally(np.maximum(ours.hits - (np.arange(200) < 20), 0), photos)
    found = paired_bootstrap(ours, theirs, draws=500, seed=1)
    assert found.value == pytest.approx(ours.rate - theirs.rate)
    assert 0 < found.low < found.value < found.high
    assert found == paired_bootstrap(ours, theirs, draws=500, seed=1)
    with pytest.raises(ValueError, match="same people"):
        paired_bootstrap(ours, Tally(ours.hits[:-1], photos[:-1]))


# -- playing -------------------------------------------------------------------------------------


def by_name(results: list[MethodResult]) -> dict[str, MethodResult]:
    return {result.method: result for result in results}


def test_more_than_a_hundred_cohorts() -> None:
    """Cohorts are numbers: as text, night 100 would come before night 20."""
    few_photos = {f"subject-{17 * i + 5}": vectors_of(i, 4) for i in range(150)}
    stream = make_stream(few_photos, strangers(41), 105, seed=0)
    ticks: list[None] = []
    names = ("imprint", "nearest", "slda")
    results = by_name(play(stream, names, PRIOR, lambda: ticks.append(None)))
    assert len(ticks) == len(names) * 106
    for result in results.values():
        assert len(result.accuracy_by_night) == 106
        assert result.accuracy > 0.8
        assert result.bwt_minus_joint is None
    for night in (0, 9, 10, 99, 100, 105):
        count = stream.people(night)
        rows = [imprint(stream.train[stream.train_owners == i], D) for i in range(count)]
        owners = stream.test_owners[stream.test_owners < count]
        best = (stream.probes(night) @ np.stack(rows).T).argmax(axis=1)
        expected = float((best == owners).mean())
        assert results["imprint"].accuracy_by_night[night] == pytest.approx(expected)


def test_served_asks_head_and_index_and_its_own_threshold() -> None:
    stream = stream_of(60, 10, noise=1.1)
    results = by_name(play(stream, UNTRAINED, PRIOR))
    served = results["served"]
    assert served.accuracy < results["imprint"].accuracy, "who is not agreed on is nobody"
    owners = [stream.subject_ids[i] for i in stream.train_owners]
    trials = leave_subjects_out(stream.train, owners)
    measured = operating_point(trials, 0.01, PRIOR, 0)
    assert served.served is not None
    away = abs(served.served.threshold - measured.threshold)
    assert 0 < away < measured.scale, "on its way to what was measured, and not far from it"
    assert measured.threshold >= PRIOR, "60 people cannot measure one in a hundred"
    assert served.served.tpir <= served.accuracy
    assert [name for name, result in results.items() if result.served] == ["served"]


def test_the_same_stream_gives_the_same_answers() -> None:
    first, again = (play(stream_of(24, 6), UNTRAINED, PRIOR) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        ours, theirs = one.as_document(), other.as_document()
        for document in (ours, theirs):
            del document["seconds_per_night"], document["cpu_seconds_per_night"]
        assert ours == theirs


def test_documents_have_the_contract_s_keys() -> None:
    keys = {
        "method", "accuracy", "forgetting", "bwt", "bwt_minus_joint", "churn", "negative_flips",
        "tpir_at_fpir_1pct", "tpir_at_fpir_0_1pct", "seconds_per_night", "cost_ratio_to_joint",
    }  # fmt: skip
    for result in play(stream_of(12, 3), UNTRAINED, PRIOR):
        assert keys <= result.as_document().keys()
        assert all(np.isfinite(v) for v in result.as_document().values() if isinstance(v, float))
    assert {
        "imprint", "naive", "rehearsal_k1", "rehearsal_k3", "rehearsal_k5", "rehearsal_k3_ewc",
        "ewc", "rehearsal_k3_distill", "joint", "nearest", "slda", "ridge", "served",
    } <= set(METHODS)  # fmt: skip


def test_no_such_method() -> None:
    with pytest.raises(BadInput, match="no method 'magic'"):
        play(stream_of(12, 3), ["imprint", "magic"], PRIOR)


@pytest.mark.slow
def test_naive_forgets_and_the_others_do_not() -> None:
    """One newcomer a night: the protocol must show the disaster, and what prevents it."""
    kept = ("imprint", "ewc", "rehearsal_k3")
    stream = stream_of(64, 44, noise=0.9)
    results = by_name(play(stream, ("naive", *kept, "joint"), PRIOR))
    joint, naive = results["joint"], results["naive"]
    assert naive.accuracy < joint.accuracy - 0.2
    assert naive.forgetting > 0.2
    assert naive.bwt_minus_joint is not None
    assert naive.bwt_minus_joint < -0.2
    assert naive.negative_flips > 5 * joint.negative_flips
    for name in kept:
        assert results[name].accuracy > joint.accuracy - 0.06, name
        assert results[name].forgetting < 0.1, name
    assert results["imprint"].cost_ratio_to_joint is not None
    assert results["imprint"].cost_ratio_to_joint < 0.5


@pytest.mark.slow
def test_every_method_plays() -> None:
    results = play(stream_of(16, 2), METHODS, PRIOR)
    assert [result.method for result in results] == list(METHODS)
    assert all(result.accuracy > 0.8 for result in results)


@pytest.mark.slow
def test_training_is_the_same_again() -> None:
    names = ("naive", "rehearsal_k3_ewc", "rehearsal_k3_distill", "joint")
    first, again = (play(stream_of(16, 4, noise=1.0), names, PRIOR) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.accuracy_by_night == other.accuracy_by_night
        assert (one.churn, one.tpir_at_fpir_1pct) == (other.churn, other.tpir_at_fpir_1pct)
