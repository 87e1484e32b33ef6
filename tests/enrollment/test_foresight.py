"""What is said before anything is saved."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from enrollment.intake import Enrollee
from enrollment.outlook import MIN_PEOPLE, Scatter, find_rate, missing_views, scatter_of
from enrollment.photo import photo_bytes
from enrollment.quality import head_pose
from enrollment.service import Service
from tests import tiny


def photos_of(people: int, photos: int, spread: float, seed: int = 0, d: int = 48):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(people, d))
    rows = np.repeat(centres, photos, axis=0) + spread * rng.normal(size=(people * photos, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), [f"s{i // photos}" for i in range(people * photos)]


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7])
@pytest.mark.parametrize("photos", [1, 3, 6])
def test_what_is_said_comes_true(threshold: float, photos: int) -> None:
    spread = 1.0
    gallery, owners = photos_of(60, 4, spread)
    scatter = scatter_of(gallery, owners, np.zeros(len(gallery)))
    assert scatter is not None
    enrolled, _ = photos_of(60, photos, spread, seed=1)
    probes, _ = photos_of(60, 20, spread, seed=2)
    said, found = [], []
    for i in range(60):
        mine = enrolled[photos * i : photos * (i + 1)]
        row = mine.mean(axis=0)
        scores = probes[20 * i : 20 * (i + 1)] @ (row / np.linalg.norm(row))
        found.append((scores >= threshold).mean())
        said.append(find_rate(mine, np.zeros(photos), threshold, scatter))
    assert np.mean(said) == pytest.approx(np.mean(found), abs=0.1)


def test_more_and_more_alike_photos_promise_more() -> None:
    scatter = Scatter(0.5, np.linspace(-0.2, 0.2, 101))

    def said(photos: int, spread: float) -> float:
        rows, owners = photos_of(30, photos, spread)
        each = [rows[np.asarray(owners) == owner] for owner in dict.fromkeys(owners)]
        return float(np.mean([find_rate(r, np.zeros(photos), 0.6, scatter) for r in each]))

    assert said(1, 1.0) < said(3, 1.0) < said(10, 1.0)
    assert said(5, 1.5) < said(5, 1.0) < said(5, 0.5)


def test_too_few_people_say_nothing() -> None:
    vectors, owners = photos_of(MIN_PEOPLE - 1, 3, 1.0)
    assert scatter_of(vectors, owners, np.zeros(len(vectors))) is None
    single, owners = photos_of(40, 1, 1.0)
    assert scatter_of(single, owners, np.zeros(len(single))) is None


def test_views_that_are_missing() -> None:
    straight = "a view straight on"
    left, right = (
        "a view turned to the person's own left",
        "a view turned to the person's own right",
    )
    assert missing_views([]) == (straight, left, right)
    landmarks = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], np.float32)
    turned = landmarks.copy()
    turned[2, 0] += 10  # the nose points to the image's right: a camera sees us mirrored
    yaws = [head_pose(points)[0] for points in (landmarks, turned)]
    assert missing_views(yaws) == (right,)
    assert missing_views([-20.0, 3.0, 25.0]) == ()


@pytest.fixture
def company(service: Service, person: Callable[..., Enrollee]) -> Service:
    list(service.enroll([person(i) for i in range(MIN_PEOPLE)], "agreed"))
    return service


def test_a_verdict_in_numbers_and_nothing_saved(
    company: Service, person: Callable[..., Enrollee]
) -> None:
    generation = company._gallery.generation()
    verdict = company.preview(person(50, range(4)))
    outlook = verdict.outlook
    assert verdict.promising
    assert outlook.photos == 4
    assert outlook.find_rate is not None
    assert outlook.find_rate > 0.9
    assert outlook.nearest_name in {s.name for s in company.people()}
    assert "found about" in outlook.words
    assert "missing: a view turned to the person's own left" in outlook.words
    assert company._gallery.generation() == generation
    assert len(company.people()) == MIN_PEOPLE


def test_photos_of_different_people_promise_nothing(
    company: Service, person: Callable[..., Enrollee]
) -> None:
    mixed = replace(
        person(60, range(1)), photos=(*person(60, range(1)).photos, *person(61, range(1)).photos)
    )
    verdict = company.preview(mixed)
    assert not verdict.promising
    assert verdict.outlook.find_rate is None
    assert verdict.outlook.words == "no photo would be kept"


def test_somebody_who_is_enrolled_already(
    company: Service, person: Callable[..., Enrollee]
) -> None:
    renamed = replace(person(3, range(10, 13)), name="Somebody Else")
    verdict = company.preview(renamed)
    assert verdict.preview.collision is not None
    assert verdict.preview.collision.near.name == "Person 3"
    assert not verdict.promising
    added = company.preview(person(3, range(10, 12)))
    assert added.preview.existing is not None
    assert added.preview.collision is None
    assert added.outlook.photos == 5
    assert added.outlook.nearest_name != "Person 3"


def test_a_first_person(service: Service, person: Callable[..., Enrollee]) -> None:
    outlook = service.preview(person(1)).outlook
    assert (outlook.find_rate, outlook.nearest) == (None, None)
    assert "nobody can say yet" in outlook.words
    blank = photo_bytes("blank.png", tiny.png(tiny.picture()))
    nothing = service.preview(replace(person(1), photos=(blank,)))
    assert nothing.outlook.photos == 0
