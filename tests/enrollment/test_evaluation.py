"""Accuracy on people whose names are known, counted by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.evaluation import Plan, evaluate
from enrollment.intake import Enrollee
from enrollment.photo import Photo, photo_bytes
from tests import tiny


def faceless(name: str) -> Photo:
    return photo_bytes(name, tiny.png(tiny.picture()))


def test_counts_and_rates(
    settings: Settings, capture: Capture, person: Callable[..., Enrollee]
) -> None:
    nobody = Enrollee("Nobody", None, (faceless("a.png"),))
    swapped = person(5, range(50, 51), name="Person 4")
    plan = Plan(
        gallery=[*(person(n) for n in range(6)), nobody],
        mated=[*(person(n, range(50, 52)) for n in range(4)), swapped],
        strangers=[
            *(photo for n in range(20, 23) for photo in person(n, range(1)).photos),
            faceless("b.png"),
        ],
        max_fpir=0.05,
    )
    done: list[int] = []
    found = evaluate(settings, capture, plan, done.append)
    document = found.as_document()
    assert sum(done) == plan.photos == 19 + 9 + 4
    assert (document["n_subjects"], document["n_mated"], document["n_nonmated"]) == (7, 9, 4)
    assert document["not_enrolled"] == ["Nobody"]
    assert document["failure_to_enroll"] == pytest.approx(1 / 7)
    assert document["refused_photos"] == [{"source": "a.png", "reasons": ["no_face"]}]
    assert document["failure_to_acquire"] == pytest.approx(1 / 13)
    assert document["rank1"] == document["tpir"] == pytest.approx(8 / 9), "one name is wrong"
    assert document["fnir"] == pytest.approx(1 / 9)
    assert document["fpir"] == 0.0
    low, high = document["fpir_interval_95"]
    assert low == 0.0
    assert 0.4 < high < 0.7
    assert document["max_fpir"] == 0.05
    (confusion,) = document["confusions"]
    assert (confusion["expected"], confusion["got"]) == ("Person 4", "Person 5")
    assert np.isfinite(confusion["score"])
    assert not settings.home.exists(), "it leaves no gallery"
