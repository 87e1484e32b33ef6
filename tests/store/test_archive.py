from pathlib import Path

import pytest

from store.archive import Archive, open_archive
from store.errors import GalleryDamaged
from store.vault import Vault


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return open_archive(tmp_path, Vault(bytes(32)))


def test_a_head_comes_back_and_is_sealed(archive: Archive, tmp_path: Path) -> None:
    digest = archive.write_head("one", b"the rows of a head")
    (path,) = (tmp_path / "heads").iterdir()
    assert b"rows" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert archive.read_head("one", digest) == b"the rows of a head"


@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "other", "key"])
def test_what_is_not_that_file_is_refused(archive: Archive, tmp_path: Path, damage: str) -> None:
    digest = archive.write_head("one", b"the rows of a head")
    path = tmp_path / "heads" / "one.sealed"
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[:-3])
    if damage == "flip":
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    if damage == "gone":
        path.unlink()
    if damage == "other":
        archive.write_head("two", b"another")
        path.write_bytes((tmp_path / "heads" / "two.sealed").read_bytes())
    if damage == "key":
        archive = open_archive(tmp_path, Vault(b"x" * 32))
    with pytest.raises(GalleryDamaged, match="head one"):
        archive.read_head("one", digest)


def test_reports_are_this_users_alone_and_go(archive: Archive) -> None:
    path = archive.write_report("night.html", b"<p>")
    assert path.stat().st_mode & 0o077 == 0
    archive.sweep([], [])
    assert path.exists(), "a row may be about to name it"
    archive.sweep([], ["night.html", "never-there.html"], at_once=True)
    assert path.exists()
    archive.sweep([], [], at_once=True)
    assert not path.exists()
