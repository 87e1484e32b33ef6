"""Recognition in moving pictures: what is drawn, decided, kept, and said when it fails."""

from collections.abc import Callable

import numpy as np
import pytest

from app.lettering import lettered
from app.live_recognition import SILENCE, LiveRecognition, Options
from app.overlay import overlay
from enrollment.errors import Forbidden
from enrollment.passage import Sighted
from enrollment.service import Service
from store.errors import GalleryDamaged, GalleryLocked
from tests import tiny
from tests.app.live import LEFT, WIDTH, WORDS, Clock, look_on, picture, until, watch

KNOWN, STRANGER = 1, 9


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(clock: Clock) -> LiveRecognition:
    return LiveRecognition("test", clock)


@pytest.fixture
def staff(service: Service, person: Callable) -> Service:
    list(service.enroll([person(KNOWN), person(2)], "yes"))
    return service


def answers(live: LiveRecognition) -> list[tuple[str, str | None]]:
    return [(p.passage.answer.decision, p.passage.answer.name) for p in live.passed.newest_first()]


def test_a_name_is_shown_and_listed_once(
    live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, *[KNOWN] * 4)
    assert [s.state for s in live.scene().seen] == ["checking"]
    look_on(live, clock, *[KNOWN] * 12)
    assert [(s.state, s.name) for s in live.scene().seen] == [("known", "Person 1")]
    assert answers(live) == [("known", "Person 1")]


