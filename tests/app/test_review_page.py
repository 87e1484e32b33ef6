"""The review page as Streamlit runs it, on a real queue with tiny models; no browser."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.consent_text import offered_consent
from app.language import Language
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.photo import photo_bytes
from enrollment.review_policy import ReviewPolicy
from enrollment.service import Service, open_service
from tests import tiny
from tests.galleries import make_gallery, open_copy, settings_of

pytestmark = pytest.mark.slow

EASY = ReviewPolicy(passage_seconds=0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Every face is a passage of its own, so that a test can queue one person's several."""
    home, keys = tmp_path / "gallery", tmp_path / "keys"
    return replace(settings_of(home, keys), review=EASY)


@pytest.fixture(scope="module")
def with_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("review") / "gallery"
    return make_gallery(home, {"Žofie": (1, 2), "Person 2": (2, 2)})


@pytest.fixture
def staffed(with_two: Path, settings: Settings, capture: Capture) -> Iterator[Service]:
    with open_copy(with_two, settings, capture) as service:
        yield service


def _review_page(service) -> None:  # a script of its own: it knows no names from here
    from app.language import Language
    from app.review_page import show
    from app.tasks import Tasks
    from app.visit import Visit

    show(Visit(service, Language(), Tasks()))


def open_page(service: Service) -> AppTest:
    at = AppTest.from_function(_review_page, default_timeout=600, args=(service,)).run()
    assert not at.exception
    return at


def queue(service: Service, *faces: tuple[int, int], doubt: bool = False) -> None:
    look_on = service.queue.doubt if doubt else service.queue.look_on
    for face in faces:
        photo = photo_bytes(f"door-{face[0]}.png", tiny.png(tiny.picture(face)))
        service.identify(photo, look_on)


def near_miss(service: Service) -> None:
    """Queue a face that is nearly the first person's."""
    threshold = service.operating_point().threshold
    low = EASY.near_from(threshold, tiny.TinyBackbone.priors)
    for share in np.arange(0.1, 0.9, 0.01):
        image = tiny.picture((1, 50)) * (1 - share) + tiny.picture((9, 50)) * share
        photo = photo_bytes("gate.png", tiny.png(image.round().astype(np.uint8)))
        (found,) = service.identify(photo)
        if found.decision == "unknown" and (found.score or 0) >= low:
            service.identify(photo, service.queue.look_on)
            return
    raise AssertionError("no share of the two is a near miss")


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [button for button in at.button if button.label.replace("\\", "") == label]
    assert not button.disabled
    button.click().run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    """Everything on the page that is text, without what keeps it from being markup."""
    parts = [*at.title, *at.subheader, *at.text, *at.caption, *at.error, *at.warning, *at.info]
    text = "\n".join(str(part.value) for part in [*parts, *at.success])
    return text.replace("\\", "").replace("\u2060", "")


def labels(at: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in at.button]


def test_an_empty_queue_says_what_would_come(staffed: Service) -> None:
    at = open_page(staffed)
    assert "Nothing waits" in said(at)
    assert "--review" in said(at)
    assert "At most 2,000 faces are kept, encrypted, for at most 30 days" in said(at)
    assert "Assign" not in labels(at)
    press(at, "Look again")


def test_one_group_is_in_front_with_its_faces(staffed: Service) -> None:
    queue(staffed, (10, 0), (9, 0), (9, 1), (9, 2))
    at = open_page(staffed)
    assert "4 faces wait, in 2 groups." in said(at)
    assert "Group 1 of 2: 3 faces" in said(at)
    assert "3 unknown: like nobody who is enrolled: best score" in said(at)
    assert "NOT reported" in said(at)
    assert "door-9.png" in said(at)
    assert [image.proto.imgs[0].alt for image in at.image][:3] == ["Face 1", "Face 2", "Face 3"]
    assert at.image[3].proto.imgs[0].alt.startswith("Nearest: ")
    shortcuts = {button.label: button.proto.shortcut for button in at.button}
    assert {shortcuts[name] for name in ("Assign", "Ignore: a stranger", "Discard")} == set("aid")
    press(at, "Next")
    assert "Group 2 of 2: 1 face" in said(at)
    assert "door-10.png" in said(at)
    assert not at.checkbox, "one face alone need not be chosen"
    press(at, "Next")
    assert "Group 1 of 2" in said(at)
    press(at, "Previous")
    assert "Group 2 of 2" in said(at)


