"""A whole gallery whose index is in a real Milvus Lite, beside FAISS and a few lines of numpy."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from store.archive import open_archive
from store.errors import IndexAway, IndexDamaged, StoreError
from store.gallery import Gallery, create_gallery, open_gallery
from store.index import TemplateIndex
from store.milvus import check_url, place_of
from store.milvus_index import MilvusIndex
from tests.milvus import Milvus, Way, running
from tests.store.places import KEY, D, enroll, facts, in_folder, sample, vector

pytestmark = pytest.mark.slow
NEW = bytes(reversed(range(32)))


@pytest.fixture
def milvus(tmp_path: Path) -> Iterator[Milvus]:
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def url(tmp_path: Path) -> str:
    return in_folder(tmp_path)


@contextmanager
def opened(url: str, index: str | None, key: bytes = KEY) -> Iterator[Gallery]:
    made = open_gallery(url, key, index=index)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def gallery(url: str, milvus: Milvus) -> Iterator[Gallery]:
    create_gallery(url, KEY, facts(), 0.01)
    with opened(url, milvus.url) as made:
        yield made


def erase(gallery: Gallery, subject_id: str) -> None:
    with gallery.change("test") as change:
        change.erase([subject_id])


def found(gallery: Gallery, seed: int, k: int = 3) -> list[tuple[int, float]]:
    return [(m.template_id, m.score) for m in gallery.search(vector(seed)[None], k)[0]]


def names(gallery: Gallery, seed: int) -> str | None:
    matches = gallery.search(vector(seed)[None], 1)[0]
    return matches[0].subject_id if matches else None


def by_numpy(rows: dict[int, np.ndarray], probe: np.ndarray, k: int) -> list[tuple[int, float]]:
    cosines = {i: float(np.float32(r.astype(float) @ probe.astype(float))) for i, r in rows.items()}
    return sorted(cosines.items(), key=lambda one: (-one[1], one[0]))[:k]


# -- it answers as the others do ------------------------------------------------------------------


def test_faiss_numpy_and_milvus_agree_to_the_bit(gallery: Gallery, url: str) -> None:
    """People come, go, are suspended, and come back; two of them have the very same vector."""
    random = np.random.default_rng(5)
    with opened(url, None) as memory:
        people: list[str] = []
        for step in range(30):
            deed = random.integers(4)
            if deed < 2 or len(people) < 3:
                people.append(enroll(gallery, f"P{step}", 3, seed=int(random.integers(40))))
            elif deed == 2:
                erase(gallery, people.pop(int(random.integers(len(people)))))
            else:
                with gallery.change("test") as change:
                    state = ("suspended", "active")[int(random.integers(2))]
                    change.set_state(people[int(random.integers(len(people)))], state)
            probes = np.stack([vector(int(seed)) for seed in random.integers(60, size=3)])
            held = memory.templates()
            rows = dict(zip(held.ids, held.vectors, strict=True))
            assert gallery.finish_erasures()
            for k in (1, 4, 500):
                ours, theirs = gallery.search(probes, k), memory.search(probes, k)
                assert ours == theirs, f"step {step}, k {k}"
                for probe, matches in zip(probes, ours, strict=True):
                    expected = by_numpy(rows, probe, k)
                    assert [m.score for m in matches] == pytest.approx(
                        [score for _, score in expected], abs=1e-6
                    )
                    assert len(matches) == min(k, len(rows))
        assert gallery.verify().sound
        assert gallery.verify().live_digest == memory.verify().live_digest


def test_hundreds_of_equal_rows_come_in_order_of_id(gallery: Gallery) -> None:
    for n in range(20):
        with gallery.change("test") as change:
            who = change.add_subject(f"Twin {n}", None)
            consent = change.add_consent(who, "consent", "yes")
            change.add_samples(who, consent, [sample(7) for _ in range(20)])
    answer = found(gallery, 7, 5)
    assert [i for i, _ in answer] == sorted(gallery.templates().ids)[:5]
    assert len({score for _, score in answer}) == 1


def test_nobody_is_found_in_an_empty_one(gallery: Gallery) -> None:
    assert gallery.search(vector(1)[None], 3) == [[]]
    assert gallery.search(np.empty((0, D), np.float32), 3) == []
    assert gallery.verify().sound


# -- what Milvus holds ----------------------------------------------------------------------------


def test_no_template_and_no_name_is_there(gallery: Gallery, milvus: Milvus) -> None:
    enroll(gallery, "Zerubabel Unmistakable", 3, seed=1)
    held, rows = gallery.templates(), milvus.rows()
    assert set(rows) == set(held.ids)
    there = np.array([rows[i] for i in held.ids], np.float32)
    assert there @ there.T == pytest.approx(held.vectors @ held.vectors.T, abs=1e-6)
    assert np.abs((there * held.vectors).sum(axis=1)).max() < 0.999
    written = [p for p in (milvus.folder / "milvus").rglob("*") if p.is_file()]
    content = b"".join(p.read_bytes() for p in written)
    assert written
    assert np.float32(there[0, 0]).tobytes() in content, "so this test can see what is there"
    assert held.vectors[0, :2].tobytes() not in content
    assert b"Unmistakable" not in content


def test_another_key_is_another_turn_and_the_old_rows_go(
    gallery: Gallery, milvus: Milvus, url: str, tmp_path: Path
) -> None:
    anna = enroll(gallery, "Anna", 2, seed=1)
    before, (old,) = milvus.rows(), milvus.collections()
    gallery.rotate(open_archive(tmp_path / "archive", gallery.vault), NEW, "test")
    gallery.close()
    with opened(url, milvus.url, NEW) as after:
        assert names(after, 1) == anna
        assert after.verify().sound
    assert milvus.collections() != [old]
    rows = milvus.rows()
    assert rows.keys() == before.keys()
    assert all(np.abs(np.subtract(rows[i], before[i])).max() > 0.01 for i in rows)


def test_who_is_erased_is_gone_from_milvus(gallery: Gallery, milvus: Milvus) -> None:
    anna, bert = enroll(gallery, "Anna", 2, seed=1), enroll(gallery, "Bert", 2, seed=9)
    theirs = set(gallery.templates_of([anna]).ids)
    assert theirs <= milvus.rows().keys()
    erase(gallery, anna)
    assert gallery.finish_erasures()
    assert milvus.rows().keys() == set(gallery.templates_of([bert]).ids)
    assert gallery.unfinished_erasures() == 0
    assert names(gallery, 1) == bert
    assert gallery.verify().sound


def test_who_is_suspended_is_not_named(gallery: Gallery) -> None:
    """Their rows stay there, and push nobody out of the answer."""
    anna, bert = enroll(gallery, "Anna", 60, seed=1), enroll(gallery, "Bert", 1, seed=200)
    with gallery.change("test") as change:
        change.set_state(anna, "suspended")
    assert names(gallery, 1) == bert
    with gallery.change("test") as change:
        change.set_state(anna, "active")
    assert names(gallery, 1) == anna


def test_who_was_suspended_and_is_erased_is_gone(
    gallery: Gallery, milvus: Milvus, url: str
) -> None:
    """Nothing moves among those who can be found, and it is noticed all the same."""
    anna, _ = enroll(gallery, "Anna", 2, seed=1), enroll(gallery, "Bert", 2, seed=9)
    with gallery.change("test") as change:
        change.set_state(anna, "suspended")
    with opened(url, milvus.url) as other:
        names(other, 1)
        erase(other, anna)
        assert other.finish_erasures()
        assert milvus.rows().keys() == set(other.templates().ids)


# -- several processes ----------------------------------------------------------------------------


def test_what_another_process_does_is_seen(gallery: Gallery, url: str, milvus: Milvus) -> None:
    with opened(url, milvus.url) as other:
        anna = enroll(gallery, "Anna", 2, seed=1)
        assert names(other, 1) == anna
        bert = enroll(other, "Bert", 2, seed=9)
        assert names(gallery, 9) == bert
        erase(other, anna)
        assert names(gallery, 1) == bert
        assert other.finish_erasures()
        assert milvus.rows().keys() == set(gallery.templates().ids)
        assert gallery.verify().sound


def test_who_is_late_brings_nobody_back(gallery: Gallery, url: str, milvus: Milvus) -> None:
    """One process has yet to write a row when another one erases whose it is."""
    with opened(url, milvus.url) as other:
        anna = enroll(gallery, "Anna", 2, seed=1)
        ids = gallery.templates_of([anna]).ids
        gallery._index._missing.update(ids)  # type: ignore[union-attr]
        erase(other, anna)
        assert other.finish_erasures()
        gallery._index.settle(gallery._holding)
        assert milvus.rows() == {}


_KILLED = """
import os, sys
from store.milvus import MilvusCollection
from tests.store.places import KEY, enroll
from store.gallery import open_gallery
gallery = open_gallery(sys.argv[1], KEY, index=sys.argv[2])
enroll(gallery, "Anna", 2, seed=1)
setattr(MilvusCollection, sys.argv[3], lambda *_: os.kill(os.getpid(), 9))
if sys.argv[3] == "put":
    enroll(gallery, "Bert", 2, seed=9)