def test_who_is_signed_out_sees_no_name_any_more(
    live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    """Pictures come by a line of their own, which the end of a session does not cut."""
    session = ["signed in"]
    live.begin(staff, WORDS, lambda: bool(session))
    look_on(live, clock, *[KNOWN] * 16)
    assert [s.name for s in live.scene().seen] == ["Person 1"]
    session.clear()
    began = clock.now
    with pytest.raises(Forbidden, match="signed out"):
        look_on(live, clock, *[KNOWN] * 50)
    assert clock.now - began <= 2.1
    assert live.scene().seen == ()


def test_a_stranger_who_stays_is_told_so(
    live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, *[STRANGER] * 30)
    assert [s.state for s in live.scene().seen] == ["unknown"]
    assert answers(live) == [("unknown", None)]
    assert staff.queue.clusters() == [], "nothing is stored unless it is asked for"


def test_unknown_faces_are_kept_only_where_that_is_wanted(
    live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    live.options = Options(keep_unknown=True)
    watch(live, staff, clock, *[STRANGER] * 30, *[None] * 12, *[KNOWN] * 10)
    (cluster,) = staff.queue.clusters()
    assert cluster.sightings[0].details["source"] == "test"


def test_who_stays_until_the_camera_stops_is_decided(
    live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    watch(live, staff, clock, STRANGER, STRANGER, STRANGER)
    assert answers(live) == []
    assert live.follower is not None
    live.follower.end()
    assert answers(live) == [("unknown", None)]


def test_somebody_enrolled_or_erased_meanwhile_counts_from_the_next_passage(
    live: LiveRecognition, staff: Service, clock: Clock, person: Callable
) -> None:
    watch(live, staff, clock, *[STRANGER] * 30, *[None] * 12)
    list(staff.enroll([person(STRANGER, name="New")], "yes"))
    look_on(live, clock, *[STRANGER] * 15, *[None] * 12)
    staff.erase("New")
    look_on(live, clock, *[STRANGER] * 30)
    assert answers(live) == [("unknown", None), ("known", "New"), ("unknown", None)]


def test_a_challenge_is_asked_for_and_nobody_is_named_without_it(
    live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    live.options = Options(liveness=True)
    watch(live, staff, clock, *[KNOWN] * 12)
    assert live.follower is not None
    assert live.follower.prompt is not None
    assert live.follower.prompt.ask in ("turn_left", "turn_right")
    look_on(live, clock, *[KNOWN] * 60)
    ((decision, name),) = answers(live)
    assert (decision, name) == ("refused", None)


def test_switching_the_challenge_off_counts_at_once(
    live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    live.options = Options(liveness=True)
    watch(live, staff, clock, *[KNOWN] * 12)
    live.options = Options()
    look_on(live, clock, *[KNOWN] * 12)
    assert answers(live) == [("known", "Person 1")]
    assert live.follower is not None
    assert live.follower.prompt is None


def test_a_busy_gallery_is_said_and_it_goes_on(
    live: LiveRecognition, staff: Service, clock: Clock
) -> None:
    class Busy:
        """The service, whose gallery another process holds for the first pictures."""

        left = 3

        def passages(self, *_: object, **__: object) -> object:
            Busy.left -= 1
            if Busy.left >= 0:
                raise GalleryLocked("the gallery is busy; try again")
            return staff.passages("test")

    watch(live, Busy(), clock, KNOWN)  # type: ignore[arg-type]
    assert live.follower is not None
    assert live.follower.trouble == "the gallery is busy; try again"
    look_on(live, clock, *[KNOWN] * 12)
    assert answers(live) == [("known", "Person 1")]
    clock.now += 60
    assert live.follower.trouble is None


def test_a_damaged_gallery_ends_it_and_is_kept(live: LiveRecognition) -> None:
    class Damaged:
        def passages(self, *_: object, **__: object) -> object:
            raise GalleryDamaged("a row is damaged; restore the backup")

    view = live.begin(Damaged(), WORDS)  # type: ignore[arg-type]
    view.show(picture(0, KNOWN))
    until(lambda: live.camera() == "broken")
    assert isinstance(view.error, GalleryDamaged)
    view.wait(20)


def test_the_camera_is_told_apart(live: LiveRecognition, staff: Service, clock: Clock) -> None:
    assert live.camera() == "off"
    watch(live, staff, clock)
    assert live.camera() == "starting"
    look_on(live, clock, KNOWN, KNOWN)
    assert live.camera() == "live"
    assert live.scene().seen
    clock.now += SILENCE + 0.1
    assert live.camera() == "silent"
    assert live.scene().seen == (), "no box of the past is drawn"
    look_on(live, clock, KNOWN)
    assert live.camera() == "live"
    view = live.view
    assert view is not None
    view.ended_at = clock.now + 0.2
    assert live.camera() == "off", "stopped a moment after the last picture"
    view.ended_at = clock.now + 10
    assert live.camera() == "lost", "it ended long after the last picture"
    live.begin(staff, WORDS).close()
    assert live.camera() == "unreached"


# -- what is drawn --------------------------------------------------------------------------------


def ring(shown: np.ndarray) -> np.ndarray:
    """The pixels on the lower side of the box."""
    return shown[60 + tiny.SIDE, LEFT : LEFT + tiny.SIDE]


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_box_is_drawn_where_the_face_is(mirrored: bool) -> None:
    sighted = Sighted(1, (LEFT, 60, tiny.SIDE, tiny.SIDE), "known", "Zoë")
    before = np.full((240, WIDTH, 3), 90, np.uint8)
    before[:, :LEFT] = 30
    shown = overlay(before, [sighted], WORDS, mirrored)
    assert (before[60 + tiny.SIDE, LEFT + 20] == 90).all(), "the camera's picture is left alone"
    left = WIDTH - LEFT - tiny.SIDE if mirrored else LEFT
    coloured = (shown != np.array([90, 90, 90])).any(axis=2) & (shown != 30).any(axis=2)
    rows, columns = np.nonzero(coloured[100:])
    assert abs(columns.min() - left) <= 4
    assert abs(columns.max() - (left + tiny.SIDE)) <= 40
    assert abs(rows.max() + 100 - (60 + tiny.SIDE)) <= 4


def test_states_differ_by_their_line_and_not_by_colour_alone() -> None:
    shares = {}
    for state in ("known", "unknown", "checking", "refused"):
        grey = np.full((240, WIDTH, 3), 90, np.uint8)
        sighted = Sighted(1, (LEFT, 60, tiny.SIDE, tiny.SIDE), state)
        drawn = (ring(overlay(grey, [sighted], WORDS)) != 90).any(axis=1)
        shares[state] = round(float(drawn.mean()), 2)
    assert shares["known"] == 1
    assert len(set(shares.values())) == 4, shares


@pytest.mark.parametrize(
    "name", ["Ada", "राघव मेनन", "أمين حدّاد", "佐藤 美咲", "Ifẹ́ Adébáyọ̀", "Ελένη"]
)
def test_a_name_is_written_in_any_alphabet_or_numbered(name: str) -> None:
    box = (LEFT, 60, tiny.SIDE, tiny.SIDE)
    grey = np.full((240, WIDTH, 3), 90, np.uint8)
    named = overlay(grey, [Sighted(7, box, "known", name)], WORDS)
    assert (named[40:60, LEFT : LEFT + 20] != 90).any()
    plate = lettered(name, 24, (255, 255, 255), (0, 0, 0))
    assert plate is None or plate.max() == 255


def test_a_name_that_no_font_has_is_a_number_and_a_word() -> None:
    unassigned = "\U0003fff0" * 3
    assert lettered(unassigned, 24, (255, 255, 255), (0, 0, 0)) is None
    grey = np.full((240, WIDTH, 3), 90, np.uint8)
    box = (LEFT, 60, tiny.SIDE, tiny.SIDE)
    numbered = overlay(grey, [Sighted(7, box, "known", unassigned)], WORDS)
    word = overlay(grey, [Sighted(7, box, "known", "7 known")], WORDS)
    assert np.array_equal(numbered, word)


@pytest.mark.parametrize("box", [(-30, -10, 90, 90), (600, 200, 90, 90), (0, 0, 640, 240)])
def test_a_face_at_the_edge_is_drawn_as_far_as_it_is_there(box: tuple[int, int, int, int]) -> None:
    grey = np.full((240, WIDTH, 3), 90, np.uint8)
    shown = overlay(grey, [Sighted(1, box, "unknown")], WORDS)
    assert shown.shape == grey.shape
    assert (shown != 90).any()
