"""What is read of one person alone, and that it goes with the person."""

from pathlib import Path

import pytest

from store.gallery import Gallery
from tests.store.places import enroll, in_folder, make, vector


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return make(in_folder(tmp_path))


def merge(gallery: Gallery, one: str, into: str) -> None:
    with gallery.change("test") as change:
        change.merge(one, into)


def put_night(gallery: Gallery, day: str, counts: dict[str, tuple[int, int]]) -> None:
    with gallery.change("test") as change:
        change.put_night(day, counts)


def test_a_family_is_read_as_everybody_is(gallery: Gallery) -> None:
    anna, bert, carl = (enroll(gallery, n, seed=i) for i, n in enumerate(("Anna", "Bert", "Carl")))
    merge(gallery, carl, bert)
    merge(gallery, bert, anna)
    whole = gallery.subjects()
    assert gallery.family(anna) == [whole[anna], whole[bert], whole[carl]]
    assert gallery.family(anna)[0].templates == 6
    assert [s.name for s in gallery.family(bert)] == ["Bert", "Carl"]
    assert gallery.family(bert)[0].merged_into == anna
    assert gallery.family("nobody") == []


def test_a_name_is_found_as_people_read_it(gallery: Gallery) -> None:
    anna, bert = enroll(gallery, "Anna  Maria"), enroll(gallery, "Bert", seed=5)
    assert [s.subject_id for s in gallery.namesakes("anna maria", None)] == [anna]
    merge(gallery, bert, anna)
    assert gallery.namesakes("Bert", None) == []


def test_the_newest_photo_of_each(gallery: Gallery) -> None:
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=2)
    enroll(gallery, "Carl", seed=3)
    with gallery.change("test") as change:
        empty = change.add_subject("Dora", None)
    newest = gallery.newest_samples([anna, bert, empty, "nobody"])
    assert newest == {s: gallery.samples([s])[-1] for s in (anna, bert)}
    merge(gallery, bert, anna)
    assert gallery.newest_samples([anna]) == {anna: gallery.samples([anna, bert])[-1]}
    assert gallery.samples([anna, bert], newest=3) == gallery.samples([anna, bert])[1:]


def test_templates_say_which_photo_they_are_of(gallery: Gallery) -> None:
    anna = enroll(gallery, "Anna", seed=1)
    enroll(gallery, "Bert", seed=2)
    found = gallery.stored_templates([anna])
    assert {t.sample_id for t in found} == {s.sample_id for s in gallery.samples([anna])}
    assert any(t.vector == pytest.approx(vector(1)) for t in found)


def test_the_audit_trail_of_one_person(gallery: Gallery) -> None:
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=2)
    actions = ["subject.add", "consent.add", "samples.add"]
    name = gallery.pseudonyms([anna])[anna]
    assert [e.action for e in gallery.audit_page(names=[name])[0]] == actions[::-1]
    merge(gallery, bert, anna)
    assert [e.action for e in gallery.audit_page(names=[name])[0]] == [
        "subject.merge",
        *actions[::-1],
    ]


def test_heads_that_saw_somebody(gallery: Gallery) -> None:
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=2)
    with gallery.change("test") as change:
        change.add_head("one", "champion", 1, {"mode": "imprint"}, [anna])
    with gallery.change("test") as change:
        change.add_head("two", "champion", 2, {"mode": "imprint"}, [anna, bert])
    seen = [(h.head_id, h.state) for h in gallery.heads_that_saw([anna])]
    assert seen == [("two", "champion"), ("one", "retired")]
    assert [h.head_id for h in gallery.heads_that_saw([bert])] == ["two"]


def test_what_a_night_counted_is_kept_for_each_person(gallery: Gallery) -> None:
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=2)
    put_night(gallery, "2026-11-20", {anna: (1, 3), bert: (2, 2), "gone": (1, 1)})
    put_night(gallery, "2026-11-21", {anna: (3, 3)})
    nights = gallery.nights_of([anna])
    assert [(n.day.date().isoformat(), n.found, n.tried) for n in nights] == [
        ("2026-11-20", 1, 3), ("2026-11-21", 3, 3),
    ]  # fmt: skip
    merge(gallery, bert, anna)
    assert [(n.found, n.tried) for n in gallery.nights_of([anna, bert])] == [(3, 5), (3, 3)]
    put_night(gallery, "2026-11-21", {anna: (2, 3)})
    assert [n.found for n in gallery.nights_of([anna])] == [1, 2], "a night that is run again"
    put_night(gallery, "2027-03-01", {bert: (0, 2)})
    assert gallery.nights_of([anna]) == [], "old nights go"


def test_what_nights_counted_goes_with_the_person(gallery: Gallery) -> None:
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=2)
    put_night(gallery, "2026-11-21", {anna: (1, 3), bert: (2, 2)})
    with gallery.change("test") as change:
        assert change.erase([anna])["events"] == 1
    assert gallery.nights_of([anna]) == []
    assert [n.found for n in gallery.nights_of([bert])] == [2]
