"""The enroll page's states, on a real gallery with tiny models; its first steps: test_pages."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.draft import Draft, Request
from app.guided_camera import mirrored_with_oval
from app.live_view import LiveView
from enrollment.capture import Capture
from enrollment.consent_version import consent_version
from enrollment.guidance import Guidance, GuidancePolicy, View
from enrollment.guide import Guide
from enrollment.intake import Enrollee
from enrollment.lineage import lineage
from enrollment.service import Service
from store.errors import GalleryLocked
from tests import tiny
from tests.app.test_pages import (
    _enroll_page,
    file,
    fill,
    open_page,
    press,
    said,
)

pytestmark = pytest.mark.slow

Person = Callable[..., Enrollee]
TINY = GuidancePolicy(tallest=1, face_px=10, sharpness=1)


def group(*faces: tuple[int, int]) -> tuple[str, bytes, str]:
    return "group.png", tiny.png(tiny.picture(*faces)), "image/png"


def badges(at: AppTest) -> list[str]:
    return re.findall(r" (kept|skipped|set aside|not usable)\]", said(at))


def draft(at: AppTest) -> Draft:
    found = at.session_state["enroll-draft"]
    assert isinstance(found, Draft)
    return found


# -- consent --------------------------------------------------------------------------------------


def test_camera_and_files_open_with_the_consent(service: Service) -> None:
    at = open_page(_enroll_page, service)
    assert at.file_uploader[0].disabled
    assert at.segmented_control[0].disabled
    assert "First the consent" in said(at)
    at.checkbox[0].set_value(True).run()
    assert not at.file_uploader[0].disabled
    assert not at.segmented_control[0].disabled
    assert "First the consent" not in said(at)


def test_a_consent_taken_back_shuts_them_and_loses_nothing(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", file(1, 0))
    at.checkbox[0].set_value(False).run()
    assert at.file_uploader[0].disabled
    press(at, "Enroll")
    assert not service.people()
    at.checkbox[0].set_value(True).run()
    press(at, "Enroll")
    assert [s.templates for s in service.people()] == [1]


def test_the_version_belongs_to_the_words(service: Service) -> None:
    at = open_page(_enroll_page, service)
    first = consent_version(at.text_area[0].value)
    assert f"Version {first}" in said(at)
    at.text_area[0].set_value("Something else.").run()
    assert f"Version {consent_version('Something else.')}" in said(at)
    assert f"Version {first}" not in said(at)


def test_the_end_of_a_consent_goes_along(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", file(1, 0))
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    at.date_input[0].set_value(day).run()
    press(at, "Enroll")
    request = draft(at).request
    assert request is not None
    assert request.until == day
    press(at, "Enroll the next person")
    assert at.date_input[0].value == day


# -- who ------------------------------------------------------------------------------------------


def test_a_wrong_name_is_said_at_once(service: Service) -> None:
    at = open_page(_enroll_page, service)
    assert not at.error
    at.text_input[0].set_value("A<b>").run()
    assert len(at.error) == 1
    assert "has the character" in at.error[0].value


def test_who_is_enrolled_already_is_shown_at_once(service: Service, person: Person) -> None:
    list(service.enroll([person(1, name="Žofie")], "yes"))
    at = open_page(_enroll_page, service)
    at.text_input[0].set_value("žofie ").run()
    assert "Žofie is enrolled already, with 3 photos" in said(at)
    assert [image.proto.imgs[0].alt for image in at.image] == ["Enrolled: Žofie"]
    at.text_input[0].set_value("Žofi").run()
    assert "is enrolled already" not in said(at)
    assert not at.image


def test_two_of_one_name_need_a_number(service: Service, person: Person) -> None:
    for number in (1, 2):
        one = replace(person(number, name="Ada"), external_id=str(number))
        list(service.enroll([one], "yes"))
    at = open_page(_enroll_page, service)
    at.text_input[0].set_value("Ada").run()
    assert "2 people are called" in at.error[0].value
    at.text_input[1].set_value("2").run()
    assert not at.error
    assert "Ada is enrolled already" in said(at)


def test_a_suspended_person_takes_no_photos(service: Service, person: Person) -> None:
    list(service.enroll([person(1, name="Ada")], "yes"))
    service.suspend("Ada")
    at = fill(open_page(_enroll_page, service), "Ada", file(1, 5))
    assert "Ada is suspended" in at.error[0].value
    press(at, "Enroll")
    assert service.people()[0].templates == 3


def test_when_another_admin_was_quicker_it_is_news() -> None:
    asked = Request(Enrollee("Ada", None, ()), "yes", newcomer=True)
    assert asked.found_another
    assert not replace(asked, newcomer=False).found_another
    assert not replace(asked, answers={"id": "same"}).found_another


# -- a look before --------------------------------------------------------------------------------


def test_a_look_first_stores_nothing(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", *(file(1, n) for n in range(3)), file(2, 0))
    press(at, "Look at the photos first")
    assert badges(at) == ["set aside", "kept", "kept", "kept"], "what needs a look comes first"
    assert "3 kept, 1 set aside" in said(at)
    assert "at least 0.50 is needed" in said(at)
    assert "Nothing is stored yet" in said(at)
    assert not service.people()
    at.file_uploader[0].set_value([file(1, 0)]).run()
    assert "Name or photos have changed since" in said(at)
    assert not badges(at)


def test_numbers_are_said_where_they_are_known(service: Service, person: Person) -> None:
    list(service.enroll([person(n) for n in range(20, 30)], "yes"))
    at = fill(open_page(_enroll_page, service), "Ada", file(1, 0))
    press(at, "Look at the photos first")
    facts = said(at)
    for fact in ("Will be found", "With one more photo", "Nearest colleague", "off by 11 points"):
        assert fact in facts
    assert "a view turned to the person's own left" in facts


def test_a_look_says_that_somebody_is_near(service: Service, person: Person) -> None:
    list(service.enroll([person(1, name="Ada")], "yes"))
    at = fill(open_page(_enroll_page, service), "Bea", file(1, 7))
    press(at, "Look at the photos first")
    assert "As near to Ada" in at.warning[0].value


# -- a person's word ------------------------------------------------------------------------------


def test_a_photo_that_is_set_aside_can_be_kept_before(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", *(file(1, n) for n in range(3)), file(2, 0))
    press(at, "Look at the photos first")
    press(at, "Keep it all the same")
    assert badges(at) == ["kept"] * 4
    press(at, "Enroll")
    (subject,) = service.people()
    assert subject.templates == 4
    told = [lineage(sample) for sample in service.samples(subject.subject_id)]
    assert [one.get("even_if_unlike", False) for one in told].count(True) == 1


def test_a_photo_that_was_set_aside_can_be_kept_afterwards(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", *(file(1, n) for n in range(3)), file(2, 0))
    press(at, "Enroll")
    assert badges(at) == ["set aside", "kept", "kept", "kept"]
    press(at, "Keep it all the same")
    assert badges(at) == ["kept"] * 4
    assert [s.templates for s in service.people()] == [4]
    assert "4 of 4 photos were kept" in at.success[0].value


def test_one_photo_after_the_other_can_be_kept_afterwards(service: Service) -> None:
    odd = [file(2, 0), file(3, 0)]
    at = fill(open_page(_enroll_page, service), "Ada", *(file(1, n) for n in range(3)), *odd)
    press(at, "Enroll")
    for kept in (4, 5):
        next(b for b in at.button if b.label == "Keep it all the same").click().run()
        assert not at.exception
        assert [s.templates for s in service.people()] == [kept]
    assert badges(at) == ["kept"] * 5


def test_keeping_a_colleagues_photo_asks_first(service: Service, person: Person) -> None:
    list(service.enroll([person(2, name="Bea")], "yes"))
    at = fill(open_page(_enroll_page, service), "Ada", *(file(1, n) for n in range(3)), file(2, 8))
    press(at, "Enroll")
    press(at, "Keep it all the same")
    assert "Ada is as near to Bea" in at.warning[0].value
    press(at, "Cancel")
    assert badges(at) == ["set aside", "kept", "kept", "kept"]
    assert sum(s.templates for s in service.people()) == 6


def test_the_face_that_is_meant_is_pressed(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", group((4, 0), (5, 0)))
    press(at, "Enroll")
    assert "No photo of Ada was kept" in said(at)
    assert "Which face is meant?" in said(at)
    press(at, "Face 2")
    assert badges(at) == ["kept"]
    assert not service.people(), "only the button enrolls"
    press(at, "Enroll")
    assert [s.templates for s in service.people()] == [1]


# -- what goes wrong ------------------------------------------------------------------------------


@pytest.fixture
def locked(service: Service) -> Iterator[Service]:
    """As while another process holds the gallery for too long."""

    class Locked(Service):
        def enroll(self, *_: object, **__: object):
            raise GalleryLocked("another process is writing; try again")

    service.__class__ = Locked
    yield service
    service.__class__ = Service


def test_a_locked_gallery_loses_nothing(locked: Service) -> None:
    at = fill(open_page(_enroll_page, locked), "Ada", file(1, 0))
    press(at, "Enroll")
    assert "Another process is writing" in at.error[0].value
    assert "Everything you gave is still here" in said(at)
    assert at.text_input[0].value == "Ada"
    locked.__class__ = Service
    press(at, "Enroll")
    assert [s.templates for s in locked.people()] == [1]


def test_many_files_are_counted_and_the_first_are_shown(service: Service) -> None:
    content = tiny.png(tiny.picture((1, 0)))
    files = [(f"{n}.png", content, "image/png") for n in range(60)]
    at = fill(open_page(_enroll_page, service), "Ada", *files)
    assert "60 photos chosen" in [expander.label for expander in at.expander]
    assert len(at.image) == 50
    assert "and 10 more" in said(at)
    press(at, "Enroll")
    assert len(badges(at)) == 50
    assert "1 kept, 59 skipped" in said(at)
    assert "10 more photos are not shown" in said(at)


def test_a_file_that_is_no_picture_is_said(service: Service) -> None:
    broken = ("<b>.png", b"no picture", "image/png")
    at = fill(open_page(_enroll_page, service), "Ada", broken)
    assert "<b>.png: no picture" in said(at)


def test_what_is_gone_when_the_page_is_drawn_again_is_said(service: Service) -> None:
    at = press(fill(open_page(_enroll_page, service), "Ada", file(1, 0)), "Enroll")
    service.erase("Ada")
    at.run()
    assert not at.exception
    assert "Ada has been erased or merged meanwhile" in at.warning[-1].value
    press(at, "Enroll the next person")


# -- filming --------------------------------------------------------------------------------------


def filmed(capture: Capture, *people: tuple[int, int]) -> Guide:
    """Straight, of each of these, and then skipped on to the next."""
    guide = Guide(capture, Guidance(TINY))
    for start, one in enumerate(people):
        picture = np.ascontiguousarray(tiny.picture(one))
        for n in range(8):
            guide.look(start * 100 + n, start * 10 + n / 10, picture)
    return guide


def _progress(service, guide, view) -> None:  # a script of its own: it knows no names from here
    from app.guided_camera import show_progress, show_taken
    from app.language import Language
    from app.tasks import Tasks
    from app.visit import Visit

    visit = Visit(service, Language(), Tasks())
    show_progress(visit, guide, view)
    show_taken(visit, guide)


def show(service: Service, guide: Guide, view: LiveView | None = None) -> AppTest:
    args = (service, guide, view)
    return AppTest.from_function(_progress, default_timeout=600, args=args).run()


def words(at: AppTest) -> str:
    (live,) = at.html
    assert 'role="alert"' in live.value
    return re.sub("<[^>]*>", "", live.value)


def ticks(at: AppTest) -> list[str]:
    names = "|".join(view.value.capitalize() for view in View)
    return re.findall(rf"(?:{names}): [a-z ]+", said(at))


def test_the_way_through_the_views_is_shown_in_words(service: Service, capture: Capture) -> None:
    guide = Guide(capture, Guidance(TINY))
    at = show(service, guide)
    assert words(at) == "Start the camera"
    assert ticks(at) == [
        "Straight: now", "Left: to come", "Right: to come", "Up: to come", "Down: to come",
    ]  # fmt: skip
    guide = filmed(capture, (1, 0))
    at = show(service, guide)
    assert ticks(at)[:2] == ["Straight: taken", "Left: now"]
    assert [image.proto.imgs[0].alt for image in at.image] == ["Straight"]
    press(at, "Skip: Left")
    assert ticks(at)[1:3] == ["Left: skipped", "Right: now"]
    press(at, "Take it after all: Left")
    assert ticks(at)[1] == "Left: now"
    press(at, "Drop")
    assert ticks(at)[0] == "Straight: now"
    assert not at.image
    for view in View:
        guide.skip(view)
    assert words(at.run()) == "All done"


def test_live_words_come_from_what_is_seen(service: Service, capture: Capture) -> None:
    guide = Guide(capture)
    view = LiveView(guide.look, mirrored_with_oval(guide))
    try:
        guide.look(0, 0.0, np.ascontiguousarray(tiny.picture((1, 0), (2, 0))))
        at = show(service, guide, view)
        assert words(at) == "Only one person, please"
        view.last_frame_at = -1000.0
        at.run()
        assert words(at) == "No picture comes from the camera"
    finally:
        view.close()


def test_what_a_view_more_brings_is_said_in_numbers(
    service: Service, person: Person, capture: Capture
) -> None:
    guide = filmed(capture, (1, 0))
    assert "A person with one photo is found less often" in said(show(service, guide))
    list(service.enroll([person(n) for n in range(20, 30)], "yes"))
    assert re.search(r"With this 1 view .* found .*%", said(show(service, guide)).replace("\\", ""))


def test_filmed_views_are_enrolled_and_can_be_dropped(service: Service, capture: Capture) -> None:
    at = open_page(_enroll_page, service)
    draft(at).guide = filmed(capture, (1, 0))
    at.text_input[0].set_value("Ada")
    at.checkbox[0].set_value(True).run()
    assert [image.proto.imgs[0].alt for image in at.image] == ["camera, straight"]
    press(at, "Drop")
    assert not at.image
    press(at, "Enroll")
    assert "There is no photo yet" in said(at)
    draft(at).guide = filmed(capture, (1, 0))
    press(at, "Enroll")
    assert "camera, straight" in said(at)
    assert badges(at) == ["not usable"], "a JPEG is too coarse for the tiny detector"


def test_the_picture_is_shown_as_in_a_mirror(capture: Capture) -> None:
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[:, :10] = 200
    shown = mirrored_with_oval(Guide(capture))(picture)
    assert (shown[:, -10:] == 200).all()
    assert shown[45, 80 - round(0.29 * 90)].max() == 255, "the oval"
    assert (picture[:, 10:] == 0).all(), "what is kept is not drawn on"
