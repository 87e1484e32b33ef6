import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from store import audit, seal
from store.change import template_context
from store.database import damage, make_database, migrate, open_engine, translated
from store.errors import (
    BadVector,
    GalleryDamaged,
    GalleryExists,
    GalleryMissing,
    KeyMissing,
    StoreError,
    UnknownSubject,
)
from store.gallery import create_gallery, open_gallery, read_facts
from store.records import NewSample
from store.schema import metadata, subject_keys, subjects, templates
from store.vault import Vault
from store.vectors import vectors
from tests.store.places import KEY, enroll, facts, in_folder, make, postgresql, sample, vector


@pytest.fixture
def url(tmp_path: Path) -> str:
    return in_folder(tmp_path)


def test_what_is_enrolled_is_found_by_every_process(url: str) -> None:
    one = make(url)
    other = open_gallery(url, KEY)
    anna = enroll(one, "Anna", seed=1)
    for gallery in (one, other):
        (match,) = gallery.search(vector(1)[None], 1)[0]
        assert match.subject_id == anna
        assert match.score == pytest.approx(1, abs=1e-5)
    assert other.subjects()[anna].templates == 2
    assert other.verify().sound
    assert one.templates().vectors.tobytes() == other.templates().vectors.tobytes()


def test_a_failed_change_leaves_nothing(url: str) -> None:
    gallery = make(url)
    enroll(gallery, "Anna")
    before = gallery.generation()
    bad = NewSample(b"d" * 32, b"p", {}, np.full(8, np.nan, np.float32))
    with pytest.raises(BadVector), gallery.change("test") as change:
        subject_id = change.add_subject("Bert", None)
        consent = change.add_consent(subject_id, "consent", "yes")
        change.add_samples(subject_id, consent, [sample(), bad])
    assert [s.name for s in gallery.subjects().values()] == ["Anna"]
    assert gallery.generation() == before
    assert gallery.verify().sound
    assert open_gallery(url, KEY).verify().sound


def test_no_template_without_consent(url: str) -> None:
    gallery = make(url)
    anna = enroll(gallery, "Anna")
    with pytest.raises(StoreError), gallery.change("test") as change:
        change.add_samples(anna, "no-such-consent", [sample()])
    assert gallery.subjects()[anna].templates == 2


def test_labels_move_and_vectors_do_not(url: str) -> None:
    gallery = make(url)
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=9)
    stored = "SELECT template_id, vector FROM templates ORDER BY template_id"
    with open_engine(url).connect() as connection:
        before = connection.exec_driver_sql(stored).fetchall()
    with gallery.change("test") as change:
        change.rename(anna, "Anne")
        change.merge(anna, bert)
    assert gallery.search(vector(1)[None], 1)[0][0].subject_id == bert
    assert gallery.subjects()[bert].templates == 4
    with gallery.change("test") as change:
        change.set_state(anna, "active")
    assert gallery.search(vector(1)[None], 1)[0][0].subject_id == anna
    with open_engine(url).connect() as connection:
        assert connection.exec_driver_sql(stored).fetchall() == before


def test_suspended_people_are_not_found_also_with_new_photos(url: str) -> None:
    gallery = make(url)
    anna = enroll(gallery, "Anna", seed=1)
    with gallery.change("test") as change:
        change.set_state(anna, "suspended")
    with gallery.change("test") as change:
        consent = change.add_consent(anna, "consent", "again")
        change.add_samples(anna, consent, [sample(3)])
    assert gallery.search(vector(1)[None], 5) == [[]]
    assert gallery.verify().sound
    with gallery.change("test") as change:
        change.set_state(anna, "active")
    assert len(gallery.search(vector(1)[None], 5)[0]) == 3


def test_erased_people_are_gone_from_the_files(url: str, tmp_path: Path) -> None:
    gallery = make(url)
    anna, bert = enroll(gallery, "Anna Erasable", seed=1), enroll(gallery, "Bert", seed=9)
    with open_engine(url).connect() as connection:
        rows = connection.execute(
            sa.text("SELECT vector FROM templates WHERE subject_id = :s"), {"s": anna}
        ).scalars()
        sealed = list(rows)
    with gallery.change("test") as change:
        change.merge(bert, anna)
    with gallery.change("test") as change:
        change.erase([anna, bert])
    assert gallery.finish_erasures()
    assert gallery.search(vector(1)[None], 5) == [[]]
    live = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert len(sealed) == 2
    for trace in (*sealed, b"Anna Erasable", anna.encode()):
        assert trace not in live
    with pytest.raises(UnknownSubject), gallery.change("test") as change:
        change.rename(anna, "Again")