else:
    with gallery.change("test") as change:
        change.erase(gallery.subject_ids())
"""


@pytest.mark.parametrize("at", ["put", "delete"])
def test_a_kill_is_mended_at_the_next_opening(
    url: str, milvus: Milvus, tmp_path: Path, at: str
) -> None:
    create_gallery(url, KEY, facts(), 0.01)
    words = [sys.executable, "-c", _KILLED, url, milvus.url, at]
    assert subprocess.run(words, check=False).returncode == -9
    assert len(milvus.rows()) == 2, "before: Bert is missing, or Anna is still there"
    with opened(url, milvus.url) as after:
        if at == "put":
            bert = next(s.subject_id for s in after.subjects().values() if s.name == "Bert")
            assert names(after, 9) == bert
        else:
            assert after.unfinished_erasures() == 0
        assert milvus.rows().keys() == set(after.templates().ids)
        assert len(milvus.rows()) == (4 if at == "put" else 0)
        assert after.verify().sound


# -- a Milvus that is wrong -----------------------------------------------------------------------


def test_a_foreign_row_names_nobody(gallery: Gallery, milvus: Milvus) -> None:
    """A row that would be nearest of all, under an id that no template has."""
    anna = enroll(gallery, "Anna", 2, seed=1)
    stranger = gallery._index._turn.apply(vector(77)[None])[0]  # type: ignore[union-attr]
    milvus.put({12345: stranger.tolist()})
    assert {i for i, _ in found(gallery, 77)} <= set(gallery.templates_of([anna]).ids)
    assert not gallery.verify().sound
    gallery.rebuild()
    assert 12345 not in milvus.rows()
    assert gallery.verify().sound


def test_a_swapped_vector_lets_no_stranger_in(gallery: Gallery, milvus: Milvus) -> None:
    """Anna's row is the stranger's: Anna's score is still that of her own template, and the row is
    hers again before the next answer."""
    enroll(gallery, "Anna", 1, seed=1)
    (her_id,) = gallery.templates().ids
    before = milvus.rows()[her_id]
    stranger = gallery._index._turn.apply(vector(77)[None])[0]  # type: ignore[union-attr]
    milvus.put({her_id: stranger.tolist()})
    right = float(np.float32(vector(1).astype(float) @ vector(77).astype(float)))
    assert not gallery.verify().sound
    assert found(gallery, 77) == [(her_id, right)]
    assert found(gallery, 1) == [(her_id, 1.0)] or found(gallery, 1)[0][1] > 0.999
    assert milvus.rows()[her_id] == before
    assert gallery.verify().sound


def test_a_swapped_vector_is_found_by_comparing_all(gallery: Gallery, milvus: Milvus) -> None:
    enroll(gallery, "Anna", 2, seed=1)
    before = milvus.rows()
    one, other = before
    milvus.put({one: before[other], other: before[one]})
    assert not gallery.verify().sound
    gallery.rebuild()
    assert gallery.verify().sound
    assert milvus.rows() == before


def test_rows_that_are_lost_are_noticed_and_written_anew(gallery: Gallery, milvus: Milvus) -> None:
    anna = enroll(gallery, "Anna", 3, seed=1)
    gallery.search(vector(1)[None], 1)
    milvus.delete(*milvus.rows())
    with pytest.raises(IndexDamaged, match="fewer rows"):
        names(gallery, 1)
    assert names(gallery, 1) == anna
    assert len(milvus.rows()) == 3


def test_one_lost_row_of_many_is_noticed_when_it_is_asked_how_it_is(
    gallery: Gallery, milvus: Milvus
) -> None:
    enroll(gallery, "Anna", 30, seed=1)
    gallery.check_index()
    milvus.delete(min(milvus.rows()))
    with pytest.raises(IndexDamaged, match="fewer rows"):
        gallery.check_index()
    gallery.check_index()
    assert len(milvus.rows()) == 30


def test_a_collection_of_another_shape_is_refused_and_rebuilt(
    gallery: Gallery, milvus: Milvus, url: str
) -> None:
    anna = enroll(gallery, "Anna", 1, seed=1)
    with milvus.client() as client:
        (name,) = client.list_collections()
        client.drop_collection(name)
        client.create_collection(name, dimension=4)
    with opened(url, milvus.url) as other:
        with pytest.raises(IndexDamaged, match="fields"):
            names(other, 1)
        other.rebuild()
        assert names(other, 1) == anna


def test_another_gallery_beside_is_left_alone(
    gallery: Gallery, milvus: Milvus, tmp_path: Path
) -> None:
    anna = enroll(gallery, "Anna", 1, seed=1)
    (tmp_path / "other").mkdir()
    other_url = in_folder(tmp_path / "other")
    create_gallery(other_url, KEY, facts(), 0.01)
    with opened(other_url, milvus.url) as other:
        assert names(other, 1) is None
        bert = enroll(other, "Bert", 1, seed=1)
        assert names(other, 1) == bert
        other.drop_index()
    assert names(gallery, 1) == anna
    assert len(milvus.collections()) == 1


def test_numbers_that_are_none_are_refused(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No real Milvus does so: the client's answer is changed under our hands."""
    anna = enroll(gallery, "Anna", 2, seed=1)
    assert names(gallery, 1) == anna
    client = gallery._index._collection._client  # type: ignore[union-attr]
    ids = gallery.templates().ids
    for answer in (
        [[{"id": ids[0], "distance": float("nan")}, {"id": ids[1], "distance": 0.1}]],
        [[{"id": ids[0], "distance": 0.2}, {"id": ids[0], "distance": 0.1}]],
        [[{"id": ids[0], "distance": 0.2}], []],
        [[{"distance": 0.2}]],
        [],
    ):
        with monkeypatch.context() as patch:
            patch.setattr(client, "search", lambda *_, answer=answer, **__: answer)
            with pytest.raises(IndexDamaged):
                names(gallery, 1)
        assert names(gallery, 1) == anna


