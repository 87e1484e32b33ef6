"""The gallery in two dimensions follows the gallery."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from enrollment.intake import Enrollee
from enrollment.service import Service

CONSENT = "agreed"


@pytest.fixture
def company(service: Service, person: Callable[..., Enrollee]) -> Service:
    list(service.enroll([person(i, range(1)) for i in range(4)], CONSENT))
    return service


def ids(service: Service) -> set[str]:
    return {s.subject_id for s in service.people() if s.state == "active"}


def test_everybody_who_can_be_found_has_a_place(company: Service) -> None:
    company.suspend("Person 2")
    made = company.map.draw()
    assert set(made.subject_ids) == ids(company)
    assert made.places.shape == (3, 2)
    assert made.method == "PCA"


def test_a_map_is_kept_until_somebodys_face_changes(
    company: Service, person: Callable[..., Enrollee]
) -> None:
    assert company.map.last() == (None, False)
    made = company.map.draw()
    assert company.map.last() == (made, True)
    company.rename("Person 1", "Ada")
    kept, fresh = company.map.last()
    assert kept is not None
    assert fresh
    assert kept.places is made.places, "a name moves nobody"
    list(company.enroll([person(7, range(1))], CONSENT))
    old, fresh = company.map.last()
    assert old is not None
    assert (fresh, len(old.subject_ids)) == (False, 4)
    assert len(company.map.draw().subject_ids) == 5


def test_who_is_erased_has_no_place_any_more(company: Service) -> None:
    company.map.draw()
    company.erase("Person 3")
    assert company.map.last() == (None, False)
    assert len(company.map.draw().subject_ids) == 3


def test_faces_and_names_of_a_list(company: Service, person: Callable[..., Enrollee]) -> None:
    list(company.enroll([person(1, range(5, 6))], CONSENT))
    everybody = sorted(ids(company))
    assert sorted(company.profiles.faces([*everybody, "nobody"])) == everybody
    assert sorted(company.names([*everybody, "nobody"]).values()) == [
        f"Person {i}" for i in range(4)
    ]
    assert company.names([]) == company.profiles.faces([]) == {}


def test_thumbnails_are_tiny_pictures(company: Service) -> None:
    small = company.profiles.faces(sorted(ids(company)), 48)
    assert len(small) == 4
    for face in small.values():
        with Image.open(io.BytesIO(face)) as picture:
            assert picture.size == (48, 48)
        assert len(face) < 4_500