def test_nothing_on_disk_is_readable(url: str, tmp_path: Path) -> None:
    gallery = make(url)
    enroll(gallery, "Anna", seed=1)
    live = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert vector(1).tobytes() not in live
    assert b"picture" not in live
    assert gallery.samples([next(iter(gallery.subjects()))])[0].image == b"picture"


def test_a_template_moved_to_another_subject_does_not_open(url: str) -> None:
    gallery = make(url)
    anna, bert = enroll(gallery, "Anna"), enroll(gallery, "Bert")
    with open_engine(url).begin() as connection:
        connection.execute(
            sa.text("UPDATE templates SET subject_id = :b WHERE subject_id = :a"),
            {"a": anna, "b": bert},
        )
    with pytest.raises(GalleryDamaged):
        open_gallery(url, KEY).templates()


def test_audit_chain_notices_every_change(url: str) -> None:
    gallery = make(url)
    for name in ("Anna", "Bert", "Cleo"):
        enroll(gallery, name)
    assert gallery.verify().audit.intact
    engine = open_engine(url)
    for statement in (
        "UPDATE audit SET action = 'x' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
        "UPDATE audit SET at = '2020' WHERE seq = 3",
    ):
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
            assert audit.verified_to(connection, gallery._vault) == 2
            connection.rollback()
    with engine.connect() as connection:
        texts = connection.exec_driver_sql("SELECT details || object FROM audit").scalars()
        assert not any("Anna" in text for text in texts)


def test_writers_wait_for_each_other(url: str) -> None:
    make(url).close()

    def work(worker: int) -> None:
        gallery = open_gallery(url, KEY)
        for i in range(5):
            enroll(gallery, f"W{worker} {i}")
        gallery.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    gallery = open_gallery(url, KEY)
    assert len(gallery.subjects()) == 40
    assert gallery.generation() == 40
    assert gallery.verify().sound


def test_the_wrong_key_and_no_gallery_are_said(url: str, tmp_path: Path) -> None:
    make(url)
    with pytest.raises(KeyMissing):
        open_gallery(url, bytes(32))
    with pytest.raises(GalleryExists):
        create_gallery(url, KEY, facts(), 0.01)
    (tmp_path / "none").mkdir()
    with pytest.raises(GalleryMissing):
        read_facts(in_folder(tmp_path / "none"))
    for wrong in ("mysql://x/y", "not a url"):
        with pytest.raises(StoreError):
            open_engine(wrong)


@pytest.mark.sqlite
def test_damage_is_found(url: str, tmp_path: Path) -> None:
    gallery = make(url)
    for i in range(20):
        enroll(gallery, f"P{i}")
    gallery.finish_erasures()
    gallery.close()
    path = tmp_path / "gallery.db"
    pages = bytearray(path.read_bytes())
    pages[3 * 4096 : 6 * 4096] = bytes(3 * 4096)
    path.write_bytes(bytes(pages))
    assert damage(open_engine(url)) is not None
    path.write_bytes(b"this is no database at all, but long enough to be looked at" * 100)
    with pytest.raises(GalleryDamaged):
        read_facts(url)


def test_migrations_make_the_schema(url: str) -> None:
    engine = open_engine(url)
    make_database(engine)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
        assert compare_metadata(context, metadata) == []
        if engine.dialect.name == "sqlite":
            tables = connection.exec_driver_sql(
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND NOT strict"
                " AND name NOT LIKE 'sqlite%' AND name <> 'alembic_version'"
            ).fetchall()
            assert tables == []
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer"):
        migrate(engine)


@pytest.mark.slow
def test_the_same_on_postgresql() -> None:
    with postgresql() as url:
        gallery = make(url)
        anna = enroll(gallery, "Anna", seed=1)
        other = open_gallery(url, KEY)
        assert other.search(vector(1)[None], 1)[0][0].subject_id == anna
        test_writers = [open_gallery(url, KEY) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda g: [enroll(g, f"{id(g)} {i}") for i in range(5)], test_writers))
        assert len(gallery.subjects()) == 21
        assert gallery.generation() == 21
        assert gallery.verify().sound
        with gallery.change("test") as change:
            change.erase([anna])
        assert gallery.finish_erasures()
        assert anna not in gallery.subjects()
        for opened in (gallery, other, *test_writers):
            opened.close()