# -- a Milvus that is away or slow ----------------------------------------------------------------


def test_away_nobody_is_named_and_nothing_is_lost(
    gallery: Gallery, milvus: Milvus, url: str
) -> None:
    anna = enroll(gallery, "Anna", 2, seed=1)
    assert names(gallery, 1) == anna
    milvus.kill()
    with pytest.raises(IndexAway, match=f"127.0.0.1:{milvus.port}"):
        names(gallery, 1)
    bert = enroll(gallery, "Bert", 2, seed=9)
    assert gallery.count() == 2, "it is confirmed, and written when Milvus is back"
    erase(gallery, anna)
    with pytest.raises(IndexAway):
        gallery.finish_erasures()
    assert gallery.unfinished_erasures() == 1
    with opened(url, milvus.url) as other:
        assert other.unfinished_erasures() == 1, "opening does not end it without Milvus"
    milvus.start()
    with opened(url, milvus.url) as other:
        assert other.unfinished_erasures() == 0
        assert names(other, 9) == bert
    time.sleep(2.1)  # the pause after a failure
    assert names(gallery, 9) == bert
    assert milvus.rows().keys() == set(gallery.templates().ids)
    assert gallery.verify().sound


def test_slow_ends_at_its_deadline(url: str, milvus: Milvus) -> None:
    way = Way(milvus.port)
    create_gallery(url, KEY, facts(), 0.01)
    with opened(url, way.url) as gallery:
        anna = enroll(gallery, "Anna", 2, seed=1)
        assert names(gallery, 1) == anna
        way.silent = True
        began = time.monotonic()
        with pytest.raises(IndexAway):
            names(gallery, 1)
        assert 3 < time.monotonic() - began < 12
        began = time.monotonic()
        with pytest.raises(IndexAway):
            names(gallery, 1)
        assert time.monotonic() - began < 0.5, "nobody waits for what has just failed"
        way.silent = False
        time.sleep(2.1)
        assert names(gallery, 1) == anna
    way.close()


