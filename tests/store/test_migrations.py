"""A gallery of an older version opens, with everything that was in it."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from store.database import _alembic, needs_migration, open_engine
from store.gallery import Gallery, open_gallery, stamp
from store.schema import metadata
from store.vault import Vault
from tests.store.places import (
    KEY,
    enroll,
    facts,
    in_folder,
    postgresql,
    queue,
    sighting,
    vector,
)


def make_at(url: str, revision: str) -> Gallery:
    """A gallery as the version of that revision made it."""
    engine, made = open_engine(url), facts()
    config = _alembic()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        stamp(connection, KEY, made, 0.01)
    return Gallery(engine, Vault(KEY), made)


def check_0001_becomes_0002(url: str) -> None:
    old = make_at(url, "0001")
    anna = enroll(old, "Anna", seed=1)
    generation = old.generation()
    old.close()
    engine = open_engine(url)
    assert needs_migration(engine)
    gallery = open_gallery(url, KEY)
    assert not needs_migration(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"target_metadata": metadata})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    assert gallery.generation() == generation
    assert gallery.search(vector(1)[None], 1)[0][0].subject_id == anna
    assert gallery.samples([anna])[0].image == b"picture"
    assert gallery.verify().sound
    assert gallery.sightings() == []
    assert len(gallery.negatives().ids) == 0
    (queued,) = queue(gallery, sighting(2, nearest=anna))
    assert [s.sighting_id for s in gallery.sightings()] == [queued]
    with gallery.change("test") as change:
        assert change.erase([anna])["sightings"] == 1
    gallery.close()


def test_0001_becomes_0002(tmp_path: Path) -> None:
    check_0001_becomes_0002(in_folder(tmp_path))


@pytest.mark.slow
def test_0001_becomes_0002_on_postgresql(tmp_path: Path) -> None:
    with postgresql(tmp_path) as url:
        check_0001_becomes_0002(url)