def test_followers_learn_what_only_grew(url: str) -> None:
    gallery = make(url)
    start = gallery.generation()
    anna = enroll(gallery, "Anna", seed=1)
    before = gallery.generation()
    bert = enroll(gallery, "Bert", seed=2)
    assert gallery.grown_since(start) == {anna, bert}
    assert gallery.grown_since(before) == {bert}
    assert gallery.grown_since(gallery.generation()) == frozenset()
    assert gallery.grown_since(-1) is None
    assert gallery.templates_of([bert]).subject_ids == (bert, bert)
    assert gallery.some_subjects([bert]) == {bert: gallery.subjects()[bert]}
    with gallery.change("test") as change:
        change.rename(anna, "Anna B.")
    assert gallery.grown_since(before) == {anna, bert}, "a new name is read anew, nothing else"
    with gallery.change("test") as change:
        change.set_state(anna, "suspended")
    assert gallery.grown_since(before) is None, "somebody is not found any more"
    other = open_gallery(url, KEY)
    other.refresh()
    seen = other.generation()
    enroll(gallery, "Carl", seed=3)
    assert other.grown_since(seen) is None, "another process's changes are looked at whole"


def test_heads_and_jobs(url: str) -> None:
    gallery = make(url)
    anna = enroll(gallery, "Anna", seed=1)
    bert = enroll(gallery, "Bert", seed=2)
    with gallery.change("test") as change:
        change.add_head("one", "champion", 1, {"mode": "imprint"}, [anna, bert])
    with gallery.change("test") as change:
        change.add_head("two", "champion", 2, {"mode": "joint", "file_sha256": "0"}, [anna, bert])
    assert [(h.head_id, h.state) for h in gallery.heads()] == [
        ("one", "retired"),
        ("two", "champion"),
    ]
    with gallery.change("test") as change:
        change.put_job("nightly", "2026-11-21", "finished", change.at, {
            "reports": ["r.html"], "mentions": list(gallery.pseudonyms([anna]).values()),
        })  # fmt: skip
    (job,) = gallery.jobs("nightly")
    assert job.finished_at is not None
    with gallery.change("test") as change:
        counts = change.erase([anna])
    assert counts["heads"] == 1, "the trained head saw her; the means did not depend on her"
    assert change.dropped_reports == ["r.html"]
    assert [h.head_id for h in gallery.heads()] == ["one"]
    assert gallery.champion() is None
    (job,) = gallery.jobs("nightly")
    assert job.details["reports"] == []
    with pytest.raises(UnknownSubject, match="erased"), gallery.change("test") as change:
        change.add_head("three", "champion", 3, {}, [anna, bert])
    assert gallery.verify().sound


def test_pages_ask_for_little(url: str) -> None:
    gallery = make(url)
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=9)
    assert gallery.names([bert, anna, "gone"]) == {anna: "Anna", bert: "Bert"}
    assert gallery.names([]) == {}
    newest = gallery.newest_samples([anna])[anna]
    assert newest.sample_id == gallery.samples([anna])[-1].sample_id
    with gallery.change("test") as change:
        change.merge(bert, anna)
    of_both = gallery.newest_samples([anna, "gone"])
    assert list(of_both) == [anna]
    assert of_both[anna].sample_id == gallery.samples([anna, bert])[-1].sample_id
    with gallery.change("test", raises_generation=False) as change:
        for day in range(1, 8):
            change.put_job("nightly", f"2026-11-0{day}", "finished", change.at, {"n": day})
        change.put_job("other", "2026-11-09", "finished", change.at, {})
    some, total = gallery.page_of_jobs("nightly", 1, 2)
    assert ([job.details["n"] for job in some], total) == ([6, 5], 7)
    assert gallery.page_of_jobs("nothing") == ([], 0)


def test_a_template_that_is_no_number_is_said(url: str) -> None:
    """It cannot come in by any door; a fault of ours could still write one."""
    gallery = make(url)
    anna = enroll(gallery, "Anna", seed=1)
    (template_id, *_) = gallery.templates().ids
    with gallery._engine.begin() as connection:
        (key,) = gallery._keys(connection, [anna]).values()
        vector = np.full(gallery.facts.dimension, np.nan, np.float32)
        sealed = key.seal(
            vector.tobytes(), *template_context(template_id, gallery.facts.fingerprint)
        )
        connection.execute(
            sa.update(templates).where(templates.c.template_id == template_id).values(vector=sealed)
        )
        kept = seal.read(connection)
        _, now = seal.seal_all(connection, gallery._vault)
        seal.close(connection, gallery._vault, kept, now, gallery.generation())
    with pytest.raises(GalleryDamaged, match=f"template {template_id} of subject {anna}"):
        open_gallery(url, KEY).refresh()


