"""A real PostgreSQL server that is stopped and started again while its gallery is asked."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.rest.api import mounted
from app.rest.pace import Pace
from enrollment.api_keys import SCOPES
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.intake import Enrollee
from enrollment.opening import write_gallery
from enrollment.photo import photo_bytes
from enrollment.service import Service, open_service
from store.errors import DatabaseAway
from store.gallery import new_gallery_id
from tests import databases
from tests.app.rest.conftest import photo, photos, png
from tests.conftest import facts_for_tests

pytestmark = pytest.mark.slow
BRIEFLY = timedelta(seconds=3)


@pytest.fixture(scope="module")
def server() -> Iterator[databases.Server]:
    with databases.server() as made:
        yield made


@pytest.fixture
def theirs(server: databases.Server, settings: Settings) -> Iterator[Settings]:
    """A gallery on it. Whatever became of the test, the next one finds it running."""
    theirs = replace(settings, database=server.url("faces_{gallery}"))
    made = replace(facts_for_tests("required"), gallery_id=new_gallery_id())
    write_gallery(theirs, made)
    yield theirs
    server.start()


@pytest.fixture
def staff(theirs: Settings, capture: Capture, person: Callable[..., Enrollee]) -> Iterator[Service]:
    with open_service(theirs, capture=capture) as service:
        list(service.enroll([person(1), person(2)], "agreed"))
        yield service


def client(service: Service, secret: str | None = None) -> TestClient:
    if secret is None:
        _, secret = service.api_keys.add("test", SCOPES)
    return TestClient(
        Starlette(routes=[mounted(service, Pace(1e6, 1e6))]),
        base_url="http://127.0.0.1/api/v1",
        headers={"Authorization": f"Bearer {secret}"},
        raise_server_exceptions=False,
    )


def back(server: databases.Server, service: Service) -> None:
    server.start()
    until = time.monotonic() + 10
    while service.reached.away is not None:
        assert time.monotonic() < until, "it does not find its database again"
        time.sleep(0.05)


def test_reading_goes_on_and_writing_waits(server: databases.Server, staff: Service) -> None:
    with client(staff) as asked:
        before = asked.post("/identify", files=photo(1)).json()
        assert before["faces"][0]["name"] == "Person 1"
        assert not before["from_memory"]
        assert asked.get("/ready").json() == {"status": "ready"}
        server.stop()

        times = []
        for _ in range(20):
            began = time.perf_counter()
            answer = asked.post("/identify", files=photo(1))
            times.append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.text
            assert answer.json() == before | {"from_memory": True}
        assert sorted(times)[10] < 0.5, times  # nobody waits for what is away
        assert asked.get("/health").status_code == 200
        ready = asked.get("/ready").json()
        assert ready["status"] == "from_memory"
        assert 0 < ready["seconds_left"] <= 300
        said = asked.get("/metrics").text
        assert "rollcall_database_up 0.0" in said
        assert "rollcall_people" not in said

        began = time.monotonic()
        form = {"name": "Carol", "consent": "agreed"}
        refused = asked.post("/subjects", data=form, files=photos(3))
        assert time.monotonic() - began < 20
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        assert "cannot be reached" in refused.json()["detail"]

        back(server, staff)
        assert asked.post("/identify", files=photo(1)).json() == before
        assert asked.get("/ready").json()["status"] == "ready"
        assert "rollcall_database_up 1.0" in asked.get("/metrics").text
        assert asked.post("/subjects", data=form, files=photos(3)).status_code in (200, 201)
        assert asked.post("/identify", files=photo(3)).json()["faces"][0]["name"] == "Carol"
    found = staff.verify_gallery()
    assert found.sound
    assert found.templates == 9


def test_what_a_key_asked_meanwhile_is_counted(server: databases.Server, staff: Service) -> None:
    _, secret = staff.api_keys.add("door", daily=10)
    with client(staff, secret) as asked:
        assert asked.post("/identify", files=photo(1)).status_code == 200
        server.stop()
        statuses = [asked.post("/identify", files=photo(1)).status_code for _ in range(12)]
        assert statuses == [200] * 9 + [429] * 3
        back(server, staff)
        assert asked.post("/identify", files=photo(1)).status_code == 429, "counted by the database"


def test_who_was_not_known_before_gets_nowhere(server: databases.Server, staff: Service) -> None:
    known, fresh = staff.api_keys.add("known")[1], staff.api_keys.add("fresh")[1]
    with client(staff, known) as first, client(staff, fresh) as other, client(staff, "x") as none:
        assert first.post("/identify", files=photo(1)).status_code == 200
        server.stop()
        assert first.post("/identify", files=photo(1)).status_code == 200
        assert other.post("/identify", files=photo(1)).status_code == 503
        stranger = none.post("/identify", files=photo(1))
        assert stranger.status_code == 503
        for answer in (stranger, other.get("/subjects")):
            assert str(server.data) not in answer.text, "nobody is told where the database is"
            assert "postgres" not in answer.text.lower()
        server.start()


def test_a_text_that_postgresql_does_not_hold_is_no_damage(staff: Service) -> None:
    """SQLite takes a NUL; whoever sent one was told to restore a backup."""
    form = {"name": "Carol", "consent": "agreed\0"}
    with client(staff) as asked:
        answers = [
            asked.get("/subjects?search=%00"),
            asked.get("/audit?action=%00"),
            asked.post("/verify", files=photo(1), data={"name": "\0"}),
            asked.post("/subjects", files=photos(3), data=form),
        ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert "damaged" not in "".join(answer.text for answer in answers)
    assert staff.sessions.sign_in("\0", "x").token is None
    assert staff.reached.state == "there"
    assert staff.verify_gallery().sound


def test_memory_ends(
    server: databases.Server,
    theirs: Settings,
    capture: Capture,
    person: Callable[..., Enrollee],
) -> None:
    with open_service(replace(theirs, without_database=BRIEFLY), capture=capture) as service:
        list(service.enroll([person(1)], "agreed"))
        with client(service) as asked:
            assert asked.post("/identify", files=photo(1)).status_code == 200
            server.stop()
            assert asked.post("/identify", files=photo(1)).json()["from_memory"]
            time.sleep(BRIEFLY.total_seconds() + 0.2)
            answer = asked.post("/identify", files=photo(1))
            assert answer.status_code == 503
            assert "Person" not in answer.text
            assert asked.get("/ready").status_code == 503
            assert service.reached.state == "away"
            back(server, service)
            again = asked.post("/identify", files=photo(1))
            assert again.status_code == 200, again.text
            assert again.json()["faces"][0]["name"] == "Person 1"


def test_a_write_waits_for_a_short_absence(
    server: databases.Server, staff: Service, person: Callable[..., Enrollee]
) -> None:
    server.stop()
    with pytest.raises(DatabaseAway):
        staff.people()
    server.start()
    (report,) = staff.enroll([person(4)], "agreed")  # at once: it waits for the look-out
    assert report.accepted == 3


def test_who_is_erased_elsewhere_meanwhile_is_known_when_it_is_back(
    server: databases.Server, theirs: Settings, staff: Service, capture: Capture
) -> None:
    """The server comes back for the other process first: this one must not go on from memory."""
    with open_service(theirs, capture=capture) as other:
        server.stop()
        with pytest.raises(DatabaseAway):
            other.people()
        back(server, other)
        other.erase("Person 1")
    (found,) = staff.identify(photo_bytes("probe.png", png(1, 50)))
    assert found.decision == "unknown", found.name


def test_a_command_says_so(theirs: Settings, server: databases.Server, capture: Capture) -> None:
    server.stop()
    began = time.monotonic()
    with pytest.raises(DatabaseAway, match="cannot be reached"):
        open_service(theirs, capture=capture)
    assert time.monotonic() - began < 10
    server.start()
    open_service(theirs, capture=capture).close()
