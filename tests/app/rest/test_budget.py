"""What keeps a key from collecting answers until a template can be made of them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from app.rest.pace import Pace
from enrollment.api_keys import ENROLL, IDENTIFY, SCOPES
from enrollment.key_budget import KeyBudget
from enrollment.service import Service
from tests.app.rest.conftest import Ask, photo, photos
from tests.app.rest.test_subjects import enroll

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(service: Service, clock: Clock) -> KeyBudget:
    return KeyBudget(service._gallery, now=clock)


def fail(budget: KeyBudget, key) -> bool:
    admission = budget.admit(key)
    if admission.admitted:
        budget.settle(key, named=0, unnamed=1)
    return admission.admitted


def test_five_are_free_then_each_waits_and_fifty_stop(
    service: Service, budget: KeyBudget, clock: Clock
) -> None:
    key, _ = service.api_keys.add("a")
    assert [fail(budget, key) for _ in range(6)] == [True] * 5 + [False]
    assert budget.admit(key).wait == pytest.approx(30)
    answered = 5
    while answered < 50:
        clock.at += timedelta(seconds=29)
        assert not fail(budget, key)
        clock.at += timedelta(seconds=1)
        assert fail(budget, key)
        answered += 1
    clock.at += timedelta(hours=1)
    assert budget.admit(key).stopped
    later = KeyBudget(service._gallery, now=clock)
    assert later.admit(key).stopped, "a restart forgets nothing"
    later.resume(key)
    assert later.admit(key).admitted


def test_somebody_named_ends_the_row_and_no_face_is_no_failure(
    service: Service, budget: KeyBudget
) -> None:
    key, _ = service.api_keys.add("a")
    for _ in range(4):
        fail(budget, key)
    for _ in range(20):
        assert budget.admit(key).admitted
        budget.settle(key, named=0, unnamed=0)
    assert budget.admit(key).admitted
    budget.settle(key, named=1, unnamed=0)
    assert [fail(budget, key) for _ in range(6)] == [True] * 5 + [False]


def test_many_at_once(service: Service, budget: KeyBudget, clock: Clock) -> None:
    key, _ = service.api_keys.add("a")
    assert all(budget.admit(key).admitted for _ in range(12)), "a busy door"
    for _ in range(12):
        budget.settle(key, named=1, unnamed=0)
    for _ in range(5):
        fail(budget, key)
    clock.at += timedelta(seconds=30)
    assert [budget.admit(key).admitted for _ in range(4)] == [True, False, False, False]


def test_every_face_of_a_photo_counts(service: Service, budget: KeyBudget) -> None:
    key, _ = service.api_keys.add("a", daily=10)
    assert budget.admit(key).admitted
    budget.settle(key, named=1, unnamed=7)
    assert budget.admit(key).wait == pytest.approx(30), "a colleague beside them excuses nobody"
    other, _ = service.api_keys.add("b", daily=10)
    assert budget.admit(other).admitted
    budget.settle(other, named=10, unnamed=0)
    assert budget.admit(other).wait == pytest.approx(12 * 3600)


def test_a_days_budget(service: Service, budget: KeyBudget, clock: Clock) -> None:
    key, _ = service.api_keys.add("a", daily=2)
    other, _ = service.api_keys.add("b")
    for _ in range(2):
        assert budget.admit(key).admitted
        budget.settle(key, named=1, unnamed=0)
    assert budget.admit(key).wait == pytest.approx(12 * 3600)
    assert budget.admit(other).admitted
    clock.at += timedelta(hours=12)
    assert budget.admit(key).admitted


def test_over_http(ask: Ask, service: Service) -> None:
    enroll(ask(*SCOPES), "Ada", 1)
    client = ask(IDENTIFY)
    for number in range(5):
        assert client.post("identify", files=photo(9, number)).status_code == 200
    refused = client.post("identify", files=photo(9, 5))
    assert refused.status_code == 429
    assert 25 <= int(refused.headers["retry-after"]) <= 30
    assert client.post("verify", files=photo(1), data={"name": "Ada"}).status_code == 429
    key = service.api_keys.named("test 1")
    service._gallery.use_key(key.key_id, lambda use: type(use)(use.day, use.asked, 50, use.last_at))
    stopped = client.post("identify", files=photo(1))
    assert (stopped.status_code, "resume" in stopped.json()["detail"]) == (403, True)
    service.key_budget.resume(key)
    assert client.post("identify", files=photo(1)).json()["faces"][0]["decision"] == "known"


def test_collisions_of_an_enrolling_key_are_questions(ask: Ask, service: Service) -> None:
    enroll(ask(*SCOPES), "Ada Lovelace", 1)
    client, form = ask(ENROLL), {"name": "Somebody Else", "consent": "agreed"}

    def attempt(person: int, numbers: range) -> int:
        answer = client.post("subjects", data=form, files=photos(person, numbers))
        assert "Ada" not in answer.text
        assert not re.search(r"0\.\d", str([
            (s["reasons"], s["message"]) for subject in answer.json().get("subjects", [])
            for s in subject["samples"]
        ]))  # fmt: skip
        return answer.status_code

    assert attempt(1, range(10, 14)) == 200
    assert attempt(1, range(14, 15)) == 200
    assert attempt(1, range(15, 16)) == 429
    key = service.api_keys.named("test 1")
    kept = service._gallery.use_key(key.key_id, lambda before: None)
    assert (kept.asked, kept.failed) == (5, 5)
    service.key_budget.resume(key)
    assert attempt(2, range(3)) == 201
    assert service._gallery.use_key(key.key_id, lambda before: None).asked == 5, "nothing was told"


def test_photos_said_to_be_somebodys_are_questions(ask: Ask, service: Service) -> None:
    ada = enroll(ask(*SCOPES), "Ada", 1)
    client = ask(ENROLL)
    for number in range(5):
        answer = client.post(f"subjects/{ada}/samples", files=photos(9, range(number, number + 1)))
        (sample,) = answer.json()["subjects"][0]["samples"]
        assert sample["reasons"] == ["not_this_person"]
        assert not re.search(r"\d", sample["message"])
    assert client.post(f"subjects/{ada}/samples", files=photos(1, range(9))[3:5]).status_code == 429
    service.key_budget.resume(service.api_keys.named("test 1"))
    for _ in range(2):
        answer = client.post(f"subjects/{ada}/samples", files=photos(1, range(3, 4)))
        assert answer.status_code == 200
    (sample,) = answer.json()["subjects"][0]["samples"]
    assert (sample["reasons"], "." in sample["message"]) == (["duplicate_photo"], False)


def test_an_error_of_ours_is_counted_as_no_failure(
    everything: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a name: Ada")

    monkeypatch.setattr(service, "identify", fails)
    for _ in range(7):
        answer = everything.post("identify", files=photo(1))
        assert (answer.status_code, "Ada" in answer.text) == (500, False)


def test_a_key_that_is_too_fast_waits() -> None:
    now = 0.0
    pace = Pace(a_second=10, at_once=3, clock=lambda: now)
    assert [pace.wait("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.1)]
    assert pace.wait("b") == 0
    now = 0.1
    assert [pace.wait("a"), pace.wait("a")] == [0, pytest.approx(0.1)]
