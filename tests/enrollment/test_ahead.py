"""Photos of the next people are looked at while one is enrolled."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from enrollment.ahead import AT_ONCE, ahead
from enrollment.capture import Capture
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.photo import Photo
from enrollment.service import Service

Person = Callable[..., Enrollee]
PATIENCE = 60.0  # seconds


def test_results_come_in_order_while_the_next_are_under_way() -> None:
    free, begun = threading.Event(), threading.Semaphore(0)

    def work(item: int) -> int:
        begun.release()
        assert item != 0 or free.wait(PATIENCE)
        return item * item

    found = ahead(work, range(3 * AT_ONCE))
    got: list[tuple[int, int]] = []
    consumer = threading.Thread(target=lambda: got.extend(found))
    consumer.start()
    for _ in range(AT_ONCE):  # the first is not ready yet
        assert begun.acquire(timeout=PATIENCE)
    assert not got
    free.set()
    consumer.join(PATIENCE)
    assert got == [(n, n * n) for n in range(3 * AT_ONCE)]


def test_an_error_is_raised_when_its_turn_comes() -> None:
    found = ahead(lambda n: 1 // (n - 3), range(20))
    assert [item for item, _ in (next(found) for _ in range(3))] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_who_stops_asking_ends_the_work() -> None:
    done: list[int] = []
    found = ahead(done.append, range(1000))
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert len(done) <= 3 * AT_ONCE
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]


def opened(person: Enrollee, log: list[str]) -> Enrollee:
    """This person, with photos that tell when they are read."""

    def telling(photo: Photo) -> Photo:
        def read() -> bytes:
            log.append(person.name)
            return photo.read()

        return replace(photo, read=read)

    return replace(person, photos=tuple(map(telling, person.photos)))


def test_the_next_people_are_looked_at_meanwhile(service: Service, person: Person) -> None:
    log: list[str] = []
    people = [opened(person(n), log) for n in range(12)]
    reports = service.enroll(people, "yes", allow_collision)
    first = next(reports)
    assert first.accepted == 3
    assert set(log) <= {p.name for p in people[:4]}, "no more of them than a few"
    assert [report.accepted for report in reports] == [3] * 11
    assert len(log) == 36, "each photo is looked at once"


def test_nobody_is_looked_at_who_has_not_consented(service: Service, person: Person) -> None:
    log: list[str] = []
    reports = list(service.enroll([opened(person(n), log) for n in range(4)]))
    assert not any(report.enrolled for report in reports)
    assert log == []


def test_a_photo_that_is_enrolled_is_not_embedded_again(
    service: Service, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(service.enroll([person(1)], "yes"))
    seen: list[int] = []
    faces = Capture.faces
    monkeypatch.setattr(
        Capture, "faces", lambda self, images: seen.append(len(images)) or faces(self, images)
    )
    (report,) = service.enroll([person(1, range(4))], "yes")
    assert (len(report.samples), report.accepted, seen) == (4, 1, [1])


def test_who_is_erased_while_their_photos_are_looked_at_is_looked_at_again(
    service: Service, person: Person
) -> None:
    """They were there when the look ahead began, so it left their photos alone."""
    (before,) = service.enroll([person(5)], "yes")
    again = person(5)
    people = [*(person(n) for n in range(4)), again]
    for report in service.enroll(people, "yes", allow_collision):
        if report.name == "Person 2":  # the look at the last one's photos has begun
            assert before.subject_id is not None
            service.erase(before.subject_id)
    assert report.created
    assert [s.templates for s in service.people() if s.name == again.name] == [3]
