"""A backup is whole, sealed and taken while others write; what was changed does not open."""

import hashlib
import json
import os
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store import backup as module
from store.archive import Archive, open_archive
from store.backup import read_header, verify_backup
from store.errors import GalleryDamaged, KeyMissing, StoreError
from store.gallery import Gallery, open_gallery
from store.vault import Vault
from tests.store.places import KEY, enroll, in_folder, make, vector

pytestmark = pytest.mark.sqlite


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "g.anchor"


@pytest.fixture
def gallery(home: Path, anchor: Path) -> Gallery:
    make(in_folder(home)).close()
    made = open_gallery(in_folder(home), KEY, [anchor])
    enroll(made, "Anna Backup", seed=1)
    return made


@pytest.fixture
def archive(home: Path) -> Archive:
    return open_archive(home, Vault(KEY))


@pytest.fixture
def target(home: Path) -> Path:
    return home / "backups" / "one.rollcall"


def night(gallery: Gallery, archive: Archive) -> None:
    digest = archive.write_head("h", b"rows")
    archive.write_report("r.html", b"<p>report</p>")
    with gallery.change("test") as change:
        change.add_head("h", "champion", 1, {"file_sha256": digest}, list(gallery.subjects()))
        change.put_job("nightly", "2026-01-01", "finished", change.at, {"reports": ["r.html"]})