# -- to and fro -----------------------------------------------------------------------------------


def test_from_memory_to_milvus_and_back(url: str, milvus: Milvus) -> None:
    create_gallery(url, KEY, facts(), 0.01)
    with opened(url, None) as memory:
        anna = enroll(memory, "Anna", 3, seed=1)
        digest = memory.verify().live_digest
    with opened(url, milvus.url) as gallery:
        assert names(gallery, 1) == anna
        assert gallery.verify().live_digest == digest
        assert gallery.index_bytes == 0
        gallery.drop_index()
    assert milvus.collections() == []
    with opened(url, None) as memory:
        assert names(memory, 1) == anna


def test_lite_in_this_process(url: str, tmp_path: Path) -> None:
    create_gallery(url, KEY, facts(), 0.01)
    with opened(url, str(tmp_path / "lite.db")) as gallery:
        anna = enroll(gallery, "Anna", 2, seed=1)
        assert names(gallery, 1) == anna
        index = TemplateIndex(D)
        held = gallery.templates()
        index.add(held.ids, held.vectors)
        assert found(gallery, 5, 2) == index.search(vector(5)[None], 2)[0]


# -- found by fresh eyes --------------------------------------------------------------------------


def test_who_was_suspended_before_we_looked_leaves_no_row(
    gallery: Gallery, url: str, milvus: Milvus
) -> None:
    with opened(url, milvus.url) as other:
        enroll(gallery, "Other", 1, seed=9)
        names(other, 9)
        anna = enroll(gallery, "Anna", 2, seed=1)
        with gallery.change("test") as change:
            change.set_state(anna, "suspended")
        names(other, 9)
        erase(other, anna)
        assert other.finish_erasures()
        assert len(milvus.rows()) == 1


