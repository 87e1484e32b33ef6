from dataclasses import replace

import numpy as np
import pytest

from enrollment.calibration import leave_subjects_out, operating_point
from enrollment.cohort import (
    LEAST,
    MIN_STRANGERS,
    NEIGHBOURS,
    SHARE,
    Cohort,
    Kind,
    build_cohort,
    checked_kind,
    held_out_lowering,
    repeats,
)
from enrollment.cohort_file import (
    ShippedCohort,
    cohort_of,
    pack_cohort,
    shipped_cohort,
    unpack_cohort,
)
from enrollment.errors import BadInput
from enrollment.tail import tail_of

D = 24


def crowded(people: int, photos: int = 1, seed: int = 0, spread: float = 0.7) -> np.ndarray:
    """People of whom some are near to many: a common direction, in a share of its own each."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, D)) + rng.uniform(0, 6, (people, 1)) * np.eye(D)[0]
    rows = np.repeat(centres, photos, axis=0) + spread * rng.normal(size=(people * photos, D))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def cohort(strangers: np.ndarray, kind: Kind = Kind.CENTROIDS) -> Cohort:
    return build_cohort(strangers, kind, "backbone", 0.9, "tests", "2026-11-21")


def test_lowering_is_a_share_of_the_nearest() -> None:
    strangers = crowded(MIN_STRANGERS)
    made = cohort(strangers, Kind.VECTORS)
    probes = crowded(5, seed=1)
    expected = [SHARE * np.sort(p @ strangers.T)[-NEIGHBOURS:].mean() for p in probes]
    assert made.lowering(probes) == pytest.approx(expected, abs=1e-6)
    own = [
        SHARE * np.sort(np.delete(s @ strangers.T, i))[-NEIGHBOURS:].mean()
        for i, s in enumerate(strangers)
    ]
    assert made.own_lowering() == pytest.approx(own, abs=1e-6)


def test_centroids_are_nobody() -> None:
    strangers = crowded(90)
    made = cohort(strangers)
    assert made.vectors.shape == (90 // LEAST, D)
    assert (made.vectors @ strangers.T).max() < 0.999
    assert made.strangers == 90


def test_who_is_held_out_is_not_in_the_cohort() -> None:
    strangers = crowded(MIN_STRANGERS)
    inside = cohort(strangers, Kind.VECTORS).lowering(strangers)
    outside = held_out_lowering(strangers, Kind.VECTORS)
    assert (outside < inside - 0.02).all(), (
        "inside, each one's own cosine of 1 is among the nearest"
    )


def test_the_tail_is_that_of_strangers_who_were_held_out() -> None:
    strangers = crowded(600)
    made = cohort(strangers)
    others = crowded(2000, seed=3)
    scores = others @ crowded(400, seed=4).T - made.lowering(others)[:, None]
    for rate in (0.01, 0.003):
        reached = float((scores >= made.tail.threshold(1, rate)).mean())
        assert rate / 2 < reached < 2 * rate


def test_a_threshold_rises_with_the_gallery_and_with_a_stricter_wish() -> None:
    tail = tail_of(np.random.default_rng(0).exponential(size=10_000), 100)
    by_size = [tail.threshold(n, 0.01) for n in (1, 10, 100, 1000)]
    assert by_size == sorted(by_size)
    assert by_size[2] - by_size[1] == pytest.approx(tail.scale * np.log(10))
    assert tail.threshold(10, 0.001) == pytest.approx(tail.threshold(100, 0.01))
    assert tail.threshold(0, 0.5) == tail.start


def test_it_finds_more_at_the_same_rate_of_strangers() -> None:
    """What it is for: some faces are near to many, and a cohort knows which."""
    vectors, owners = crowded(120, 3, seed=5), [f"s{i // 3}" for i in range(360)]
    made = cohort(crowded(600, seed=6))
    found = {}
    for key, lowering in (("cosine", None), ("cohort", made.lowering)):
        trials = (
            leave_subjects_out(vectors, owners, lowering)
            if lowering
            else leave_subjects_out(vectors, owners)
        )
        point = operating_point(trials, 0.01, 0.0, 1)
        found[key] = 1 - (point.fnir or 0)
    assert found["cohort"] > found["cosine"] + 0.02


def test_too_few_strangers_and_kinds_that_are_none() -> None:
    with pytest.raises(BadInput, match="at least 60"):
        cohort(crowded(MIN_STRANGERS - 1))
    with pytest.raises(BadInput, match="centroids or vectors"):
        checked_kind("people")
    assert checked_kind("vectors") is Kind.VECTORS


def test_repeats_are_found_once() -> None:
    one, other, *_ = crowded(5)
    rows = np.stack([one, other, one, one])
    assert repeats(rows, 0.999).tolist() == [False, False, True, True]


def test_without_keeps_enough_to_compare_with() -> None:
    made = cohort(crowded(MIN_STRANGERS), Kind.VECTORS)
    some = np.arange(MIN_STRANGERS) < 3
    assert len(made.without(some).vectors) == MIN_STRANGERS - 3
    assert made.without(some).formula == made.formula, "the threshold is not measured anew for it"
    assert made.without(np.ones(MIN_STRANGERS, bool)) is made


def test_a_file_is_what_was_packed() -> None:
    made = cohort(crowded(300))
    golden = crowded(8, seed=9)
    content = pack_cohort(ShippedCohort(made, golden))
    assert np.array_equal(unpack_cohort(content).golden, golden)
    again = unpack_cohort(content).cohort
    probes = crowded(50, seed=7)
    assert again.lowering(probes) == pytest.approx(made.lowering(probes), abs=1e-3)
    same = replace(again, vectors=made.vectors, digest=made.digest)
    assert same.as_document() == made.as_document()
    for broken in (b"", b"PK", content[:200]):
        with pytest.raises(ValueError, match="cohort"):
            unpack_cohort(broken)
    with pytest.raises(KeyError):
        cohort_of(made.vectors, {"tail": {}})


def test_what_is_shipped_is_nobody_and_says_where_it_is_from() -> None:
    found = shipped_cohort("dlib-resnet")
    assert found is not None
    shipped = found.cohort
    assert shipped.kind is Kind.CENTROIDS
    assert len(shipped.vectors) * LEAST <= shipped.strangers
    assert "Labeled Faces in the Wild" in shipped.made_from
    assert shipped_cohort("vgg-face") is None
