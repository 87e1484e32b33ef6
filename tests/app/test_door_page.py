"""The door's screen in every state; no browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.live_recognition import SILENCE, LiveRecognition, Options
from enrollment.liveness import Turn
from enrollment.passage import Prompt
from enrollment.service import Service
from tests.app.live import Clock, app_test_with_a_camera, look_on, watch

pytestmark = pytest.mark.slow

Person = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def camera() -> Iterator[None]:
    with app_test_with_a_camera():
        yield


def _page(service) -> None:  # a script of its own: it knows no names from here
    from app.door_page import show
    from app.language import Language
    from app.tasks import Tasks
    from app.visit import Visit

    show(Visit(service, Language(), Tasks()))


@pytest.fixture
def staff(service: Service, person: Person) -> Service:
    list(service.enroll([person(1, name="Zoë & N'Diaye"), person(2)], "yes"))
    return service


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(clock: Clock) -> LiveRecognition:
    return LiveRecognition("test", clock)


@pytest.fixture
def open_door(staff: Service, live: LiveRecognition) -> Callable[..., AppTest]:
    def opened(**query: str) -> AppTest:
        at = AppTest.from_function(_page, default_timeout=600, args=(staff,))
        at.session_state["door-live"] = live
        for name, value in query.items():
            at.query_params[name.replace("_", "-")] = value
        at.run()
        assert not at.exception
        return at

    return opened


def sign(at: AppTest) -> str:
    (found,) = [h.proto.body for h in at.get("html") if '<div class="door ' in h.proto.body]
    return found


def test_before_it_is_started(open_door: Callable[..., AppTest]) -> None:
    at = open_door()
    assert "The camera is off" in sign(at)
    assert "Press Start the camera" in sign(at)
    assert "door-off" in sign(at)
    way_out = [h.proto.body for h in at.get("html") if "<a " in h.proto.body]
    assert 'href="./"' in way_out[-1]


def test_somebody_known_is_welcomed_and_then_the_next_is_asked_to_look(
    open_door: Callable[..., AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, None)
    assert "Please look at the camera" in sign(open_door())
    look_on(live, clock, *[1] * 3)
    assert "Checking" in sign(open_door())
    look_on(live, clock, *[1] * 6)
    assert "Welcome, Zoë &amp; N&#x27;Diaye" in sign(open_door())
    assert "door-known" in sign(open_door())
    look_on(live, clock, *[None] * 50)
    assert "Please look at the camera" in sign(open_door())


def test_a_stranger_is_offered_another_way(
    open_door: Callable[..., AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, *[9] * 25)
    assert "Not recognised" in sign(open_door())
    assert "Use your badge or ring at reception." in sign(open_door())
    assert not staff.queue.clusters(), "nothing is kept unless the operator says so"
    other = open_door(other_way="Ring <b>twice</b>")
    assert "Ring &lt;b&gt;twice&lt;/b&gt;" in sign(other)


def test_after_many_unknown_people_everybody_waits(
    open_door: Callable[..., AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    open_door()
    budget = live.budget
    assert budget is not None
    watch(live, staff, clock, *[9] * 25)
    for _ in range(19):
        budget.count("unknown")
    look_on(live, clock, *[1] * 50)
    assert "Please wait" in sign(open_door())
    assert "Use your badge or ring at reception." in sign(open_door())
    assert live.budget is budget, "a page that is loaded anew begins no new row"
    open_door(back_off="false")
    assert live.budget is None
    look_on(live, clock, *[1] * 12)
    assert "Welcome" in sign(open_door(back_off="false"))


def test_what_the_operator_sets_is_in_force_and_can_stand_in_the_address(
    open_door: Callable[..., AppTest], live: LiveRecognition
) -> None:
    at = open_door()
    assert [toggle.value for toggle in at.toggle] == [False, False, True]
    assert live.options == Options(mirrored=True)
    at.toggle[0].set_value(True).run()
    assert live.options == Options(liveness=True, mirrored=True)
    open_door(liveness="true", review="true")
    assert live.options == Options(keep_unknown=True, liveness=True, mirrored=True)


def test_who_was_not_recognised_asks_and_is_told_for_a_while(
    open_door: Callable[..., AppTest], clock: Clock
) -> None:
    at = open_door()
    (button,) = [b for b in at.button if b.label == "I was not recognised"]
    button.click().run()
    assert "Please go another way" in sign(at)
    assert "Use your badge or ring at reception." in sign(at)
    clock.now += 30
    assert "The camera is off" in sign(at.run())


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (Turn.LEFT.value, "Turn your head to your left"),
        (Turn.RIGHT.value, "Turn your head to your right"),
        ("look_straight", "Look straight at the camera"),
    ],
)
def test_a_challenge_is_shown_as_large(
    open_door: Callable[..., AppTest],
    live: LiveRecognition,
    staff: Service,
    clock: Clock,
    ask: str,
    words: str,
) -> None:
    live.options = Options(liveness=True)
    watch(live, staff, clock, *[1] * 4)
    assert live.follower is not None
    (seen,) = live.scene().seen
    live.follower.prompt = Prompt(seen.track, ask, "asked", clock.now)
    assert words in sign(open_door(liveness="true"))


def test_who_fails_the_challenge_is_not_named(
    open_door: Callable[..., AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    live.options = Options(liveness=True)
    watch(live, staff, clock, *[1] * 70)
    live.passed.add(live.passed.newest_first()[0].passage, clock.now)
    text = sign(open_door(liveness="true"))
    assert "Please try again" in text
    assert "Zoë" not in text


def test_a_camera_at_fault_is_said_and_the_other_way_offered(
    open_door: Callable[..., AppTest], live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, *[None] * 3)
    clock.now += SILENCE + 5
    at = open_door()
    assert "The camera is not working" in sign(at)
    assert "Use your badge or ring at reception." in sign(at)
    assert "Press Stop the camera and Start the camera" in at.error[0].value


def test_nobody_enrolled_is_said(service: Service) -> None:
    at = AppTest.from_function(_page, default_timeout=600, args=(service,)).run()
    assert not at.exception
    assert "Nobody is enrolled yet" in sign(at)


def test_no_text_of_the_door_speaks_of_absence() -> None:
    from pathlib import Path

    import app.door_face
    import app.door_page

    for module in (app.door_face, app.door_page):
        said = Path(module.__file__).read_text("utf-8").split('"""', 2)[2]
        assert "absen" not in said.lower()
