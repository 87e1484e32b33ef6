"""Lists of people are cut in the database, and say the same as the whole list."""

from pathlib import Path

import pytest

from store.gallery import Gallery
from tests.store.places import enroll, in_folder, make, postgresql


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return make(in_folder(tmp_path))


def names(gallery: Gallery, **wanted: object) -> list[str]:
    found, _ = gallery.page_of_subjects(**wanted)  # type: ignore[arg-type]
    return [subject.name for subject in found]


def check_everything(gallery: Gallery) -> None:
    ids = [enroll(gallery, f"Person {n:02}", seed=n) for n in (3, 1, 2, 5, 4)]
    ids.append(enroll(gallery, "100%_Öztürk", seed=9))
    with gallery.change("test") as change:
        change.set_state(ids[0], "suspended")
        change.merge(ids[1], ids[2])
        change.merge(ids[3], ids[1])
    assert gallery.count() == 4
    assert names(gallery) == ["100%_Öztürk", "Person 02", "Person 03", "Person 04"]
    assert names(gallery, order="newest")[0] == "100%_Öztürk"
    assert names(gallery, order="oldest")[0] == "Person 03"
    assert names(gallery, states=["suspended"]) == ["Person 03"]
    assert names(gallery, states=["merged"]) == ["Person 01", "Person 05"]
    found, total = gallery.page_of_subjects("person", limit=2, offset=1)
    assert ([s.name for s in found], total) == (["Person 03", "Person 04"], 3)
    assert gallery.page_of_subjects("person", offset=50) == ([], 3)
    whole = gallery.subjects()
    everybody, _ = gallery.page_of_subjects(states=["active", "suspended", "merged"])
    answering = [s for s in everybody if s.merged_into is None]
    assert {s.subject_id: s.templates for s in answering} == {
        i: s.templates for i, s in whole.items() if s.merged_into is None
    }
    assert next(s.templates for s in answering if s.name == "Person 02") == 6, "with the merged"


def check_search(gallery: Gallery) -> None:
    assert names(gallery, search="öZTÜRK") == ["100%_Öztürk"], "as people read it"
    for wild in ("%", "_"):
        assert names(gallery, search=wild) == ["100%_Öztürk"], "no wildcard"
    assert names(gallery, search="x' OR 1=1 --") == []
    (someone,), _ = gallery.page_of_subjects("Person 04")
    assert names(gallery, search=someone.subject_id) == ["Person 04"]
    assert names(gallery, search=someone.subject_id[:8]) == []


def test_pages_of_people(gallery: Gallery) -> None:
    check_everything(gallery)
    check_search(gallery)


def test_by_staff_number(gallery: Gallery) -> None:
    with gallery.change("test") as change:
        change.add_subject("Anna", "AB-17")
    assert names(gallery, search="ab-1") == ["Anna"]


@pytest.mark.slow
def test_pages_of_people_in_postgresql() -> None:
    with postgresql() as url:
        gallery = make(url)
        check_everything(gallery)
        check_search(gallery)
        gallery.close()


def test_a_new_name_changes_nobodys_recognition(gallery: Gallery) -> None:
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=2)
    before = gallery.refresh()
    with gallery.change("test") as change:
        change.rename(anna, "Ann")
    assert gallery.generation() == before + 1, "other processes are told"
    assert gallery.grown_since(before) == {anna}
    assert gallery.search(gallery.templates().vectors[:1], 1)
    with gallery.change("test") as change:
        change.rename(bert, "Bertie")
        change.set_state(bert, "suspended")
    assert gallery.grown_since(before) is None