def test_a_near_miss_and_a_doubted_name_are_told_apart(staffed: Service) -> None:
    near_miss(staffed)
    queue(staffed, (2, 40), doubt=True)
    at = open_page(staffed)
    assert "1 face was named and doubted: reported as Person 2" in said(at), "the urgent one first"
    press(at, "Next")
    assert "1 near miss: nearest Žofie" in said(at)
    assert "below" in said(at)
    assert "gate.png" in said(at)


def test_ignored_as_a_stranger_and_taken_back(staffed: Service) -> None:
    queue(staffed, (9, 0), (9, 1))
    at = press(open_page(staffed), "Ignore: a stranger")
    assert "2 faces are remembered as a stranger's" in said(at)
    assert "Nothing waits" in said(at)
    assert [n.subject_id for n in staffed.review.negatives()] == [None, None]
    press(at, "Undo: take the no back")
    assert "2 no's were taken back" in said(at)
    assert staffed.review.negatives() == []


def test_ignored_as_not_the_nearest(staffed: Service) -> None:
    near_miss(staffed)
    at = press(open_page(staffed), "Ignore: not Žofie")
    assert "1 face is remembered as not Žofie" in said(at)
    (negative,) = staffed.review.negatives()
    assert negative.subject_id == staffed.person("Žofie").subject_id


def test_what_was_said_no_to_is_listed_and_taken_back(staffed: Service) -> None:
    at = open_page(staffed)
    at.toggle[0].set_value(True).run()
    assert "Nobody said no to a face yet" in said(at)
    queue(staffed, (9, 0))
    staffed.review.ignore([staffed.queue.groups()[0].cluster_id], "Person 2")
    at.run()
    assert "not Person 2" in said(at)
    assert "seen in door-9.png" in said(at)
    press(at, "Take back")
    assert staffed.review.negatives() == []
    assert "1 no was taken back" in said(at)


def test_discard_asks_and_forgets(staffed: Service) -> None:
    queue(staffed, (9, 0), (9, 1), (10, 0))
    at = press(open_page(staffed), "Discard")
    assert "2 faces leave the queue" in said(at)
    press(at, "Keep")
    assert len(staffed.queue.groups()) == 2
    press(press(at, "Discard"), "Forget")
    assert "2 faces are forgotten" in said(at)
    assert "Group 1 of 1: 1 face" in said(at)
    press(at, "Discard all")
    assert "That is the whole queue" in said(at)
    press(at, "Forget")
    assert staffed.queue.groups() == []
    assert staffed.review.negatives() == [], "discarding remembers nothing"
    assert "Nothing waits" in said(at)


def test_single_faces_are_left_out(staffed: Service) -> None:
    queue(staffed, (9, 0), (9, 1), (9, 2))
    at = open_page(staffed)
    at.checkbox[1].set_value(False).run()
    assert "2 faces are chosen; the others stay" in said(at)
    press(at, "Ignore: a stranger")
    assert len(staffed.review.negatives()) == 2
    assert "Group 1 of 1: 1 face" in said(at)
    assert "joined" not in said(at), "what one does oneself is no news"


def test_nothing_is_done_to_no_face(staffed: Service) -> None:
    queue(staffed, (9, 0), (9, 1))
    at = open_page(staffed)
    for box in at.checkbox:
        box.set_value(False)
    at.run()
    disabled = {b.label.replace("\\", "") for b in at.button if b.disabled}
    assert {"Assign", "Ignore: a stranger", "Discard"} <= disabled
    assert "Next" not in disabled


def test_assigned_to_somebody_found_by_likeness(staffed: Service) -> None:
    near_miss(staffed)
    at = press(press(open_page(staffed), "Assign"), "Žofie")
    assert "1 photo was added to Žofie" in said(at)
    assert staffed.person("Žofie").templates == 3
    assert "Nothing waits" in said(at)


