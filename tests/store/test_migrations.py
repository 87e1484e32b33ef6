"""A gallery of an older version opens, with everything that was in it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from store import seal
from store.archive import open_archive
from store.change import Change
from store.consent import version_of
from store.database import _alembic, needs_migration, open_engine
from store.gallery import Gallery, open_gallery, stamp
from store.records import StoredAnswer
from store.schema import metadata
from store.sealing import Sealing
from store.vault import Vault
from store.verification import verify_database
from tests.store.places import (
    KEY,
    enroll,
    facts,
    in_folder,
    postgresql,
    queue,
    sample,
    sighting,
    vector,
)

DAY = timedelta(days=1)


def make_at(url: str, revision: str) -> Gallery:
    """A gallery as the version of that revision made it."""
    engine, made = open_engine(url), facts()
    config = _alembic()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        stamp(connection, KEY, made, 0.01)
    return Gallery(engine, Vault(KEY), made)


class NoSealing(Sealing):
    """As it was before 0007."""

    def __init__(self) -> None:
        pass

    def touch(self, subject_ids: Collection[str]) -> None:
        pass

    def add(self, subject_id: str) -> None:
        pass


@contextmanager
def change_of_before(gallery: Gallery) -> Iterator[Change]:
    """A change as a version without seals made it."""
    with gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE gallery SET generation = generation + 1")
        reached = connection.exec_driver_sql("SELECT generation FROM gallery").scalar_one()
        now = datetime.now(UTC)
        facts, sealing = gallery.facts, NoSealing()
        yield Change(connection, Vault(KEY), facts, reached, now, "test", sealing, lambda _: None)


def enroll_in_0003(gallery: Gallery, name: str, text: str, seed: int) -> str:
    """As `enroll`, where a consent had no version and no end."""
    with change_of_before(gallery) as change:
        subject_id = change.add_subject(name, None)
        change.connection.execute(
            sa.text(
                "INSERT INTO consents (consent_id, subject_id, basis, text, given_at) "
                "VALUES (:id, :id, 'consent', :text, '2026-01-01T00:00:00.000000+00:00')"
            ),
            {"id": subject_id, "text": text},
        )
        change.add_samples(subject_id, subject_id, [sample(seed)])
    return subject_id


def check_0003_becomes_0004(url: str) -> None:
    old = make_at(url, "0003")
    anna = enroll_in_0003(old, "Anna", "I agree.", 1)
    bert = enroll_in_0003(old, "Bert", "I agree.", 9)
    cleo = enroll_in_0003(old, "Cleo", "I agree until Friday.", 20)
    old.close()
    gallery = open_gallery(url, KEY)
    texts = {s: gallery.consents(s)[0] for s in (anna, bert, cleo)}
    assert texts[anna].version == texts[bert].version == version_of("I agree.")
    assert texts[cleo].version == version_of("I agree until Friday.")
    assert all(consent.expires_at is None for consent in texts.values())
    assert gallery.requests() == ([], 0)
    with gallery.change("test") as change:
        change.add_request(anna, "erasure", datetime.now(UTC), "please")
    with gallery.change("test") as change:
        assert change.erase([anna])["requests"] == 1
    assert gallery.requests() == ([], 0)
    assert gallery.verify().sound
    gallery.close()


@pytest.mark.sqlite
def test_0003_becomes_0004(tmp_path: Path) -> None:
    check_0003_becomes_0004(in_folder(tmp_path))


@pytest.mark.slow
def test_0003_becomes_0004_on_postgresql() -> None:
    with postgresql() as url:
        check_0003_becomes_0004(url)


def check_0004_becomes_0005(url: str) -> None:
    old = make_at(url, "0004")
    assert old.generation() == 0
    old.close()
    gallery = open_gallery(url, KEY)
    with gallery.change("test", raises_generation=False) as change:
        key = change.add_api_key("Door", ["read"], 1, 5, "secret")
        change.put_answer(key.key_id, "mine", StoredAnswer("asked", 201, {"a": 1}), DAY)
        change.put_answer(key.key_id, "mine", StoredAnswer("other", 200, {}), DAY)
    assert gallery.api_key_of("secret") == key
    assert gallery.api_key_of("Secret") is None
    assert gallery.answer(key.key_id, "mine", DAY) == StoredAnswer("asked", 201, {"a": 1})
    with gallery.change("test", raises_generation=False) as change:
        assert change.revoke_api_key(key)
        assert not change.revoke_api_key(key)
    assert gallery.answer(key.key_id, "mine", -DAY) is None, "it was given before tomorrow"
    with gallery.change("test", raises_generation=False) as change:
        assert change.forget_answers(DAY) == 0
        assert change.forget_answers(-DAY) == 1
    assert gallery.answer(key.key_id, "mine", DAY) is None
    assert gallery.api_keys()[0].revoked_at is not None
    assert gallery.verify().sound
    gallery.close()


@pytest.mark.sqlite
def test_0004_becomes_0005(tmp_path: Path) -> None:
    check_0004_becomes_0005(in_folder(tmp_path))


@pytest.mark.slow
def test_0004_becomes_0005_on_postgresql() -> None:
    with postgresql() as url:
        check_0004_becomes_0005(url)


def check_0007_becomes_0008(url: str) -> None:
    old = make_at(url, "0007")
    old.close()
    gallery = open_gallery(url, KEY)
    with gallery.change("test", raises_generation=False) as change:
        hook = change.add_webhook("HR", "https://hr.example", ["subject.add"], "secret")
    assert gallery.webhooks() == [hook]
    with gallery._engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT secret FROM webhooks")).scalar_one()
    assert b"secret" not in bytes(kept)
    assert gallery.webhooks_behind() == []
    enroll(gallery, "Anna", seed=1)
    assert gallery.webhooks_behind() == [hook.webhook_id]
    claimed = gallery.claim_webhook(hook.webhook_id, "one", DAY)
    assert claimed == hook
    assert gallery.claim_webhook(hook.webhook_id, "two", DAY) is None
    ((row, _),) = gallery.untold(hook, 5)
    gallery.webhook_failed(hook, datetime.now(UTC) - DAY, None)
    assert gallery.webhooks()[0].failed == 1
    gallery.webhook_took(hook.webhook_id, row.seq)
    gallery.webhook_took(hook.webhook_id, row.seq - 1)
    assert (gallery.webhooks()[0].delivered_to, gallery.webhooks()[0].failed) == (row.seq, 0)
    gallery.release_webhook(hook.webhook_id, "one")
    assert gallery.claim_webhook(hook.webhook_id, "two", DAY) is not None
    assert gallery.verify().sound
    with gallery.change("test", raises_generation=False) as change:
        assert change.remove_webhook(hook)
        assert not change.remove_webhook(hook)
    gallery.close()


@pytest.mark.sqlite
def test_0007_becomes_0008(tmp_path: Path) -> None:
    check_0007_becomes_0008(in_folder(tmp_path))


@pytest.mark.slow
def test_0007_becomes_0008_on_postgresql() -> None:
    with postgresql() as url:
        check_0007_becomes_0008(url)


def check_0001_becomes_0002(url: str) -> None:
    old = make_at(url, "0001")
    anna = enroll_in_0003(old, "Anna", "yes", 1)
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


@pytest.mark.sqlite
def test_0001_becomes_0002(tmp_path: Path) -> None:
    check_0001_becomes_0002(in_folder(tmp_path))


@pytest.mark.slow
def test_0001_becomes_0002_on_postgresql() -> None:
    with postgresql() as url:
        check_0001_becomes_0002(url)


def seal_as_before(gallery: Gallery, *absent: str) -> None:
    """Seal it as a version did that had not these tables, nor these columns ("table.column")."""

    def there(of: dict[sa.Table, list[str]]) -> dict[sa.Table, list[str]]:
        return {
            table: [c for c in columns if f"{table.name}.{c}" not in absent]
            for table, columns in of.items()
            if table.name not in absent
        }

    with pytest.MonkeyPatch.context() as patched, gallery._engine.begin() as connection:
        patched.setattr(seal, "_POLICY", there(seal._POLICY))
        patched.setattr(seal, "_OF_SUBJECT", there(seal._OF_SUBJECT))
        seal.begin(connection, Vault(KEY), datetime.now(UTC), anchored=False)


@pytest.mark.sqlite
def test_0009_becomes_0010(tmp_path: Path) -> None:
    """Everybody is sealed anew, with what another backbone will see of them."""
    url = in_folder(tmp_path)
    old = make_at(url, "0009")
    seal_as_before(old, "shadow", "shadow_templates")
    old.close()
    assert verify_database(url, KEY, []).intact, "also before it is opened"
    gallery = open_gallery(url, KEY)
    enroll(gallery, "Anna", seed=1)
    assert gallery.shadow() is None
    assert gallery.verify().sound
    gallery.close()


@pytest.mark.sqlite
def test_0008_becomes_0009(tmp_path: Path) -> None:
    """A sealed gallery gets a column, is sealed anew, and its key can be exchanged."""
    url, new = in_folder(tmp_path), b"n" * 32
    old = make_at(url, "0008")
    seal_as_before(old, "shadow", "shadow_templates", "gallery.inner_keys")
    old.close()
    assert verify_database(url, KEY, []).intact, "also before it is opened"
    gallery = open_gallery(url, KEY)
    anna = enroll(gallery, "Anna", seed=1)
    gallery.rotate(open_archive(tmp_path, gallery.vault), new, "test")
    gallery.close()
    gallery = open_gallery(url, new)
    assert gallery.subject_ids() == [anna]
    assert gallery.verify().sound
    assert "seal.renew" in gallery.audit_actions()
    gallery.close()


def check_0010_becomes_0011(url: str) -> None:
    old = make_at(url, "0010")
    old.close()
    gallery = open_gallery(url, KEY)
    inspector = sa.inspect(gallery._engine)
    indexed = {
        (table, column)
        for table in ("subjects", "samples", "templates")
        for index in inspector.get_indexes(table)
        for column in index["column_names"]
    }
    pointing = {("subjects", "merged_into"), ("samples", "consent_id"), ("templates", "sample_id")}
    assert pointing <= indexed
    gallery.close()


@pytest.mark.sqlite
def test_0010_becomes_0011(tmp_path: Path) -> None:
    check_0010_becomes_0011(in_folder(tmp_path))


@pytest.mark.slow
def test_0010_becomes_0011_on_postgresql() -> None:
    with postgresql() as url:
        check_0010_becomes_0011(url)
