"""The page Identify in every state of its live camera; no browser. Photos: test_pages."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.live_recognition import SILENCE, LiveRecognition
from enrollment.service import Service
from store.errors import GalleryDamaged, GalleryLocked
from tests import tiny
from tests.app.live import (
    WORDS,
    Clock,
    app_test_with_a_camera,
    look_on,
    picture,
    until,
    watch,
)

pytestmark = pytest.mark.slow

Person = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def camera() -> Iterator[None]:
    with app_test_with_a_camera():
        yield


def _page(service) -> None:  # a script of its own: it knows no names from here
    from app.identify_page import show
    from app.language import Language
    from app.tasks import Tasks
    from app.visit import Visit

    show(Visit(service, Language(), Tasks()))


@pytest.fixture
def staff(service: Service, person: Person) -> Service:
    list(service.enroll([person(1, name="Zoë _B_"), person(2)], "yes"))
    return service


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(clock: Clock) -> LiveRecognition:
    return LiveRecognition("test", clock)


@pytest.fixture
def open_live(staff: Service, live: LiveRecognition) -> Callable[[], AppTest]:
    """The page on its way Live, as a visitor has it whose camera is `live`."""

    def opened() -> AppTest:
        at = AppTest.from_function(_page, default_timeout=600, args=(staff,))
        at.session_state["identify-live"] = live
        at.session_state["identify-way"] = "live"
        at.run()
        assert not at.exception
        return at

    return opened


def texts(at: AppTest) -> str:
    shown = [*at.caption, *at.text, *at.error, *at.warning, *at.info, *at.subheader]
    titles = [e.proto.title for e in [*at.error, *at.warning]]
    return "\n".join([str(element.value) for element in shown] + titles).replace("\\", "")


def test_three_ways_and_the_choice_stays(staff: Service) -> None:
    at = AppTest.from_function(_page, default_timeout=600, args=(staff,)).run()
    (way,) = at.segmented_control
    assert list(way.options) == ["Live", "Camera picture", "Photo"]
    assert way.value == "photo"
    way.set_value("camera").run()
    assert not at.exception
    picture = tiny.png(tiny.picture((1, 50)))
    at.camera_input[0].set_value(("shot.jpg", picture, "image/jpeg")).run()
    assert "known" in at.table[0].value["Decision"][0]
    assert at.segmented_control[0].value == "camera"


def test_before_the_camera_is_started(open_live: Callable[[], AppTest]) -> None:
    at = open_live()
    assert "The camera is off" in texts(at)
    assert "Whoever passes the camera gets a line here" in texts(at)
    assert not at.table
    (keep,) = at.toggle
    assert (keep.label, keep.value) == ("Keep unknown faces for review", False)
    assert "at most 30 days" in keep.help


def test_who_passed_is_a_list_newest_first(
    open_live: Callable[[], AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, *[9] * 25, *[None] * 12, *[1] * 12)
    at = open_live()
    lines = at.table[0].value
    assert [name.replace("\\", "") for name in lines["Name"]] == ["Zoë _B_", "-"]
    assert "\\_B" in lines["Name"].iloc[0], "a name is never markup"
    assert [": known" in d for d in lines["Decision"]] == [True, False]
    assert "faces agree" in lines["Why"].iloc[0]
    assert "below the threshold" in lines["Why"].iloc[1].replace("\\", "")
    assert float(lines["Score"].iloc[0]) > staff.operating_point().threshold
    assert "looked at" in texts(at)


def test_the_list_stays_when_the_camera_stops_and_is_cleared_by_a_button(
    open_live: Callable[[], AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, *[1] * 12)
    assert live.view is not None
    live.view.ended_at = clock.now
    at = open_live()
    assert "The camera is off" in texts(at)
    assert len(at.table[0].value) == 1
    (clear,) = [button for button in at.button if button.label == "Clear the list"]
    clear.click().run()
    assert not at.table


def test_the_list_is_bounded(live: LiveRecognition, staff: Service, clock: Clock) -> None:
    for _ in range(22):
        watch(live, staff, clock, 1, 1)
        assert live.follower is not None
        live.follower.end()
    assert len(live.passed.newest_first()) == 20


def test_keeping_unknown_faces_is_switched_on_while_it_films(
    open_live: Callable[[], AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, *[9] * 3)
    at = open_live()
    at.toggle[0].set_value(True).run()
    look_on(live, clock, *[9] * 25)
    assert len(staff.queue.clusters()) == 1


def test_a_camera_that_is_taken_away_is_said_and_the_list_stays(
    open_live: Callable[[], AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, *[1] * 12)
    clock.now += SILENCE + 1
    at = open_live()
    assert "The camera gives no more pictures" in texts(at)
    assert "Press Stop the camera and Start the camera" in texts(at)
    assert "Camera picture and Photo" in texts(at)
    assert len(at.table[0].value) == 1


def test_pictures_that_never_come_are_explained(
    open_live: Callable[[], AppTest], live: LiveRecognition, staff: Service
) -> None:
    live.begin(staff, {})
    assert "Getting ready" in texts(open_live())
    live.begin(staff, {}).close()
    assert "No picture reached the server" in texts(open_live())


def test_what_ends_recognition_is_said(
    open_live: Callable[[], AppTest], live: LiveRecognition, staff: Service
) -> None:
    live.begin(staff, {})
    assert live.view is not None
    live.view.error = GalleryDamaged("a row is damaged; restore the backup")
    at = open_live()
    assert "Recognition stopped" in texts(at)
    assert "A row is damaged; restore the backup" in texts(at)


def test_what_does_not_end_it_is_said_for_a_while(
    open_live: Callable[[], AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, 1)
    assert live.follower is not None
    live.follower._went_wrong(GalleryLocked("another process holds the gallery; try again"))
    assert "Another process holds the gallery" in texts(open_live())
    clock.now += 11
    assert "Another process" not in texts(open_live())


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("denied", "was not allowed to use the camera"),
        ("missing", "No camera was found"),
        ("busy", "another program may be using it"),
        ("insecure", "open it as https:// or on localhost"),
        ("other", "could not be started"),
    ],
)
def test_why_the_browser_gives_no_camera(staff: Service, told: str, words: str) -> None:
    def page(service, told) -> None:
        import streamlit as st

        from app.camera_trouble import _words
        from app.language import Language
        from app.tasks import Tasks
        from app.visit import Visit

        st.text(_words(Visit(service, Language(), Tasks()), told))

    at = AppTest.from_function(page, default_timeout=600, args=(staff, told)).run()
    assert words in at.text[0].value


def test_the_camera_is_really_followed(live: LiveRecognition, staff: Service) -> None:
    """Through the view and its thread, as the browser's pictures come."""
    view = live.begin(staff, WORDS)
    number = 0

    def named() -> bool:
        nonlocal number
        number += 1
        view.show(picture(number, 1))
        time.sleep(0.03)
        return bool(live.passed.newest_first())

    live.clock = time.monotonic
    until(named)
    view.close()
    view.wait(20)
    assert view.error is None
