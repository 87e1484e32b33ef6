"""What stays of somebody in PostgreSQL's own files, read as bytes beside a real server."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.database import open_engine
from store.gallery import Gallery
from store.schema import subject_keys
from store.vacuum import vacuum
from tests import databases
from tests.store.places import enroll, make

pytestmark = pytest.mark.slow
NAME = "Zerubabel Unmistakable"


@pytest.fixture(scope="module")
def server() -> Iterator[databases.Server]:
    with databases.server() as made:
        yield made


@pytest.fixture
def gallery(server: databases.Server, tmp_path: Path) -> Iterator[Gallery]:
    made = make(server.url(tmp_path.name))
    yield made
    made.close()


def wrapped_key(gallery: Gallery, subject_id: str) -> bytes:
    with gallery._engine.connect() as connection:
        wanted = sa.select(subject_keys.c.wrapped).where(subject_keys.c.subject_id == subject_id)
        return bytes(connection.execute(wanted).scalar_one())


def holds(server: databases.Server, *traces: bytes) -> list[bool]:
    """Is each anywhere in the files of the tables, after these were brought to the disk?"""
    server.do("CHECKPOINT")
    content = [path.read_bytes() for path in (server.data / "base").rglob("*") if path.is_file()]
    return [any(trace in one for one in content) for trace in traces]


def erase(gallery: Gallery, subject_id: str) -> None:
    with gallery.change("test") as change:
        change.erase([subject_id], [], [])


def test_name_and_key_leave_the_files(server: databases.Server, gallery: Gallery) -> None:
    who, other = enroll(gallery, NAME), enroll(gallery, "Somebody Remaining")
    traces = NAME.encode(), wrapped_key(gallery, who), wrapped_key(gallery, other)
    assert holds(server, *traces) == [True, True, True]
    erase(gallery, who)
    assert holds(server, *traces) == [True, True, True], "a DELETE alone leaves them there"
    assert gallery.finish_erasures()
    assert holds(server, *traces) == [False, False, True]
    assert gallery.verify().sound


def test_a_plain_vacuum_is_not_enough(server: databases.Server, gallery: Gallery) -> None:
    """Why the small tables are written anew: the reason of `vacuum` is true of this version."""
    who, _ = enroll(gallery, NAME + " II"), enroll(gallery, "Somebody Remaining")
    key = wrapped_key(gallery, who)
    erase(gallery, who)
    engine = open_engine(server.url(str(gallery._engine.url.database)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM subject_keys")
    engine.dispose()
    assert holds(server, key) == [True]
    assert gallery.finish_erasures()
    assert holds(server, key) == [False]


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_whoever_reads_an_older_state_is_waited_for(
    gallery: Gallery, isolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.gallery._CHECKPOINT_SECONDS", 0.0)
    who = enroll(gallery, NAME)
    engine = open_engine(gallery._engine.url.render_as_string(hide_password=False))
    table = "subjects" if isolation == "READ COMMITTED" else "heads"
    with engine.connect().execution_options(isolation_level=isolation) as reader:
        reader.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
        erase(gallery, who)
        assert not gallery.finish_erasures()
        assert gallery.unfinished_erasures() == 1
    assert gallery.finish_erasures()
    assert gallery.unfinished_erasures() == 0
    engine.dispose()


def test_nothing_to_do_in_sqlite() -> None:
    assert vacuum(sa.create_engine("sqlite://"))


def test_memory_is_bounded_by_default(gallery: Gallery) -> None:
    enroll(gallery, NAME)
    gallery.refresh()
    assert gallery.reached.away is None
    assert 0 < gallery.reached.from_memory <= timedelta(minutes=5).total_seconds()
