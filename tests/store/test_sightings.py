"""Faces that wait, and faces that were said no to: kept apart, sealed, and gone when they go."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from store.database import open_engine
from store.errors import BadVector, GalleryDamaged
from store.gallery import Gallery, open_gallery
from store.records import Sighting
from tests.store.places import (
    KEY,
    enroll,
    in_folder,
    make,
    postgresql,
    queue,
    sighting,
    vector,
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return in_folder(tmp_path)


def by_id(gallery: Gallery) -> dict[str, Sighting]:
    return {found.sighting_id: found for found in gallery.sightings()}


def say_no(gallery: Gallery, sighting_id: str, subject_id: str | None) -> str:
    with gallery.change("test") as change:
        said = by_id(gallery)[sighting_id]
        negative = change.add_negative(said, subject_id, {"sighting": sighting_id})
        change.drop_sightings([sighting_id])
    return negative


def check_the_queue(url: str) -> None:
    gallery = make(url)
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=9)
    before = gallery.generation()
    new = sighting(3, kind="disagreement", nearest=anna, rival=bert)
    first, second = queue(gallery, new, sighting(4))
    assert gallery.generation() == before, "a face that waits changes no answer"
    other = open_gallery(url, KEY)
    found = by_id(other)
    assert set(found) == {first, second}
    assert (found[first].kind, found[first].nearest, found[first].rival) == (
        "disagreement",
        anna,
        bert,
    )
    assert found[first].details["source"] == "door"
    assert found[first].vector.tobytes() == vector(3).tobytes()
    assert other.sighting_images([first, "gone"]) == {first: new.image}
    assert other.has_sighting(new.image)
    assert not other.has_sighting(b"another")
    assert other.sightings(datetime.now(UTC) + timedelta(seconds=1)) == []
    assert other.queue_size()[0] == 2
    no_anna = say_no(gallery, first, anna)
    no_one = say_no(gallery, second, None)
    assert gallery.generation() == before + 2, "a no changes answers"
    assert other.sightings() == []
    found_negatives = other.negatives()
    whose = dict(zip(found_negatives.ids, found_negatives.subject_ids, strict=True))
    assert whose == {no_anna: anna, no_one: None}
    assert found_negatives.vectors.dtype == np.float32
    assert found_negatives.vectors.shape == (2, 8)
    assert found_negatives.generation == other.generation()
    with gallery.change("test") as change:
        change.merge(anna, bert)
    assert set(other.negatives().subject_ids) == {bert, None}, "who is merged answers as the other"
    with gallery.change("test") as change:
        assert change.drop_negatives([no_one, "gone"]) == 1
    assert other.negatives().ids == (no_anna,)
    (old,) = queue(gallery, sighting(5))
    (new,) = queue(gallery, sighting(6))
    with gallery.change("test", raises_generation=False) as change:
        assert change.drop_old_sightings(datetime(2020, 1, 1, tzinfo=UTC), 1) == 1
        assert [s.sighting_id for s in change.sightings()] == [new]
        assert change.drop_old_sightings(change.at, 1) == 1
        assert old != new
    with gallery.change("test") as change:
        counts = change.erase([anna, bert])
    assert counts["negatives"] == 1
    assert gallery.verify().sound
    other.close()
    gallery.close()


def test_the_queue(url: str) -> None:
    check_the_queue(url)


@pytest.mark.slow
def test_the_queue_on_postgresql() -> None:
    with postgresql() as url:
        check_the_queue(url)


def test_a_no_is_no_growth(url: str) -> None:
    """Who follows by growth alone must look again: a no changes who is found."""
    gallery = make(url)
    anna = enroll(gallery, "Anna", seed=1)
    (queued,) = queue(gallery, sighting(2))
    before = gallery.generation()
    negative = say_no(gallery, queued, anna)
    assert gallery.grown_since(before) is None
    before = gallery.generation()
    with gallery.change("test") as change:
        change.drop_negatives([negative])
    assert gallery.grown_since(before) is None


def test_old_ones_go_first(url: str) -> None:
    gallery = make(url)
    ids = [queue(gallery, sighting(i))[0] for i in range(5)]
    third = by_id(gallery)[ids[2]].at
    with gallery.change("test", raises_generation=False) as change:
        assert change.drop_old_sightings(third, 2) == 3
    assert list(by_id(gallery)) == ids[3:]
    with gallery.change("test", raises_generation=False) as change:
        assert change.drop_old_sightings(change.at, 10) == 2
    assert gallery.queue_size() == (0, None)


def test_taking_a_face_twice_takes_it_once(url: str) -> None:
    queued = queue(make(url), *(sighting(i) for i in range(20)))

    def take(_worker: int) -> int:
        gallery = open_gallery(url, KEY)
        taken = 0
        for sighting_id in queued:
            with gallery.change("test") as change:
                taken += change.drop_sightings([sighting_id])
        gallery.close()
        return taken

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 20


def test_erasing_takes_along_what_is_linked(url: str, tmp_path: Path) -> None:
    gallery = make(url)
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=9)
    likes_anna, quarrel, free, by_likeness, to_anna, to_bert, no_one = queue(
        gallery,
        sighting(21, kind="near_miss", nearest=anna),
        sighting(22, kind="disagreement", nearest=bert, rival=anna),
        sighting(23),
        sighting(24),
        sighting(25),
        sighting(26),
        sighting(27, kind="near_miss", nearest=anna),
    )
    not_anna = say_no(gallery, to_anna, anna)
    not_bert = say_no(gallery, to_bert, bert)
    stranger_like_anna = say_no(gallery, no_one, None)
    engine = open_engine(url)
    with engine.connect() as connection:
        gone = [
            cell
            for row in connection.execute(
                sa.text(
                    "SELECT image, vector, details FROM sightings WHERE sighting_id IN (:a, :b, :c)"
                ),
                {"a": likes_anna, "b": quarrel, "c": by_likeness},
            )
            for cell in row
        ]
        gone += [
            cell
            for row in connection.execute(
                sa.text("SELECT vector, details FROM negatives WHERE negative_id IN (:a, :b)"),
                {"a": not_anna, "b": stranger_like_anna},
            )
            for cell in row
        ]
    engine.dispose()
    assert len(gone) == 13
    with gallery.change("test") as change:
        counts = change.erase([anna], [by_likeness, "gone"], [])
    assert (counts["sightings"], counts["negatives"]) == (3, 2)
    assert gallery.finish_erasures()
    assert list(by_id(gallery)) == [free]
    assert gallery.negatives().ids == (not_bert,)
    live = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for trace in (*gone, anna.encode(), likes_anna.encode(), not_anna.encode()):
        assert trace not in live


def test_nothing_of_a_face_is_readable(url: str, tmp_path: Path) -> None:
    gallery = make(url)
    anna = enroll(gallery, "Anna", seed=1)
    kept, said = queue(gallery, sighting(3, source="door 7"), sighting(4, source="door 7"))
    say_no(gallery, said, anna)
    live = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for trace in (vector(3).tobytes(), vector(4).tobytes(), b"stranger's picture", b"door 7"):
        assert trace not in live
    assert gallery.sighting_images([kept])[kept].startswith(b"stranger's picture")


@pytest.mark.parametrize(
    ("statement", "reads"),
    [
        ("UPDATE sightings SET sighting_id = 'x' WHERE sighting_id = :a", Gallery.sightings),
        ("UPDATE sightings SET vector = image", Gallery.sightings),
        ("UPDATE sightings SET details = vector", Gallery.sightings),
        ("UPDATE negatives SET negative_id = 'x'", Gallery.negatives),
        ("UPDATE negatives SET vector = details", Gallery.negative_list),
        (
            "UPDATE negatives SET vector = (SELECT vector FROM sightings LIMIT 1)",
            Gallery.negative_list,
        ),
    ],
)
def test_a_row_that_was_moved_does_not_open(url: str, statement: str, reads) -> None:
    gallery = make(url)
    kept, said = queue(gallery, sighting(3), sighting(4))
    say_no(gallery, said, None)
    with open_engine(url).begin() as connection:
        words = {"a": kept} if ":a" in statement else {}
        assert connection.execute(sa.text(statement), words).rowcount == 1
    with pytest.raises(GalleryDamaged):
        reads(open_gallery(url, KEY))


def test_what_is_no_embedding_is_not_queued(url: str) -> None:
    gallery = make(url)
    bad = sighting(1)
    bad.vector[0] = np.nan
    with pytest.raises(BadVector):
        queue(gallery, bad)
    assert gallery.sightings() == []


def test_another_pipelines_faces_are_not_compared(url: str) -> None:
    gallery = make(url)
    queue(gallery, sighting(1))
    with open_engine(url).begin() as connection:
        connection.exec_driver_sql("UPDATE sightings SET fingerprint = 'another'")
    assert gallery.sightings() == []
    assert gallery.queue_size()[0] == 1
    with gallery.change("test", raises_generation=False) as change:
        assert change.drop_old_sightings(change.at, 0) == 1
