"""The operating point of a real gallery: with a cohort, with negatives, from day to day."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from enrollment.calibration import LEAST_SUBJECTS, LOWEST, Trials, operating_point
from enrollment.capture import Capture
from enrollment.cohort import COSINE, Kind
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.opening import facts_of, write_gallery
from enrollment.photo import Photo, photo_bytes
from enrollment.service import Service, open_service
from enrollment.steadiness import steadied
from enrollment.tail import tail_of
from tests import databases, tiny
from tests.galleries import settings_of

CONSENT = "agreed"
RATE = 0.05  # few strangers are enough for it


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gallery of twelve, enrolled once: that takes longer than most tests."""
    home = tmp_path_factory.mktemp("enrolled") / "gallery"
    settings = settings_of(home, home.parent / "keys")
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    write_gallery(settings, facts_of(capture, "for tests", "required"))
    with open_service(settings, capture=capture) as service:
        people = [
            Enrollee(f"Person {i}", None, tuple(photo(i, number) for number in range(3)))
            for i in range(12)
        ]
        list(service.enroll(people, CONSENT))
    return home


@pytest.fixture
def company(enrolled: Path, settings: Settings, capture: Capture) -> Iterator[Service]:
    databases.copy_of(enrolled, settings.home)
    with open_service(settings, capture=capture) as service:
        yield service


def strangers(count: int, first: int = 1000) -> list[Photo]:
    return [stranger(i) for i in range(first, first + count)]


def stranger(person: int) -> Photo:
    return photo(person, 0)


@functools.cache
def photo(person: int, number: int) -> Photo:
    return photo_bytes(f"{person}-{number}.png", tiny.png(tiny.picture((person, number))))


def test_scores_and_threshold_change_together(company: Service) -> None:
    before = company.operating_point()
    (answer,) = company.identify(strangers(1, 5)[0])
    assert (before.score, answer.decision) == (COSINE, "known")
    report = company.build_cohort(strangers(90), Kind.CENTROIDS, "visitors")
    assert report.own
    after = company.operating_point()
    assert report.cohort is not None
    assert after.score == report.cohort.formula
    (again,) = company.identify(strangers(1, 5)[0])
    assert again.decision == "known"
    assert again.subject_id == answer.subject_id
    assert again.score is not None
    assert answer.score is not None
    assert again.score < answer.score - 0.05
    assert again.margin == pytest.approx(answer.margin)
    (unknown,) = company.identify(strangers(1, 5000)[0])
    assert unknown.decision == "unknown"
    assert company.verify(strangers(1, 5)[0], "Person 5").score == pytest.approx(again.score)
    dropped = company.drop_cohort()
    assert (dropped.cohort, company.operating_point().score) == (None, COSINE)


def test_nobody_who_is_enrolled_is_in_a_cohort(company: Service) -> None:
    photos = [*strangers(90), *strangers(2, 3), *strangers(4)]
    report = company.build_cohort(photos, Kind.VECTORS, "visitors")
    assert report.cohort is not None
    assert report.enrolled >= 2
    assert report.repeated >= 4
    left = report.cohort.vectors
    assert len(left) == len(photos) - report.enrolled - report.repeated
    enrolled = company._gallery.templates().vectors.reshape(12, 3, -1).mean(axis=1)
    assert (left @ enrolled.T).max() < tiny.TinyBackbone.priors.threshold
    assert np.tril(left @ left.T, -1).max() < tiny.TinyBackbone.priors.threshold
    with pytest.raises(BadInput, match="too few"):
        company.build_cohort(strangers(20), Kind.VECTORS, "visitors")


def test_who_enrolls_later_is_not_punished(
    company: Service, person: Callable[..., Enrollee]
) -> None:
    """Somebody who was a stranger of the cohort becomes a colleague."""
    company.build_cohort(strangers(110), Kind.VECTORS, "visitors")
    before = served(company)
    newcomer = int(np.flatnonzero((before @ company._embedded(strangers(1)).T) > 0.999)[0])
    list(company.enroll([person(1000, range(1, 4))], CONSENT))
    during = served(company)
    assert (during @ before[newcomer]).max() < 0.999
    assert len(during) < len(before)
    (answer,) = company.identify(strangers(1, 1000)[0])
    assert (answer.decision, answer.name) == ("known", "Person 1000")
    receipt = company.erase("Person 1000")
    assert receipt.erased_rows["cohort"] >= 1
    after = served(company)
    assert (after @ before[newcomer]).max() < 0.999, "nor is the stranger there who was erased"
    assert len(after) == len(before) - receipt.erased_rows["cohort"]