def test_nobody_confirms_an_erasure_that_began_meanwhile(
    gallery: Gallery, url: str, milvus: Milvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url, milvus.url) as other:
        anna, bert = enroll(gallery, "Anna", 1, seed=3), enroll(gallery, "Bert", 1, seed=4)
        erase(other, anna)
        settle = Gallery.settle_index

        def another_begins(self: Gallery, *, erasing: bool = False) -> None:
            settle(self, erasing=erasing)
            with monkeypatch.context() as killed:  # right after its commit
                killed.setattr(MilvusIndex, "settle", lambda *_, **__: None)
                erase(gallery, bert)

        monkeypatch.setattr(Gallery, "settle_index", another_begins)
        assert other.finish_erasures()
        assert other.unfinished_erasures() == 1


def test_what_is_committed_is_no_failure(
    gallery: Gallery, url: str, milvus: Milvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = enroll(gallery, "Anna", 1, seed=3)
    gallery.close()
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with opened(url, milvus.url) as without:
        erase(without, anna)
        assert anna not in without.subjects()


def test_a_silent_milvus_keeps_writers_for_seconds(url: str, milvus: Milvus) -> None:
    create_gallery(url, KEY, facts(), 0.01)
    way = Way(milvus.port)
    with opened(url, way.url) as gallery, opened(url, None) as other:
        enroll(gallery, "Other", 1, seed=9)
        names(gallery, 9)
        way.silent = True
        began = time.monotonic()
        enroll(gallery, "Anna", 1, seed=2)
        with other.change("test") as change:
            change.add_subject("Quick", None)
        assert time.monotonic() - began < 20
        way.silent = False
    way.close()


def test_a_search_does_not_wait_for_writers(gallery: Gallery, url: str, milvus: Milvus) -> None:
    anna, bert = enroll(gallery, "Anna", 1, seed=1), enroll(gallery, "Bert", 1, seed=2)
    with opened(url, milvus.url) as other:
        assert names(other, 1) == anna
        with gallery.change("test") as change:
            change.set_state(bert, "suspended")
        with gallery.change("test"):
            assert names(other, 1) == anna
            assert names(other, 2) != bert


def test_a_change_while_it_is_verified_is_no_alarm(
    gallery: Gallery, url: str, milvus: Milvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    enroll(gallery, "Anna", 1, seed=3)
    with opened(url, milvus.url) as other:
        digests, come = MilvusIndex.digests, iter([5])

        def meanwhile(self: MilvusIndex, *given: object) -> tuple[str, str]:
            for seed in come:
                enroll(gallery, "New", 1, seed=seed)
            return digests(self, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(MilvusIndex, "digests", meanwhile)
        assert other.verify().sound


@pytest.mark.parametrize(
    "wrong",
    [
        "https://rollcall:12#34secret@host:19530",
        "https://rollcall:12/34secret@host:19530",
        "https://rollcall:pa/ss@h:19530",
        "u:secret@host.db",
        "http:/u:secret@h/x.db",
    ],
)
def test_a_password_that_was_not_written_as_one_is_said_nowhere(wrong: str) -> None:
    with pytest.raises(StoreError) as refused:
        check_url(wrong)
    assert "secret" not in str(refused.value)
    assert "secret" not in place_of(wrong)
    assert "ss@" not in place_of(wrong)
