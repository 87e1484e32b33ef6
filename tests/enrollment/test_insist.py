"""A photo is set aside, and somebody who knows the person says: it is this person all the same."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from enrollment.config import Settings
from enrollment.enroller import Collision, SubjectReport
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.lineage import lineage
from enrollment.opening import database_url
from enrollment.photo import Photo, photo_bytes
from enrollment.reasons import ReasonCode
from enrollment.service import Service
from store.schema import audit
from tests import tiny

YES = "agreed"
Person = Callable[..., Enrollee]


def photo(name: str, *faces: tuple[int, int]) -> Photo:
    return photo_bytes(name, tiny.png(tiny.picture(*faces)))


def enroll(service: Service, person: Enrollee, answer: str = "cancel") -> SubjectReport:
    (report,) = service.enroll([person], YES, lambda _: answer)
    return report


def codes(report: SubjectReport) -> list[list[ReasonCode]]:
    return [[reason.code for reason in sample.reasons] for sample in report.samples]


def with_odd_one(person: Enrollee, *, insisted: bool) -> Enrollee:
    odd = replace(photo("odd", (9, 0)), insisted=insisted)
    return replace(person, photos=(*person.photos, odd))


def test_an_odd_photo_is_kept_at_once_where_somebody_insists(
    service: Service, person: Person
) -> None:
    report = enroll(service, with_odd_one(person(1), insisted=False))
    assert codes(report) == [[], [], [], [ReasonCode.NOT_THIS_PERSON]]
    assert [s.can_be_insisted_on for s in report.samples] == [False, False, False, True]
    report = enroll(service, with_odd_one(person(2), insisted=True))
    assert codes(report) == [[], [], [], []]


def test_an_odd_photo_is_kept_afterwards_where_somebody_insists(
    service: Service, person: Person, settings: Settings
) -> None:
    first = enroll(service, with_odd_one(person(1), insisted=False))
    again = replace(photo("odd", (9, 0)), insisted=True)
    report = enroll(service, Enrollee("Person 1", None, (again,), first.subject_id))
    assert (report.accepted, report.created) == (1, False)
    assert service.people()[0].templates == 4
    kept = [lineage(sample) for sample in service.samples(report.subject_id or "")]
    assert [told.get("even_if_unlike") for told in kept] == [None, None, None, True]
    assert float(str(kept[-1]["likeness"])) < 0.5
    engine = sa.create_engine(database_url(settings.home))
    with engine.connect() as connection:
        said = sa.select(audit.c.details).where(audit.c.action == "samples.insist")
        assert [json.loads(told) for told in connection.execute(said).scalars()] == [{"samples": 1}]
    engine.dispose()


def test_what_needs_no_word_leaves_no_trace(service: Service, person: Person) -> None:
    insisted = tuple(replace(p, insisted=True) for p in person(1).photos)
    report = enroll(service, replace(person(1), photos=insisted))
    assert report.accepted == 3
    for sample in service.samples(report.subject_id or ""):
        assert "even_if_unlike" not in lineage(sample)


def test_a_word_is_no_consent_and_no_better_photo(service: Service, person: Person) -> None:
    enroll(service, person(1))
    dark = tiny.picture((1, 7)) // 12
    dark[20:116, 20:116][tiny.face(1, 7)[..., 1] == 0] = tiny.FRAME
    photos = (photo_bytes("dark", tiny.png(dark)), photo("none"), *person(1).photos[:1])
    insisted = tuple(replace(p, insisted=True) for p in photos)
    report = enroll(service, Enrollee("Person 1", None, insisted))
    assert report.accepted == 0
    assert not any(sample.can_be_insisted_on for sample in report.samples)
    (report,) = service.enroll([with_odd_one(person(2), insisted=True)], None)
    assert codes(report)[-1] == [ReasonCode.NO_CONSENT]


def test_a_word_does_not_answer_whether_two_are_one(service: Service, person: Person) -> None:
    enroll(service, person(1))
    enroll(service, person(2))
    asked: list[Collision] = []

    def cancel(collision: Collision) -> str:
        asked.append(collision)
        return "cancel"

    colleague = replace(photo("colleague", (2, 8)), insisted=True)
    mistaken = Enrollee("Person 1", None, (colleague,))
    (report,) = service.enroll([mistaken], YES, cancel)
    assert [collision.near.name for collision in asked] == ["Person 2"]
    assert codes(report) == [[ReasonCode.NEAR_OTHER_SUBJECT]]
    assert enroll(service, mistaken, "different").accepted == 1


def test_the_face_that_is_meant_can_be_pressed(service: Service, person: Person) -> None:
    both = photo("both", (4, 0), (5, 0))
    report = enroll(service, Enrollee("Ada", None, (both,)))
    assert codes(report) == [[ReasonCode.SEVERAL_FACES]]
    crops = report.samples[0].choices
    assert len(crops) == 2
    report = enroll(service, Enrollee("Ada", None, (replace(both, face=1),)))
    assert report.accepted == 1
    assert (report.samples[0].crop == crops[1]).all()
    assert report.samples[0].choices == ()
    found = {person: service.identify(photo("probe", (person, 3)))[0].name for person in (4, 5)}
    assert sorted(found.values(), key=str) == ["Ada", None]


def test_a_face_that_is_not_there_is_not_taken(service: Service) -> None:
    both = replace(photo("both", (4, 0), (5, 0)), face=2)
    assert codes(enroll(service, Enrollee("Ada", None, (both,)))) == [[ReasonCode.SEVERAL_FACES]]


def test_to_whom_photos_would_be_added(service: Service, person: Person) -> None:
    enroll(service, replace(person(1, name="Zoë"), external_id="7"))
    enroll(service, person(2, name="Zoëlle"))
    for name, number in (("zoe\u0308 ", None), ("Zoë", "7")):
        found = service.namesake(name, number)
        assert found is not None
        assert (found.external_id, found.templates) == ("7", 3)
    assert service.namesake("Zo") is None
    assert service.namesake("Zoë", "8") is None
    with pytest.raises(BadInput, match="belongs to 'Zoë'"):
        service.namesake("Bea", "7")
    enroll(service, replace(person(3, name="zoë"), external_id="9"))
    with pytest.raises(BadInput, match="2 people"):
        service.namesake("Zoë")
