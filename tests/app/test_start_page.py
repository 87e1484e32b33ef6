"""The start page as Streamlit runs it: the first steps, and what is going on."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from app.language import Language
from app.pages import _menu
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.service import Service
from tests import databases, tiny

Person = Callable[..., Enrollee]


def _all_pages(service) -> None:
    from app.pages import show
    from app.tasks import Tasks

    show(lambda: service, Tasks())


@pytest.fixture
def at(service: Service) -> AppTest:
    return AppTest.from_function(_all_pages, default_timeout=60, args=(service,))


def run(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception, at.exception
    return at


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [button for button in at.button if button.label == label]
    button.click()
    return run(at)


def said(at: AppTest) -> str:
    main = at.main
    parts = [*main.title, *main.text, *main.markdown, *main.caption, *main.error, *main.info]
    everything = [*parts, *main.subheader]
    return "\n".join(str(p.value) for p in everything).replace("\\", "").replace("\u2060", "")


def done(at: AppTest) -> int:
    return said(at).count("done]")


def links(at: AppTest) -> list[str]:
    return [link.proto.page for link in at.get("page_link")]


def test_three_steps_tick_themselves_off(service: Service, at: AppTest, person: Person) -> None:
    text = said(run(at))
    assert "Three steps to the first person who is recognised" in text
    assert done(at) == 0
    list(service.enroll([person(1)], "yes"))
    run(at)
    assert done(at) == 1
    assert "1 person is enrolled" in said(at)
    image = tiny.picture((9, 50))
    assert service.identify_image(image, "stranger")[0].decision == "unknown"
    assert done(run(at)) == 1, "a stranger is nobody recognised"
    assert service.identify_image(tiny.picture((1, 50)), "me")[0].decision == "known"
    assert done(run(at)) == 2
    list(service.enroll([person(n) for n in (2, 3)], "yes", allow_collision))
    assert done(run(at)) == 3
    with service._gallery.change("test") as change:
        change.put_job("nightly", "2026-01-01", "finished", change.at, {"outcome": "promoted"})
    assert "What comes then" not in said(run(at))
    assert "Last night" in said(at)


def test_the_first_step_leads_to_enrolling(at: AppTest) -> None:
    press(run(at), "Enroll the first person")
    assert at.title[0].value == "Enroll a person"


def test_the_second_step_leads_to_identifying(
    service: Service, at: AppTest, person: Person
) -> None:
    list(service.enroll([person(1)], "yes"))
    press(run(at), "Recognise somebody")
    assert at.title[0].value == "Who is this?"


def test_what_is_going_on_has_a_way_to_each(service: Service, at: AppTest, person: Person) -> None:
    list(service.enroll([person(n, range(1)) for n in range(10)], "yes", allow_collision))
    text = said(run(at))
    assert "10 people are enrolled" in text
    assert "1. Enroll" not in text, "the first steps are behind us"
    assert "At most 1 stranger in 100 is named" in text
    assert "No night has been run yet" in text
    assert "No face waits" in text
    assert "Nothing is due" in text
    assert ("There is no backup yet" in text) == (databases.default() is None)
    assert set(links(at)) >= {"people", "identify", "accuracy", "nightly", "review", "privacy"}
    service.privacy.withdraw(service.people()[0].subject_id)
    if databases.default() is None:  # PostgreSQL has tools of its own
        service.backup()
    service.identify_image(tiny.picture((99, 1)), "door", onlooker=service.queue.look_on)
    text = said(run(at))
    assert "1 person is due" in text
    assert ("The last backup was made" in text) == (databases.default() is None)
    assert "1 face waits" in text


def test_ways_lead_to_pages_that_exist(service: Service, at: AppTest, person: Person) -> None:
    list(service.enroll([person(1)], "yes"))
    run(at)
    known = {entry.path for entries in _menu(Language()).values() for entry in entries}
    assert set(links(at)) <= known
    assert len(links(at)) > 5