def left_over(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_a_backup_holds_everything_and_can_be_checked(
    gallery: Gallery, archive: Archive, target: Path
) -> None:
    night(gallery, archive)
    shares: list[float] = []
    made = gallery.backup(archive, target, shares.append)
    assert made == read_header(target)
    assert made.files == 3
    assert made.generation == gallery.generation()
    assert made.gallery_id == gallery.facts.gallery_id
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    checked = gallery.verify_backup(target, target.parent)
    assert checked.backup == made
    assert (checked.digest, checked.gone) == (gallery.verify().rebuilt_digest, 0)
    assert left_over(target) == []


def test_nothing_of_anybody_can_be_read_in_it(
    gallery: Gallery, archive: Archive, target: Path
) -> None:
    night(gallery, archive)
    gallery.backup(archive, target)
    content = target.read_bytes()
    for trace in (b"Anna", b"picture", b"report</p>", b"SQLite format", KEY, vector(1).tobytes()):
        assert trace not in content


def test_writers_go_on_and_the_copy_is_of_one_moment(
    gallery: Gallery, archive: Archive, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAGES", 1)
    for number in range(20):
        enroll(gallery, f"Person {number}")
    other = open_gallery(in_folder(target.parents[1]), KEY)
    generations: list[int] = []

    def write(_share: float) -> None:
        if len(generations) < 10:
            enroll(other, f"Meanwhile {len(generations)}")
            generations.append(other.generation())

    made = gallery.backup(archive, target, write)
    assert len(generations) == 10, "they could write"
    assert made.generation == generations[0] - 1, "what came later is not in it"
    assert gallery.verify_backup(target, target.parent).backup.generation == made.generation
    other.close()


def test_every_changed_byte_is_found(gallery: Gallery, archive: Archive, target: Path) -> None:
    gallery.backup(archive, target)
    content = target.read_bytes()
    places = [*range(0, 700, 3), *range(700, len(content), len(content) // 60), len(content) - 1]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1
        target.write_bytes(changed)
        with pytest.raises((GalleryDamaged, KeyMissing)):
            gallery.verify_backup(target, target.parent)
    assert left_over(target) == []


def test_what_was_cut_off_or_put_behind_is_found(
    gallery: Gallery, archive: Archive, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 4096)
    gallery.backup(archive, target)
    content = target.read_bytes()
    sealed = 4096 + 16
    for changed in (
        content[:-1],
        content[:-sealed],
        content[: len(content) // 2],
        content[:40],
        b"",
        content + b"x",
        content[: -2 * sealed] + content[-sealed:] + content[-2 * sealed : -sealed],
    ):
        target.write_bytes(changed)
        with pytest.raises(GalleryDamaged):
            gallery.verify_backup(target, target.parent)
    target.write_bytes(content)
    gallery.verify_backup(target, target.parent)


def test_another_key_does_not_open_it(gallery: Gallery, archive: Archive, target: Path) -> None:
    gallery.backup(archive, target)
    with pytest.raises(KeyMissing):
        verify_backup(target, Vault(b"k" * 32), target.parent, [target.parent])


def test_a_copy_whose_audit_trail_was_altered_is_no_good_backup(
    gallery: Gallery, archive: Archive, target: Path
) -> None:
    with gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    gallery.backup(archive, target)
    with pytest.raises(GalleryDamaged, match="altered at entry 2"):
        gallery.verify_backup(target, target.parent)


def test_stopping_or_failing_leaves_nothing(
    gallery: Gallery, archive: Archive, target: Path
) -> None:
    class StopError(Exception):
        pass

    for at in (0.1, 0.5):

        def stop(share: float, at: float = at) -> None:
            if share > at:
                raise StopError

        with pytest.raises(StopError):
            gallery.backup(archive, target, stop)
        assert not target.exists()
        assert list(target.parent.iterdir()) == []
    gallery.backup(archive, target)
    with pytest.raises(StoreError, match="exists already"):
        gallery.backup(archive, target)


def test_a_full_disk_is_said_and_leaves_nothing(
    gallery: Gallery, archive: Archive, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="no backup was made: No space left"):
        gallery.backup(archive, target)
    assert not target.exists()


def test_an_erasure_in_between_is_followed(
    gallery: Gallery, archive: Archive, target: Path
) -> None:
    night(gallery, archive)
    (anna,) = gallery.subjects()
    erased: list[str] = []

    def erase(share: float) -> None:
        if share >= 0.4 and not erased:
            with gallery.change("test") as change:
                change.erase([anna])
            archive.sweep([], [], at_once=True)
            erased.append(anna)

    # The head's file goes after the copy was made, and before it was read for the last time.
    archive.head("h").write_bytes(archive.head("h").read_bytes())
    made = gallery.backup(archive, target, erase)
    assert erased
    assert made.generation == gallery.generation(), "it was made anew, without the person"
    gallery.verify_backup(target, target.parent)


def test_a_file_that_somebody_deleted_is_left_out(
    gallery: Gallery, archive: Archive, target: Path
) -> None:
    night(gallery, archive)
    archive.report("r.html").unlink()
    assert gallery.backup(archive, target).files == 2
    gallery.verify_backup(target, target.parent)


def test_a_head_that_was_altered_is_said(gallery: Gallery, archive: Archive, target: Path) -> None:
    night(gallery, archive)
    archive.head("h").write_bytes(b"other")
    with pytest.raises(GalleryDamaged, match="rollcall doctor"):
        gallery.backup(archive, target)


def test_what_a_killed_backup_left_is_wiped_after_an_hour(
    gallery: Gallery, archive: Archive, target: Path
) -> None:
    target.parent.mkdir()
    folder = target.parent / ".backup-killed"
    folder.mkdir()
    (folder / "gallery.db").write_bytes(b"names")
    half = target.parent / ".half.rollcall.abcd.new"
    half.write_bytes(b"half")
    gallery.backup(archive, target)
    assert left_over(target) == [".backup-killed", ".half.rollcall.abcd.new"], "it may be alive"
    long_ago = time.time() - 4000
    for path in (folder / "gallery.db", folder, half):
        os.utime(path, (long_ago, long_ago))
    module.sweep(target.parent)
    assert left_over(target) == []


@pytest.mark.parametrize("content", [b"", b"x" * 100, module._MAGIC + b"\xff" * 40])
def test_what_is_no_backup_is_said(target: Path, content: bytes) -> None:
    target.parent.mkdir()
    target.write_bytes(content)
    with pytest.raises(GalleryDamaged, match="is no backup"):
        read_header(target)


def test_a_header_with_parts_missing_is_no_backup(target: Path) -> None:
    target.parent.mkdir()
    raw = json.dumps({"gallery_id": "x", "made_at": datetime.now(UTC).isoformat()}).encode()
    target.write_bytes(module._MAGIC + len(raw).to_bytes(4, "big") + raw)
    with pytest.raises(GalleryDamaged, match="is no backup"):
        read_header(target)


def test_two_files_of_one_gallery_share_no_key_stream(
    gallery: Gallery, archive: Archive, target: Path
) -> None:
    gallery.backup(archive, target)
    other = target.with_name("two.rollcall")
    gallery.backup(archive, other)
    tails = {hashlib.sha256(path.read_bytes()[-64:]).digest() for path in (target, other)}
    assert len(tails) == 2
