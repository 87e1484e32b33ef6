"""Who may be enrolled, and with which photos: on real files, real encryption and tiny models."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from enrollment.enroller import SubjectReport, allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.photo import Photo, photo_bytes
from enrollment.reasons import ReasonCode
from enrollment.service import Service, open_service
from tests import tiny

YES = "agreed on 2026-11-21"
Person = Callable[..., Enrollee]


def enroll(service: Service, *people: Enrollee, **options: object) -> list[SubjectReport]:
    options.setdefault("consent", YES)
    return list(service.enroll(people, **options))  # type: ignore[arg-type]


def codes(report: SubjectReport) -> list[list[str]]:
    return [[reason.code.value for reason in sample.reasons] for sample in report.samples]


def photo(name: str, *faces: tuple[int, int]) -> Photo:
    return photo_bytes(name, tiny.png(tiny.picture(*faces)))


def with_photos(person: Enrollee, *more: Photo) -> Enrollee:
    return replace(person, photos=(*person.photos, *more))


def test_a_newcomer_is_found_at_once(service: Service, person: Person) -> None:
    (report,) = enroll(service, person(1))
    assert (report.created, report.accepted, report.warnings) == (True, 3, ())
    (answer,) = service.identify(photo("probe", (1, 99)))
    assert (answer.decision, answer.name, answer.head_agrees) == ("known", "Person 1", True)
    (answer,) = service.identify(photo("probe", (2, 99)))
    assert (answer.decision, answer.name, answer.subject_id) == ("unknown", None, None)


def test_running_again_enrolls_nothing_twice(service: Service, person: Person) -> None:
    (first,) = enroll(service, person(1))
    (again,) = enroll(service, person(1))
    assert (again.created, again.accepted, again.succeeded) == (False, 0, True)
    assert again.subject_id == first.subject_id
    assert codes(again) == [["duplicate_photo"]] * 3
    (more,) = enroll(service, person(1, range(2, 5)))
    assert codes(more) == [["duplicate_photo"], [], []]
    assert service.people()[0].templates == 5


def test_photos_that_show_almost_the_same_are_skipped(service: Service, person: Person) -> None:
    image = Image.fromarray(tiny.picture((1, 0)))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True)
    (report,) = enroll(
        service, with_photos(person(1), photo_bytes("again.webp", buffer.getvalue()))
    )
    assert codes(report) == [[], [], [], ["duplicate_photo"]]
    (report,) = enroll(
        service, replace(person(1), photos=(photo_bytes("b.webp", buffer.getvalue()),))
    )
    assert codes(report) == [["duplicate_photo"]]


def test_consent_comes_first(service: Service, person: Person) -> None:
    for nothing in (None, "", "  "):
        (report,) = enroll(service, person(1), consent=nothing)
        assert (report.subject_id, codes(report)) == (None, [["no_consent"]] * 3)
    assert service.people() == []
    enroll(service, person(1))
    (consent,) = service.consents(service.people()[0].subject_id)
    assert consent.text == YES
    (report,) = enroll(service, person(1, range(3, 5)), consent=None)
    assert report.accepted == 2


def test_a_gallery_without_consent_policy(
    make_service: Callable[..., Service], person: Person
) -> None:
    service = make_service("none")
    (report,) = enroll(service, person(1), consent=None)
    assert report.accepted == 3


def test_of_several_faces_the_persons_own_is_taken(service: Service, person: Person) -> None:
    (report,) = enroll(service, with_photos(person(1), photo("party", (7, 0), (1, 50), (8, 0))))
    assert codes(report) == [[], [], [], []]
    (answer,) = service.identify(photo("probe", (7, 1)))
    assert answer.decision == "unknown"


def test_several_faces_and_no_other_photo_are_refused(service: Service) -> None:
    (report,) = enroll(service, Enrollee("Anna", None, (photo("two", (1, 0), (2, 0)),)))
    assert codes(report) == [["several_faces"]]
    assert report.subject_id is None
    always = tuple(photo(f"{i}", (1, i), (2, i)) for i in range(3))
    (report,) = enroll(service, Enrollee("Anna", None, always))
    assert codes(report) == [["several_faces"]] * 3
    company = tuple(photo(f"{i}", (1, i), (10 + i, i)) for i in range(3))
    (report,) = enroll(service, Enrollee("Anna", None, company))
    assert codes(report) == [[], [], []]
    (answer,) = service.identify(photo("probe", (1, 9)))
    assert answer.name == "Anna"


def test_somebody_elses_photo_is_set_aside(service: Service, person: Person) -> None:
    (report,) = enroll(service, with_photos(person(1), photo("wrong", (2, 0))))
    assert codes(report) == [[], [], [], ["not_this_person"]]
    (report,) = enroll(service, Enrollee("Person 1", None, (photo("wrong", (3, 0)),)))
    assert codes(report) == [["not_this_person"]]
    (report,) = enroll(service, Enrollee("X", None, (photo("a", (4, 0)), photo("b", (5, 0)))))
    assert codes(report) == [["not_this_person"]] * 2
    assert report.subject_id is None


def test_all_reasons_are_given(service: Service) -> None:
    small = np.asarray(
        Image.fromarray(tiny.picture((1, 0))).resize((46, 45), Image.Resampling.NEAREST)
    )
    dark = tiny.picture((1, 0)) // 12
    dark[20:116, 20:116][tiny.face(1, 0)[..., 1] == 0] = tiny.FRAME
    photos = (
        photo_bytes("none.png", tiny.png(tiny.picture())),
        photo_bytes("text.jpg", b"this is a text"),
        photo_bytes("small.png", tiny.png(small)),
        photo_bytes("dark.png", tiny.png(dark)),
    )
    (report,) = enroll(service, Enrollee("Anna", None, photos))
    found = codes(report)
    assert found[0] == ["no_face"]
    assert found[1] == ["unreadable_image"]
    assert "face_too_small" in found[2]
    assert "too_dark" in found[3]
    assert all(sample.reasons[0].message for sample in report.samples)
    assert any("px apart" in reason.message for reason in report.samples[2].reasons)
    assert service.people() == []


def test_a_collision_asks(service: Service, person: Person) -> None:
    enroll(service, person(1))
    asked = []

    def answer(word: str) -> Callable[..., str]:
        def ask(collision: object) -> str:
            asked.append(collision)
            return word

        return ask

    newcomer = person(1, range(5, 8), name="Anna")
    (report,) = enroll(service, newcomer, on_collision=answer("cancel"))
    assert codes(report) == [["near_other_subject"]] * 3
    assert asked[0].near.name == "Person 1"
    (report,) = enroll(service, newcomer)
    assert report.subject_id is None
    (report,) = enroll(service, newcomer, on_collision=answer("same"))
    assert (report.created, report.accepted) == (False, 3)
    assert len(service.people()) == 1
    (report,) = enroll(service, person(1, range(8, 11), name="Twin"), on_collision=allow_collision)
    assert (report.created, report.accepted) == (True, 3)
    assert len(service.people()) == 2


def test_photos_of_a_colleague_do_not_join(service: Service, person: Person) -> None:
    enroll(service, person(1), person(2))
    (report,) = enroll(service, person(2, range(5, 8), name="Person 1"))
    assert report.accepted == 0
    assert codes(report) == [["not_this_person"]] * 3


def test_two_people_of_one_name(service: Service, person: Person) -> None:
    one = replace(person(1, name="Anna"), external_id="1")
    other = replace(person(2, name="anna "), external_id="2")
    enroll(service, one, other)
    assert len(service.people()) == 2
    with pytest.raises(BadInput, match="external-id"):
        enroll(service, person(3, name="ANNA"))
    with pytest.raises(BadInput, match="belongs to"):
        enroll(service, replace(person(3, name="Bert"), external_id="1"))
    with pytest.raises(BadInput, match="give one of"):
        service.person("Anna")
    assert service.person("2").external_id == "2"


def test_names_that_look_alike_are_one(service: Service, person: Person) -> None:
    enroll(service, person(1, name="Zoe\u0308"))
    (report,) = enroll(service, person(1, range(3, 5), name="zoë"))
    assert report.created is False
    assert service.people()[0].name == "Zoe\u0308"


def test_few_photos_are_advised_against(service: Service, person: Person) -> None:
    (report,) = enroll(service, person(1, range(1)))
    assert "add 2 more" in report.warnings[0]


def test_suspended_people_take_no_photos(service: Service, person: Person) -> None:
    enroll(service, person(1))
    service.suspend("Person 1")
    assert service.identify(photo("probe", (1, 9)))[0].decision == "unknown"
    with pytest.raises(BadInput, match="resume"):
        enroll(service, person(1, range(3, 5)))
    service.resume("Person 1")
    assert service.identify(photo("probe", (1, 9)))[0].decision == "known"


def test_two_processes_enroll_one_person(
    service: Service, person: Person, settings, capture
) -> None:
    """The second to come finds what the first has written, under the lock."""
    other = open_service(settings, capture=capture)
    enrolling = service.enroll([person(1)], YES)
    list(other.enroll([person(1, range(2, 5))], YES))
    (report,) = list(enrolling)
    assert codes(report) == [[], [], ["duplicate_photo"]]
    assert len(other.people()) == 1
    assert other.people()[0].templates == 5
    other.close()


def test_rename_merge_and_erase(service: Service, person: Person) -> None:
    enroll(service, person(1), person(2))
    with pytest.raises(BadInput, match="merge"):
        service.rename("Person 1", "person 2")
    assert service.rename("Person 1", "Anna").name == "Anna"
    service.merge("Person 2", "Anna")
    assert service.identify(photo("probe", (2, 9)))[0].name == "Anna"
    assert [s.name for s in service.people()] == ["Anna"]
    service.unmerge("Person 2")
    assert service.identify(photo("probe", (2, 9)))[0].name == "Person 2"
    receipt = service.erase("Anna")
    assert receipt.erased_rows["templates"] == 3
    assert receipt.negative_test["found"] == 0
    assert service.identify(photo("probe", (1, 9)))[0].decision == "unknown"
    with pytest.raises(BadInput, match="nobody"):
        service.person("Anna")


def test_verify(service: Service, person: Person) -> None:
    enroll(service, person(1), person(2))
    assert service.verify(photo("p", (1, 9)), "Person 1").decision == "known"
    assert service.verify(photo("p", (2, 9)), "Person 1").decision == "unknown"
    assert service.verify(photo("p"), "Person 1").decision == "refused"


def test_memory_of_the_model_is_untouched(service: Service, person: Person) -> None:
    assert ReasonCode.LIVENESS_FAILED.value == "liveness_failed"
    enroll(service, person(1))
    found = service.diagnose()
    assert found.problems == ()
    assert found.subjects == 1