def served(company: Service) -> np.ndarray:
    cohort = company._roster.cohort()
    assert cohort is not None
    return cohort.vectors


def test_strangers_of_a_cohort_measure_the_threshold_too(
    company: Service, person: Callable[..., Enrollee]
) -> None:
    assert company.calibrate(RATE).promise == "not_enough_data"
    list(company.enroll([person(i) for i in range(12, LEAST_SUBJECTS)], CONSENT))
    company.build_cohort(strangers(110), Kind.VECTORS, "visitors")
    assert company.operating_point().promise == "kept"
    named = [company.identify(p)[0].decision == "known" for p in strangers(60, 3000)]
    assert np.mean(named) <= 2 * RATE


def test_a_small_gallery_leans_on_the_cohort(
    company: Service, person: Callable[..., Enrollee]
) -> None:
    company.calibrate(RATE)
    report = company.build_cohort(strangers(110), Kind.CENTROIDS, "visitors")
    few = company.operating_point()
    assert (few.promise, few.subjects) == ("not_enough_data", 12)
    list(company.enroll([person(i) for i in range(12, LEAST_SUBJECTS)], CONSENT))
    point = company.operating_point()
    assert point.promise == "kept"
    assert report.cohort is not None
    assert f"{report.cohort.strangers} strangers" in point.explanation
    assert company.calibrate(0.001).promise == "not_enough_data"


def test_people_who_are_all_alike_break_the_promise_aloud() -> None:
    """The cohort says one in a hundred; these people are taken for each other one in three."""
    tail = tail_of(np.random.default_rng(0).normal(0.1, 0.05, 100_000), 1000)
    scores = np.random.default_rng(1).normal(0.4, 0.1, 60)
    trials = Trials(scores, np.full(60, 1 / 3), np.full(60, 0.9), 20)
    point = operating_point(trials, 0.01, 0.0, 1, tail=tail, score="cohort")
    assert point.promise == "not_enough_data"
    assert (scores >= point.threshold).mean() <= 0.05
    unlike = replace(trials, nonmated=np.random.default_rng(1).normal(0.1, 0.05, 60))
    assert operating_point(unlike, 0.01, 0.0, 1, tail=tail, score="cohort").promise == "kept"


def test_one_person_has_a_threshold_too(service: Service, person: Callable[..., Enrollee]) -> None:
    list(service.enroll([person(1)], CONSENT))
    service.build_cohort(strangers(110), Kind.CENTROIDS, "visitors")
    assert service.operating_point().threshold > LOWEST
    assert service.identify(strangers(1, 1)[0])[0].decision == "known"
    named = [service.identify(p)[0].decision == "known" for p in strangers(40, 3000)]
    assert sum(named) <= 2


def test_whom_strangers_are_taken_for_is_listed_and_forgotten(
    service: Service, person: Callable[..., Enrollee]
) -> None:
    """Two who look alike are each other's false matches, until one is erased."""
    alike = replace(person(1, range(10, 13)), name="Her twin")
    list(service.enroll([person(i) for i in range(8)], CONSENT))
    list(service.enroll([alike], CONSENT, allow_collision))
    matches = service.point_document(service.calibrate(0.3))["false_matches"]
    assert isinstance(matches, list)
    assert {m["name"] for m in matches} == {"Person 1", "Her twin"}
    assert sum(m["share"] for m in matches) == pytest.approx(1)
    twin = next(m["subject_id"] for m in matches if m["name"] == "Her twin")
    service.erase("Her twin")
    history = [point for _, point in service.operating_points()]
    assert all(match.subject_id != twin for point in history for match in point.false_matches)
    assert any(point.false_matches for point in history)


def test_the_history_is_kept(company: Service) -> None:
    company.calibrate(0.02)
    company.calibrate(0.05)
    rates = [point.max_fpir for _, point in company.operating_points()]
    assert rates == [0.01, 0.02, 0.05]