@pytest.mark.parametrize("name", ["Anoa", "Bert"])
def test_a_name_that_was_changed_names_nobody(url: str, name: str) -> None:
    """One bit in a file makes Anna another; before, she was called so at the door."""
    gallery = make(url)
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=5)
    with gallery._engine.begin() as connection:
        of_anna = subjects.c.subject_id == anna
        connection.execute(sa.update(subjects).where(of_anna).values(name=name))
    damaged = open_gallery(url, KEY)
    with pytest.raises(GalleryDamaged, match=f"subject {anna} was changed.*restore a backup"):
        damaged.search(vector(1)[None], 1)
    with damaged.change("test") as change:  # who asks to be erased is erased
        change.erase([anna], "request")
    (found,) = damaged.search(vector(5)[None], 1)
    assert [match.subject_id for match in found] == [bert]


def test_what_another_process_changes_is_looked_at_and_no_more(url: str) -> None:
    gallery, other = make(url), open_gallery(url, KEY)
    anna, bert = enroll(gallery, "Anna"), enroll(gallery, "Bert")
    other.refresh()
    with gallery.change("test") as change:
        change.rename(bert, "Berta")
    other.refresh()  # only Berta's seal is another one
    with gallery._engine.begin() as connection:
        connection.execute(
            sa.update(subjects).where(subjects.c.subject_id == anna).values(name="Berta")
        )
        connection.execute(
            sa.update(subject_keys).where(subject_keys.c.subject_id == anna).values(seal=bytes(32))
        )
    with gallery.change("test") as change:
        change.rename(bert, "Bert")
    with pytest.raises(GalleryDamaged, match="seal"):
        other.refresh()


def test_a_template_without_its_row_or_key_is_said() -> None:
    """What was not found was once whatever lay in memory."""
    engine = open_engine("sqlite://")
    migrate(engine)
    with engine.begin() as connection, pytest.raises(GalleryDamaged, match=r"template 7 .*backup"):
        vectors(connection, Vault(KEY), facts(), [7])


def test_text_that_is_none_any_more_is_damage(url: str) -> None:
    gallery = make(url)
    if gallery._engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL looks at text before it takes it")
    enroll(gallery, "Anna")
    with gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE subjects SET name = CAST(x'ff41' AS TEXT)")
    with pytest.raises(GalleryDamaged, match="restore it from a backup"):
        gallery.subjects()


def test_json_that_is_none_any_more_is_damage(url: str) -> None:
    gallery = make(url)
    with gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE seals SET columns = '{' WHERE name = 'subjects'")
    with pytest.raises(GalleryDamaged, match="restore it from a backup"):
        open_gallery(url, KEY)


def test_templates_of_nobody_are_damage(url: str) -> None:
    gallery = make(url)
    if gallery._engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL keeps its foreign keys")
    anna = enroll(gallery, "Anna")
    with gallery._engine.connect() as connection:
        connection.rollback()
        connection.connection.driver_connection.executescript(
            "PRAGMA foreign_keys = OFF; UPDATE templates SET subject_id = subject_id || 'x'"
        )
    with pytest.raises(GalleryDamaged, match=f"templates of {anna}x.*restore a backup"):
        gallery.subjects()


def test_a_description_that_rotted_is_damage(url: str) -> None:
    engine = make(url)._engine
    if engine.dialect.name != "sqlite":
        pytest.skip("of SQLite's file")
    with pytest.raises(GalleryDamaged, match="restore it from a backup"), translated():
        raise UnicodeDecodeError("utf-8", b"\xe2", 0, 1, "invalid continuation byte")
    said = pytest.raises(GalleryDamaged, match="restore it from a backup")
    with said, translated(), engine.connect() as connection:
        connection.exec_driver_sql("SELECT templates.vectxr FROM templates")


def test_readiness_waits_for_nobody(url: str) -> None:
    gallery = make(url)
    enroll(gallery, "Anna", 1, seed=1)
    inside, go_on = threading.Event(), threading.Event()

    def progress(_: float) -> None:
        inside.set()
        assert go_on.wait(60)

    verifying = threading.Thread(target=gallery.verify, args=(progress,))
    verifying.start()
    assert inside.wait(60)
    asking = threading.Thread(target=gallery.check_index, daemon=True)
    asking.start()
    asking.join(30)
    stuck = asking.is_alive()
    go_on.set()
    verifying.join()
    assert not stuck
    gallery.close()