def test_assigned_to_somebody_found_by_name(
    staffed: Service, person: Callable[..., Enrollee]
) -> None:
    more = [person(n, range(1), f"Colleague {n}") for n in range(20, 27)]
    list(staffed.enroll(more, "yes", allow_collision))
    queue(staffed, (9, 0), doubt=True)
    at = press(open_page(staffed), "Assign")
    at.text_input[0].set_value("colleague").run()
    assert "1 to 5 of 7" in said(at)
    assert [b.label for b in at.button if b.label.startswith("Colleague")] == [
        f"Colleague {n}" for n in range(20, 25)
    ]
    press(at, "More people")
    assert "6 to 7 of 7" in said(at)
    at.text_input[0].set_value("nobody so").run()
    assert "Nobody enrolled is called so" in said(at)
    at.text_input[0].set_value("colleague 26").run()
    press(at, "Colleague 26")
    assert "1 face was not assigned to Colleague 26" in "".join(w.proto.title for w in at.warning)
    assert "at least 0.50 is needed" in said(at), "the reason has its number"
    assert staffed.person("Colleague 26").templates == 1
    assert "Group 1 of 1: 1 face" in said(at), "it stays in the queue"
    press(at, "Assign all the same")
    assert staffed.person("Colleague 26").templates == 2
    assert "Nothing waits" in said(at)


def test_a_newcomer_needs_a_name_and_consent(staffed: Service) -> None:
    queue(staffed, *((9, n) for n in range(3)))
    at = press(open_page(staffed), "Assign")
    at.text_input[0].set_value("Ada").run()
    press(at, "Somebody new")
    assert at.text_input[1].value == "Ada", "what was searched for in vain is the name"
    press(at, "Enroll as a new person")
    assert "There is no consent yet" in said(at)
    assert len(staffed.people()) == 2
    at.checkbox[-1].set_value(True)
    at.text_input[1].set_value("A<b>").run()
    press(at, "Enroll as a new person")
    assert "has the character" in said(at)
    at.text_input[1].set_value("Person 2").run()
    press(at, "Enroll as a new person")
    assert "is enrolled already; choose that person" in said(at)
    assert at.text_input[1].value == "Person 2", "nothing typed is lost"
    at.text_input[1].set_value("Ada").run()
    press(at, "Enroll as a new person")
    assert "Ada is enrolled with 3 photos" in said(at)
    (consent,) = staffed.consents(staffed.person("Ada").subject_id)
    assert consent.text == offered_consent(Language())
    assert "Nothing waits" in said(at)


def test_a_yes_against_a_no_takes_the_no_back_first(staffed: Service) -> None:
    queue(staffed, (9, 0), (9, 1))
    (group,) = staffed.queue.groups()
    staffed.review.ignore([group.sightings[0].sighting_id], "Person 2")
    at = press(open_page(staffed), "Assign")
    at.text_input[0].set_value("Person 2").run()
    press(at, "Person 2")
    assert "that it is not Person 2" in said(at)
    assert "Assign all the same" not in labels(at)
    press(at, "Take the no back")
    assert staffed.review.negatives() == []


def test_somebody_at_another_desk_was_quicker(
    staffed: Service, settings: Settings, capture: Capture
) -> None:
    queue(staffed, (9, 0), (9, 1), (10, 0))
    at = open_page(staffed)
    assert "Group 1 of 2: 2 faces" in said(at)
    with open_service(settings, capture=capture) as other:
        other.review.discard([other.queue.groups()[0].cluster_id])
    press(at, "Ignore: a stranger")
    assert "are gone" in said(at)
    assert staffed.review.negatives() == [], "the next group is not ignored in its place"
    assert "Group 1 of 1: 1 face" in said(at)
    with open_service(settings, capture=capture) as other:
        other.review.discard_all()
    at.run()
    assert "are gone" in said(at)
    assert "Nothing waits" in said(at)


def test_a_face_that_joins_is_not_decided_on_unseen(staffed: Service) -> None:
    queue(staffed, (9, 0))
    at = open_page(staffed)
    queue(staffed, (9, 1))
    press(at, "Ignore: a stranger")
    assert "joined this group since you looked" in said(at)
    assert staffed.review.negatives() == []


def test_many_faces_are_shown_a_dozen_at_a_time(staffed: Service) -> None:
    queue(staffed, *((9, n) for n in range(14)))
    at = open_page(staffed)
    assert len(at.checkbox) == 12
    assert "2 more faces are taken along without being shown" in said(at)
    press(at, "Show more faces")
    assert len(at.checkbox) == 14