def test_a_stranger_who_was_said_no_to_counts(company: Service) -> None:
    """A visitor who looks like somebody: the threshold learns of it, and forgets it again."""
    alike = photo_bytes("visitor.png", tiny.png(tiny.picture((3, 77))))
    before = company.calibrate(RATE)
    company.identify(alike, company.queue.doubt)
    (cluster,) = company.queue.clusters()
    company.review.ignore([cluster.cluster_id], not_who="Person 3")
    after = company.operating_point()
    assert after.n_nonmated == before.n_nonmated + 1
    assert len(company.operating_points()) >= 2
    (negative,) = company.review.negatives()
    company.review.forget([negative.negative_id])
    assert company.operating_point().n_nonmated == before.n_nonmated


def test_who_is_no_stranger_dilutes_nothing(company: Service) -> None:
    """Of a face that is not Person 4 it is only known that Person 4 is wrong; this one is 3's."""
    before = company.calibrate(RATE)
    company.identify(photo_bytes("x.png", tiny.png(tiny.picture((3, 78)))), company.queue.doubt)
    (cluster,) = company.queue.clusters()
    company.review.ignore([cluster.cluster_id], not_who="Person 4")
    assert company.operating_point().n_nonmated == before.n_nonmated


def test_a_kept_point_of_other_scores_does_not_serve(company: Service, settings: Settings) -> None:
    """As a gallery of the version before: a threshold for cosines, and scores that are none."""
    company.build_cohort(strangers(110), Kind.CENTROIDS, "visitors")
    point = company.operating_point()
    with company._gallery.change("test", raises_generation=False) as change:
        details = {**point.as_document(), "threshold": 0.99, "score": COSINE}
        for key in ("near_pairs", "false_matches", "measured_threshold", "head", "scale"):
            del details[key]
        change.add_operating_point(
            generation=point.generation, threshold=0.99, max_fpir=0.01, details=details
        )
    with open_service(settings, capture=Capture(tiny.TinyDetector(), tiny.TinyBackbone())) as again:
        assert again.operating_point().score == point.score
        assert again.operating_point().threshold < 0.9
        assert again.identify(strangers(1, 5)[0])[0].decision == "known"


def test_many_who_look_alike_are_not_waited_for() -> None:
    """A rise is bounded only while about as many strangers are named as was asked for."""
    rng = np.random.default_rng(0)
    trials = Trials(rng.normal(0.5, 0.05, 600), np.ones(600), np.full(60, 0.9), 200)
    measured = operating_point(trials, 0.01, 0.0, 1)
    held = steadied(measured, measured.threshold - 0.1 * measured.scale, trials)
    assert held.threshold < measured.threshold
    at_once = steadied(measured, measured.threshold - 2 * measured.scale, trials)
    assert at_once == measured
    lower = steadied(measured, measured.threshold + measured.scale, trials)
    assert lower.threshold > measured.threshold
    assert (lower.measured_fpir or 0) < 0.01


def test_a_cohort_of_vectors_promises_nothing_by_itself(company: Service) -> None:
    """Those of it who are near somebody were left out, so it cannot say how many there are."""
    asked = company.calibrate(0.005)
    assert asked.promise == "not_enough_data"
    company.build_cohort(strangers(110), Kind.VECTORS, "visitors")
    assert company.operating_point().promise == "not_enough_data"


def test_two_at_work_do_not_wait_for_each_other(
    company: Service, person: Callable[..., Enrollee]
) -> None:
    """Enrolling asks the roster inside its transaction, while searches ask the gallery."""
    change, inside = company._gallery.change, threading.Event()

    @contextmanager
    def slow_change(*arguments, **options):
        with change(*arguments, **options) as opened:
            inside.set()
            time.sleep(0.3)  # long enough for the search to take its first lock
            yield opened

    company._gallery.change = slow_change
    newcomers = [person(20)]
    enrolling = threading.Thread(
        target=lambda: list(company.enroll(newcomers, CONSENT)), daemon=True
    )
    searching = threading.Thread(target=lambda: company.identify(strangers(1, 5)[0]), daemon=True)
    enrolling.start()
    assert inside.wait(60)
    searching.start()
    for thread in (enrolling, searching):
        thread.join(60)
        assert not thread.is_alive()


def test_erasing_needs_no_backbone(company: Service, settings: Settings) -> None:
    def closed() -> Capture:
        raise BadInput("the models are not here")

    with open_service(settings) as without:
        without._open_models = closed
        receipt = without.erase("Person 5")
    assert receipt.negative_test["found"] == 0
