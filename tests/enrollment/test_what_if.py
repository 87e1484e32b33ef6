"""What another rate would give, without keeping anything."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from enrollment.calibration import (
    LEAST_SUBJECTS,
    MAX_TRIALS,
    Needed,
    leave_subjects_out,
    needed_for,
    operating_point,
    stranger_trials,
)
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.measurement import Measurement
from enrollment.service import Service
from enrollment.tail import Tail
from enrollment.what_if import WhatIf, what_if
from tests.enrollment.test_calibration import company

CONSENT = "agreed"


@pytest.fixture(scope="module")
def measurement() -> Measurement:
    return Measurement(leave_subjects_out(*company(120, 3, spread=1.2)), 7, prior=0.0)


def asked(measurement: Measurement, rate: float, present: float = 0.05) -> WhatIf:
    return what_if(measurement, measurement.point(present)[0], rate)


def test_now_and_then_are_counted_on_the_same_searches(measurement: Measurement) -> None:
    found = asked(measurement, 0.2)
    now, then = found.now, found.then
    assert (now.max_fpir, then.max_fpir) == (0.05, 0.2)
    assert then.threshold < now.threshold
    assert (then.measured_fpir or 0) > (now.measured_fpir or 0)
    assert (then.fnir or 0) < (now.fnir or 0)
    assert then == measurement.point(0.2)[0]


def test_who_is_found_otherwise_is_counted_by_person(measurement: Measurement) -> None:
    found = asked(measurement, 0.01)
    trials = measurement.left_out
    assert trials.mated_of is not None
    assert 0 < len(found.changed) <= 10
    for change in found.changed:
        own = trials.mated[trials.mated_of == change.subject_id]
        assert change.photos == len(own) == 3
        assert change.now == (own >= found.now.threshold).sum()
        assert change.then == (own >= found.then.threshold).sum() < change.now
    lost = [change.now - change.then for change in found.changed]
    assert lost == sorted(lost, reverse=True)
    looser = asked(measurement, 0.2)
    assert all(change.then > change.now for change in looser.changed)
    assert asked(measurement, 0.05).changed == ()


def test_who_would_be_taken_for_whom(measurement: Measurement) -> None:
    found = asked(measurement, 0.2)
    trials = measurement.left_out
    assert trials.named is not None
    assert trials.nonmated_of is not None
    assert found.mistaken
    for pair in found.mistaken:
        these = (trials.nonmated_of == pair.one) & (trials.named == pair.other)
        assert pair.then == (trials.nonmated[these] >= found.then.threshold).sum() >= pair.now
    assert len(asked(measurement, 0.002).mistaken) < len(found.mistaken)


def test_the_distribution_holds_every_search(measurement: Measurement) -> None:
    scores = asked(measurement, 0.05).scores
    trials = measurement.left_out
    assert scores is not None
    assert len(scores.edges) == len(scores.strangers) + 1 == len(scores.enrolled) + 1
    nobody = np.average(np.isinf(trials.nonmated), weights=trials.weights)
    assert scores.strangers.sum() + nobody == pytest.approx(1)
    assert scores.enrolled.sum() + np.isinf(trials.mated).mean() == pytest.approx(1)


def test_one_person_leaves_nothing_to_count() -> None:
    alone = Measurement(leave_subjects_out(*company(1, 3)), 1, prior=0.6)
    found = asked(alone, 0.01)
    assert (found.scores, found.changed, found.mistaken) == (None, (), ())
    assert found.then.threshold == 0.6
    assert found.needed == Needed(99, 300)


# -- what is missing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("people", "photos", "rate"), [(40, 3, 0.01), (120, 1, 0.01), (110, 3, 0.005)]
)
def test_as_many_more_as_are_said_and_no_fewer(people: int, photos: int, rate: float) -> None:
    def promise(number: int) -> str:
        return operating_point(leave_subjects_out(*company(number, photos)), rate, 0.0, 1).promise

    assert promise(people) == "not_enough_data"
    more = needed_for(rate, people, people * photos, None).people
    assert more is not None
    assert promise(people + more) == "kept"
    assert promise(people + more - 1) == "not_enough_data"


def test_strangers_photos_do_where_no_number_of_people_does() -> None:
    rate = 1 / 2000
    needed = needed_for(rate, 5000, MAX_TRIALS, None)
    assert needed == Needed(None, 6000)
    trials = leave_subjects_out(*company(20, 3))
    scores = np.random.default_rng(0).normal(0.3, 0.05, needed.strangers)
    assert operating_point(stranger_trials(trials, scores), rate, 0.0, 1).promise == "kept"
    few = stranger_trials(trials, scores[:-1])
    assert operating_point(few, rate, 0.0, 1).promise == "not_enough_data"


def test_a_cohort_needs_fewer_people() -> None:
    tail = Tail(0.3, 0.05, 0.01, 100_000, strangers=600)
    assert needed_for(0.01, 8, 24, tail).people == LEAST_SUBJECTS - 8
    assert needed_for(0.001, 8, 24, tail).people == 1000 - 8, "the cohort is too small for it"
    # As many as the cohort needs are there, and they are too alike.
    assert needed_for(0.01, 50, 150, tail).people == 50


# -- of a real gallery ----------------------------------------------------------------------------


def test_asking_keeps_nothing_and_tells_what_using_it_gives(
    service: Service, person: Callable[..., Enrollee]
) -> None:
    list(service.enroll([person(i) for i in range(8)], CONSENT))
    list(service.enroll([replace(person(1, range(10, 13)), name="Twin")], CONSENT, allow_collision))
    before = service.operating_points()
    found = service.what_if(0.3)
    assert service.operating_points() == before
    assert service.operating_point().max_fpir == 0.01
    names = service.names([i for pair in found.mistaken for i in (pair.one, pair.other)])
    assert {"Person 1", "Twin"} <= set(names.values())
    assert service.calibrate(0.3) == found.then
    assert service.newest_operating_points(2) == service.operating_points()[-2:]
    with pytest.raises(BadInput):
        service.what_if(0)


def test_searches_are_made_once_a_generation(
    service: Service, person: Callable[..., Enrollee]
) -> None:
    list(service.enroll([person(i) for i in range(3)], CONSENT))
    calibrator = service._calibrator
    service.what_if(0.1)
    counted = calibrator._measurement()
    service.what_if(0.02)
    service.calibrate(0.02)
    assert calibrator._measurement() is counted
    list(service.enroll([person(3)], CONSENT))
    assert service.what_if(0.1).then.subjects == 4
    service.suspend("Person 3")
    assert service.what_if(0.1).then.subjects == 3


def test_a_face_that_was_said_no_to_is_nobody_who_could_be_left_out(
    service: Service, person: Callable[..., Enrollee]
) -> None:
    list(service.enroll([person(i) for i in range(4)], CONSENT))
    service.identify(person(1, range(77, 78)).photos[0], service.queue.doubt)
    (cluster,) = service.queue.clusters()
    service.review.ignore([cluster.cluster_id], not_who="Person 1")
    trials = service._calibrator._measurement().left_out
    assert trials.nonmated_of is not None
    assert trials.nonmated_of[-1] == ""
    assert len(trials.nonmated_of) == len(trials.nonmated)
    assert all(pair.one for pair in service.what_if(0.5).mistaken)


def test_an_empty_gallery_answers_too(service: Service) -> None:
    found = service.what_if(0.01)
    assert (found.then.promise, found.scores) == ("not_enough_data", None)
