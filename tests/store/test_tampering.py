"""What is changed through `sqlite3` is seen, refused where it would be used, and never sealed."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from store import seal
from store.anchor import Anchor, AnchorPlace
from store.database import sqlite_url
from store.errors import GalleryDamaged, KeyMissing, StoreError
from store.gallery import Gallery, create_gallery, open_gallery
from store.records import AuditVerification
from store.vault import Vault
from store.verification import verify_database
from tests.store.places import KEY, enroll, facts, in_folder, vector
from tests.store.tampering import KINDS, Scene, make_scene

TIMES = 3

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "one.anchor"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return in_folder(tmp_path)


@pytest.fixture
def gallery(url: str, anchor: Path) -> Gallery:
    create_gallery(url, KEY, facts(), 0.01)
    made = open_gallery(url, KEY, [anchor])
    enroll(made, "Anna", seed=1)
    enroll(made, "Bert", seed=9)
    return made


def kinds(found: AuditVerification) -> set[str]:
    return {finding.kind for finding in found.findings}


def sql(url: str, *statements: str) -> None:
    with closing(sqlite3.connect(sa.make_url(url).database or "", isolation_level=None)) as other:
        for statement in statements:
            other.execute(statement)


def point(gallery: Gallery, threshold: float) -> None:
    with gallery.change("test", raises_generation=False) as change:
        change.add_operating_point(
            generation=change.generation, threshold=threshold, max_fpir=0.01, details={}
        )


@pytest.mark.parametrize("knowing", [False, True], ids=["edits", "knows the schema"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_seen(scene: Scene, tmp_path: Path, kind: str, knowing: bool) -> None:
    for seed in range(TIMES):
        assert not scene.commit(kind, tmp_path, seed, knowing).intact


def test_what_nobody_touched_is_intact(scene: Scene) -> None:
    found = verify_database(sqlite_url(scene.today), KEY, [scene.anchor])
    assert found.intact
    assert found.sealed
    assert found.rows == found.verified_to == found.anchored_to
    with pytest.raises(KeyMissing):
        verify_database(sqlite_url(scene.today), bytes(32), [])


def test_a_gallery_whose_policy_was_changed_is_not_opened(gallery: Gallery, url: str) -> None:
    with gallery.change("test") as change:
        change.add_api_key("Door", ["identify"], 30, 100, "secret")
    point(gallery, 0.7)
    for statement, undo in (
        ("UPDATE gallery SET max_fpir = 0.5", "UPDATE gallery SET max_fpir = 0.01"),
        (
            "UPDATE operating_points SET threshold = 0.1",
            "UPDATE operating_points SET threshold = 0.7",
        ),
        ("UPDATE api_keys SET daily = 999", "UPDATE api_keys SET daily = 100"),
        ("UPDATE gallery SET generation = 99", "UPDATE gallery SET generation = 3"),
    ):
        sql(url, statement)
        with pytest.raises(GalleryDamaged, match="rollcall audit verify"):
            open_gallery(url, KEY)
        sql(url, undo)
        open_gallery(url, KEY).close()
    sql(url, "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    with pytest.raises(GalleryDamaged):
        open_gallery(url, KEY)


def test_an_open_gallery_answers_nothing_with_changed_policy(gallery: Gallery, url: str) -> None:
    with gallery.change("test") as change:
        change.add_api_key("Door", ["identify"], 30, 100, "secret")
    point(gallery, 0.7)
    assert gallery.api_key_of("secret") is not None
    sql(
        url,
        "UPDATE api_keys SET scopes = '[\"admin\"]'",
        "UPDATE operating_points SET threshold = 0.1",
        "UPDATE gallery SET max_fpir = 0.5",
    )
    for read in (
        lambda: gallery.api_key_of("secret"),
        gallery.api_keys,
        gallery.max_fpir,
        gallery.operating_points,
        lambda: gallery.newest_operating_points(1),
    ):
        with pytest.raises(GalleryDamaged, match="was changed outside Rollcall"):
            read()


def test_a_template_of_another_is_never_searched(gallery: Gallery, url: str) -> None:
    """It does not even open: its cipher is bound to the subject."""
    anna, bert = gallery.subjects()
    sql(url, f"UPDATE templates SET subject_id = '{bert}' WHERE subject_id = '{anna}'")  # noqa: S608
    with pytest.raises(GalleryDamaged, match="changed outside Rollcall; nobody is named"):
        open_gallery(url, KEY).search(vector(1)[None], 1)
    assert "subject" in kinds(gallery.verify_audit())


def test_a_change_never_seals_what_was_altered(gallery: Gallery, url: str) -> None:
    """Or the next rename would make it right."""
    anna, bert = gallery.subjects()
    point(gallery, 0.7)
    sql(url, f"UPDATE subjects SET name = 'Mallory' WHERE subject_id = '{anna}'")  # noqa: S608
    outside = pytest.raises(GalleryDamaged, match=f"subject {anna} was changed outside")
    with outside, gallery.change("test") as change:
        change.rename(anna, "Anna B.")
    with gallery.change("test") as change:
        change.rename(bert, "Bert B.")
    assert kinds(gallery.verify_audit()) == {"subject"}
    sql(url, "UPDATE operating_points SET threshold = 0.1")
    with pytest.raises(GalleryDamaged, match="operating_points"):
        point(gallery, 0.8)
    assert kinds(gallery.verify_audit()) == {"subject", "policy"}
    with gallery.change("test") as change:
        change.erase([anna])
    assert kinds(gallery.verify_audit()) == {"policy"}, "who asks to be erased is erased"


def test_a_person_put_back_to_an_older_state_stays_seen(gallery: Gallery, url: str) -> None:
    (anna, _) = gallery.subjects()
    assert gallery.cut_log()
    file = Path(sa.make_url(url).database or "")
    old = shutil.copy(file, file.with_name("old.db"))
    with gallery.change("test") as change:
        change.set_state(anna, "suspended")
    sql(
        url,
        f"ATTACH '{old}' AS y",
        "UPDATE subjects SET state = 'active'",
        "UPDATE subject_keys SET seal = (SELECT seal FROM y.subject_keys AS k "
        "WHERE k.subject_id = subject_keys.subject_id)",
    )
    assert kinds(gallery.verify_audit()) == {"subjects"}
    with gallery.change("test") as change:
        change.rename(anna, "Anna B.")
    assert kinds(gallery.verify_audit()) == {"subjects"}, "a later change does not heal it"


def test_people_put_in_or_taken_out_are_seen(gallery: Gallery, url: str) -> None:
    anna, _ = gallery.subjects()
    sql(
        url,
        "PRAGMA foreign_keys = OFF",
        *(
            f"DELETE FROM {table} WHERE subject_id = '{anna}'"  # noqa: S608
            for table in ("templates", "samples", "consents", "subject_keys", "subjects")
        ),
    )
    assert kinds(gallery.verify_audit()) == {"subjects"}
    sql(
        url,
        "INSERT INTO subjects VALUES ('x', 'Mallory', 'mallory', NULL, 'active', NULL, '2026')",
    )
    assert "subject" in kinds(gallery.verify_audit())


def test_seals_that_were_taken_away_are_not_made_anew(gallery: Gallery, url: str) -> None:
    clear = ("DELETE FROM seals", "UPDATE subject_keys SET seal = NULL")
    sql(url, *clear)
    assert kinds(gallery.verify_audit()) == {"seals"}
    with pytest.raises(GalleryDamaged):
        open_gallery(url, KEY)
    sql(url, "DELETE FROM audit")
    with pytest.raises(GalleryDamaged):  # the anchor knows that there was a trail
        open_gallery(url, KEY, [place.path for place in gallery._places])


# -- anchors --------------------------------------------------------------------------------------


def test_a_crash_before_the_anchor_is_intact(gallery: Gallery, url: str, anchor: Path) -> None:
    before = anchor.read_bytes()
    enroll(gallery, "Cleo")
    assert anchor.read_bytes() != before
    anchor.write_bytes(before)
    found = verify_database(url, KEY, [anchor])
    assert found.intact
    assert found.anchored_to is not None
    assert found.anchored_to < found.rows
    open_gallery(url, KEY, [anchor]).close()
    assert verify_database(url, KEY, [anchor]).anchored_to == found.rows


def test_an_anchor_is_never_lowered_nor_taken_over_by_another_history(
    gallery: Gallery, url: str, anchor: Path, tmp_path: Path
) -> None:
    assert gallery.cut_log()
    file = tmp_path / "gallery.db"
    old = file.read_bytes()
    enroll(gallery, "Cleo")
    gallery.close()
    kept = anchor.read_bytes()
    file.write_bytes(old)
    other = open_gallery(url, KEY, [anchor])
    assert kinds(other.verify_audit()) == {"rollback"}
    assert anchor.read_bytes() == kept
    for name in ("Dora", "Emil"):
        enroll(other, name)
    assert kinds(other.verify_audit()) == {"fork"}
    assert anchor.read_bytes() == kept
    found = other.accept("test", "restored on purpose")
    assert found.intact
    assert found.anchored_to == found.rows
    (entry, *_), _ = other.audit_page(["audit.accept"])
    assert entry.details["reason"] == "restored on purpose"
    with pytest.raises(StoreError, match="nothing was changed"):
        other.accept("test", "again")


def test_what_is_altered_cannot_be_accepted(gallery: Gallery, url: str, anchor: Path) -> None:
    sql(url, "UPDATE subjects SET name = 'Mallory'")
    with pytest.raises(StoreError, match="nothing was changed"):
        gallery.accept("test", "please")


def test_a_forged_anchor_is_seen_and_kept(gallery: Gallery, url: str, anchor: Path) -> None:
    forged = anchor.read_text().replace('"seq": 8', '"seq": 1').replace('"seq": 7', '"seq": 1')
    assert forged != anchor.read_text()
    anchor.write_text(forged)
    assert kinds(gallery.verify_audit()) == {"anchor"}
    enroll(gallery, "Cleo")
    assert anchor.read_text() == forged
    anchor.write_text("{}")
    assert kinds(verify_database(url, KEY, [anchor])) == {"anchor"}
    anchor.write_text("")
    assert verify_database(url, KEY, [anchor]).intact


def test_a_place_that_cannot_be_written_is_said_and_loses_nothing(url: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    create_gallery(url, KEY, facts(), 0.01)
    good = tmp_path / "good.anchor"
    gallery = open_gallery(url, KEY, [file / "x.anchor", good])
    enroll(gallery, "Anna")
    found = gallery.verify_audit()
    assert found.intact
    bad, fine = found.anchors
    assert "cannot be" in str(bad.problem)
    assert fine.problem is None
    assert found.anchored_to == fine.seq == found.rows


def test_two_processes_share_an_anchor(gallery: Gallery, url: str, anchor: Path) -> None:
    other = open_gallery(url, KEY, [anchor])
    for number in range(3):
        enroll(gallery, f"One {number}")
        enroll(other, f"Other {number}")
    found = gallery.verify_audit()
    assert found.intact
    assert found.anchored_to == found.rows
    late = AnchorPlace(anchor, Vault(KEY), gallery.facts.gallery_id)
    now = datetime.now(UTC)
    late.keep(Anchor(gallery.facts.gallery_id, 2, "00", 0, now, 2), lambda held: True)
    assert gallery.verify_audit().anchored_to == found.rows


# -- what a later version seals -------------------------------------------------------------------


def test_a_version_that_seals_more_seals_again_once(
    gallery: Gallery, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    less = {table: columns for table, columns in seal._POLICY.items() if table.name != "heads"}
    with monkeypatch.context() as patched:
        patched.setattr(seal, "_POLICY", less)
        create_gallery(url.replace("gallery.db", "other.db"), KEY, facts(), 0.01)
        old = open_gallery(url.replace("gallery.db", "other.db"), KEY)
        enroll(old, "Anna")
        assert old.verify_audit().intact
        old.close()
    new = open_gallery(url.replace("gallery.db", "other.db"), KEY)
    assert "seal.renew" in new.audit_actions()
    assert new.verify_audit().intact
    with new._reading() as connection:
        assert "heads" in seal.read(connection)
    rows = new.verify_audit().rows
    new.seal()
    assert new.verify_audit().rows == rows


@pytest.mark.parametrize("column", ["url", "events", "secret", "name"])
def test_a_webhook_that_was_changed_is_told_nothing(
    gallery: Gallery, url: str, column: str
) -> None:
    with gallery.change("test", raises_generation=False) as change:
        hook = change.add_webhook("HR", "https://hr.example", ["subject.add"], "secret")
    sql(url, "UPDATE webhooks SET delivered_to = 0")
    assert gallery.claim_webhook(hook.webhook_id, "me", timedelta(0)) is not None
    other = "x'00'" if column == "secret" else "'[]'"
    sql(url, f"UPDATE webhooks SET {column} = {other}")  # noqa: S608
    with pytest.raises(GalleryDamaged):
        gallery.claim_webhook(hook.webhook_id, "me", timedelta(0))
    assert kinds(gallery.verify_audit()) == {"policy"}
