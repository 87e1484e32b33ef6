"""The pages as Streamlit runs them, on a real gallery with tiny models; no browser."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.consent_text import offered_consent
from app.language import Language
from app.plain import plain
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.service import Service
from tests import tiny

pytestmark = pytest.mark.slow

MAIN = Path(__file__).parents[2] / "app" / "main.py"
Person = Callable[..., Enrollee]


def _enroll_page(service) -> None:  # a script of its own: it knows no names from here
    from app.enroll_page import show
    from tests.app.visiting import visit

    show(visit(service))


def _identify_page(service) -> None:  # a script of its own: it knows no names from here
    from app.identify_page import show
    from tests.app.visiting import visit

    show(visit(service))


def _all_pages(service) -> None:
    from app.pages import show
    from tests.app.visiting import visit

    show(lambda: service, visit(service).tasks)


def open_page(page: Callable[[Service], None], service: Service) -> AppTest:
    at = AppTest.from_function(page, default_timeout=600, args=(service,)).run()
    assert not at.exception
    return at


def file(person: int, number: int) -> tuple[str, bytes, str]:
    return f"{person}-{number}.png", tiny.png(tiny.picture((person, number))), "image/png"


def fill(at: AppTest, name: str, *files: tuple[str, bytes, str], agree: bool = True) -> AppTest:
    at.text_input[0].set_value(name)
    at.checkbox[0].set_value(agree).run()
    if files:
        at.file_uploader[0].set_value(list(files)).run()
    return at


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [button for button in at.button if button.label == label]
    button.click().run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    """Everything on the page that is text."""
    parts = [*at.title, *at.text, *at.markdown, *at.caption, *at.error, *at.warning, *at.info]
    return "\n".join(str(part.value) for part in [*parts, *at.success])


def shot(at: AppTest, person: int, number: int) -> AppTest:
    content = tiny.png(tiny.picture((person, number)))
    return at.camera_input[0].set_value(("shot.jpg", content, "image/jpeg")).run()


# -- enrolling ------------------------------------------------------------------------------------


def test_a_person_is_enrolled_and_tried_on_the_spot(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Žofie", *(file(1, n) for n in range(3)))
    press(at, "Enroll")
    assert "Žofie is enrolled: 3 of 3 photos were kept" in at.success[0].value.replace("\\", "")
    assert said(at).count("kept]") == 3
    (subject,) = service.people()
    assert (subject.name, subject.templates) == ("Žofie", 3)
    at.file_uploader[0].set_value([file(1, 50)]).run()
    assert "known" in at.table[0].value["Decision"][0]
    assert at.table[0].value["Name"][0] == "Žofie"
    assert "not recognised?" not in said(at)
    at.file_uploader[0].set_value([file(2, 50)]).run()
    assert "unknown" in at.table[0].value["Decision"][0]
    assert "not recognised?" in said(at), "of one person the threshold is strict, which is said"


def test_what_was_agreed_to_is_what_is_stored(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", file(1, 0))
    at.text_area[0].set_value("Ada agrees until Friday.").run()
    assert at.checkbox[0].value is False, "another text is another question"
    press(at, "Enroll")
    assert not service.people()
    assert "There is no consent yet" in said(at)
    at.checkbox[0].set_value(True).run()
    press(at, "Enroll")
    (subject,) = service.people()
    assert [c.text for c in service.consents(subject.subject_id)] == ["Ada agrees until Friday."]
    press(at, "Enroll the next person")
    assert at.text_area[0].value == "Ada agrees until Friday."


def test_the_default_text_is_shown_and_stored_word_for_word(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", file(1, 0))
    offered = offered_consent(Language())
    assert offered in [text.value for text in at.text]
    press(at, "Enroll")
    (subject,) = service.people()
    assert [c.text for c in service.consents(subject.subject_id)] == [offered]


def test_wrong_input_is_said_in_a_sentence_and_nothing_is_lost(service: Service) -> None:
    at = press(open_page(_enroll_page, service), "Enroll")
    text = said(at)
    assert "The name is empty" in text.replace("\\", "")
    assert "There is no consent yet" in text
    assert "There is no photo yet" in text
    at = fill(at, "A<b>", *(file(1, n) for n in range(3)))
    press(at, "Enroll")
    assert at.error[0].value.startswith("The name")
    assert "photo yet" not in said(at)
    assert not service.people()
    assert at.text_input[0].value == "A<b>"
    assert at.checkbox[0].value is True
    at.text_input[0].set_value("Ab").run()
    assert not service.people(), "only the button enrolls"
    press(at, "Enroll")
    assert [(s.name, s.templates) for s in service.people()] == [("Ab", 3)]


@pytest.mark.parametrize("name", ["**x**", "[a](b)", ":red[x]", "<img src=x>", "$x$", "a\nb"])
def test_a_name_is_never_markup(service: Service, name: str) -> None:
    at = fill(open_page(_enroll_page, service), name, file(1, 0))
    press(at, "Enroll")
    assert not service.people()
    for element in [*at.error, *at.warning, *at.markdown]:
        assert name not in element.value


def test_markdown_in_texts_is_taken_apart() -> None:
    for text in ("**x**", "[a](b)", ":red[x]", "`x`", "<b>", "$x$", "1. x", "_x_", "~x~"):
        shown = plain(text)
        assert text not in shown
        assert shown.replace("\\", "").replace("\u2060", "") == text
    for replaced in (":smile:", ":material/home:", "www.x.com", "a@b.com", "a--b", "a->b", "a<=b"):
        assert replaced not in plain(replaced).replace("\\", "")


def test_one_photo_is_enough_and_more_are_asked_for(service: Service) -> None:
    at = fill(open_page(_enroll_page, service), "Ada", file(1, 0))
    press(at, "Enroll")
    assert "add 2 more" in at.warning[0].value
    press(at, "Add more photos of this person")
    assert at.text_input[0].value == "Ada"
    assert at.checkbox[0].value is True
    at.file_uploader[0].set_value([file(1, 1), file(1, 2)]).run()
    press(at, "Enroll")
    assert "Added to Ada" in at.success[0].value
    assert [s.templates for s in service.people()] == [3]
    press(at, "Enroll the next person")
    assert (at.text_input[0].value, at.checkbox[0].value) == ("", False)


def test_every_photo_gets_its_verdict(service: Service) -> None:
    faceless = tiny.png(tiny.picture())
    at = fill(
        open_page(_enroll_page, service),
        "Ada",
        *(file(1, n) for n in range(3)),
        file(1, 0),
        file(2, 0),
        ("empty.png", faceless, "image/png"),
        ("broken.png", b"no picture", "image/png"),
    )
    press(at, "Enroll")
    marks = said(at)
    assert [marks.count(f" {m}]") for m in ("kept", "skipped", "set aside", "not usable")] == [
        3, 1, 1, 2,
    ]  # fmt: skip
    assert "This photo was given twice; skipped" in marks
    assert "This is not an image; give a JPEG, PNG, WebP or HEIC photo" in marks


def test_when_no_photo_can_be_kept_the_form_stays(service: Service) -> None:
    empty = ("empty.png", tiny.png(tiny.picture()), "image/png")
    at = fill(open_page(_enroll_page, service), "Ada", empty)
    press(at, "Enroll")
    assert "No photo of Ada was kept" in said(at)
    assert at.text_input[0].value == "Ada"
    at.file_uploader[0].set_value([file(1, 0)]).run()
    press(at, "Enroll")
    assert len(service.people()) == 1


def test_the_same_photos_again_change_nothing(service: Service) -> None:
    files = [file(1, n) for n in range(3)]
    for _ in range(2):
        at = press(fill(open_page(_enroll_page, service), "Ada", *files), "Enroll")
    assert "are enrolled already; nothing was changed" in said(at).replace("\\", "")
    assert service.people()[0].templates == 3


def test_the_rules_refusal_is_shown_and_the_form_stays(service: Service, person: Person) -> None:
    list(service.enroll([replace(person(1, name="Ada"), external_id="7")], "yes"))
    at = fill(open_page(_enroll_page, service), "Bea", file(2, 0))
    at.text_input[1].set_value("7").run()
    press(at, "Enroll")
    assert "belongs to" in said(at)
    assert at.text_input[0].value == "Bea"
    assert len(service.people()) == 1


def test_camera_pictures_gather_and_can_be_dropped(service: Service) -> None:
    at = open_page(_enroll_page, service)
    assert not at.camera_input, "the camera is off until it is asked for"
    at.checkbox[0].set_value(True).run()
    at.segmented_control[0].set_value("single").run()
    for number in range(3):
        shot(at, 1, number)
    assert [b.label for b in at.button].count("Drop") == 3
    [button for button in at.button if button.label == "Drop"][1].click().run()
    assert [b.label for b in at.button].count("Drop") == 2
    at.text_input[0].set_value("Ada").run()
    press(at, "Enroll")
    assert "camera picture 1" in said(at)
    assert "camera picture 2" not in said(at)
    assert service.people()[0].templates == 2


def test_without_a_consent_policy_none_is_asked_for(
    make_service: Callable[..., Service],
) -> None:
    service = make_service("none")
    at = open_page(_enroll_page, service)
    assert not at.checkbox
    at.text_input[0].set_value("Ada")
    at.file_uploader[0].set_value([file(1, 0)]).run()
    press(at, "Enroll")
    assert len(service.people()) == 1


# -- the same person? -----------------------------------------------------------------------------


def collide(service: Service, person: Person) -> AppTest:
    list(service.enroll([person(1, name="Ada")], "yes"))
    at = fill(open_page(_enroll_page, service), "Bea", *(file(1, n) for n in range(10, 13)))
    press(at, "Enroll")
    assert "Bea is as near to Ada" in at.warning[0].value
    assert [s.name for s in service.people()] == ["Ada"]
    faces = {image.proto.imgs[0].alt for image in at.image}
    assert {"New: Bea", "Enrolled: Ada"} <= faces, "both faces are shown"
    return at


def test_a_near_face_can_be_the_same_person(service: Service, person: Person) -> None:
    at = press(collide(service, person), "The same person: add the photos there")
    assert "Bea is the same person as Ada" in at.warning[0].value
    assert [(s.name, s.templates) for s in service.people()] == [("Ada", 6)]


def test_a_near_face_can_be_a_twin(service: Service, person: Person) -> None:
    press(collide(service, person), "Different people, such as twins")
    assert [(s.name, s.templates) for s in service.people()] == [("Ada", 3), ("Bea", 3)]


def test_a_near_face_can_be_left_out(service: Service, person: Person) -> None:
    at = press(collide(service, person), "Cancel")
    assert [s.name for s in service.people()] == ["Ada"]
    assert at.text_input[0].value == "Bea"
    assert not at.warning


# -- identifying ----------------------------------------------------------------------------------


def test_an_empty_gallery_says_what_to_do(service: Service) -> None:
    at = open_page(_identify_page, service)
    assert "Nobody is enrolled yet" in at.info[0].value
    assert not at.file_uploader


def test_every_face_gets_a_line(service: Service, person: Person) -> None:
    list(service.enroll([person(n) for n in (1, 2, 3)], "yes", allow_collision))
    at = open_page(_identify_page, service)
    photo = tiny.png(tiny.picture((2, 50), (9, 50), (1, 50)))
    at.file_uploader[0].set_value([("group.png", photo, "image/png")]).run()
    lines = at.table[0].value
    assert list(lines["Face"]) == ["1", "2", "3"]
    assert list(lines["Name"]) == ["Person 2", "\\-", "Person 1"]
    assert ["unknown" in decision for decision in lines["Decision"]] == [False, True, False]
    assert float(lines["Score"][0]) > service.operating_point().threshold
    (picture,) = at.image
    assert picture.proto.imgs[0].alt == "face 1: Person 2; face 2: unknown; face 3: Person 1"


def test_a_picture_without_a_face_is_refused_with_its_reason(
    service: Service, person: Person
) -> None:
    list(service.enroll([person(1)], "yes"))
    at = open_page(_identify_page, service)
    at.file_uploader[0].set_value([("empty.png", tiny.png(tiny.picture()), "image/png")]).run()
    assert "refused" in at.table[0].value["Decision"][0]
    assert "no face was found" in at.table[0].value["Why"][0]
    at.file_uploader[0].set_value([("broken.png", b"no picture", "image/png")]).run()
    assert "This is not an image" in said(at)


# -- on every page --------------------------------------------------------------------------------


def test_the_sidebar_says_what_is_in_force(service: Service, person: Person) -> None:
    list(service.enroll([person(1)], "yes"))
    at = open_page(_all_pages, service)
    shown = [text.value for text in at.sidebar.text]
    assert shown[:3] == ["1", "tiny", "CPU: tiny"]
    assert shown[3] == "at most 1 stranger in 100 is named: not enough data yet"
    assert not at.warning


def test_a_gallery_that_cannot_be_opened_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLCALL_HOME", str(tmp_path / "nowhere"))
    at = AppTest.from_file(str(MAIN), default_timeout=600).run()
    assert not at.exception
    assert "There is no gallery in" in at.error[0].value
    assert "rollcall init" in at.error[0].value
