"""A disk that is full or broken is said in a sentence, and what was done is not denied."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from enrollment.enrollee import Enrollee
from enrollment.errors import Unusable
from enrollment.opening import write_gallery
from enrollment.service import Service, open_service
from store import gallery
from store.archive import open_archive
from store.database import translated
from store.errors import GalleryLocked, StoreError
from store.vault import Vault


def test_what_goes_past_sqlalchemy_is_translated_too() -> None:
    for said, kind, told in (
        ("database or disk is full", StoreError, "the disk is full"),
        ("disk I/O error", StoreError, "cannot be used: disk I/O error"),
        ("database is locked", GalleryLocked, "another process"),
    ):
        with pytest.raises(kind, match=told), translated():
            raise sqlite3.OperationalError(said)


def test_the_archive_says_what_is_wrong(tmp_path: Path) -> None:
    archive = open_archive(tmp_path, Vault(bytes(32)))
    (tmp_path / "heads").write_text("no folder")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "a.html").mkdir()
    with pytest.raises(StoreError, match="cannot be written to"):
        archive.write_head("one", b"arrays")
    with pytest.raises(StoreError, match="cannot be written to"):
        archive.write_report("a.html", b"page")
    with pytest.raises(StoreError, match="cannot be written to"):
        archive.sweep([], [], at_once=True)


@pytest.mark.sqlite
def test_a_gallery_that_cannot_be_made_is_said(service: Service, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings = service._settings.__class__(tmp_path / "file" / "home", key="5a" * 32)
    with pytest.raises(Unusable, match="no gallery was made"):
        write_gallery(settings, service.facts)


@pytest.mark.sqlite
def test_an_erasure_whose_log_cannot_be_cut_is_finished_later(
    service: Service, person: Callable[..., Enrollee], monkeypatch: pytest.MonkeyPatch
) -> None:
    list(service.enroll([person(0), person(1)], "yes"))

    def fails(_engine: object) -> bool:
        raise StoreError("the disk is full; nothing was changed")

    with monkeypatch.context() as broken:
        broken.setattr(gallery, "checkpoint", fails)
        with pytest.raises(Unusable, match="is erased and can no longer be found"):
            service.erase("Person 0")
        with open_service(service._settings, capture=service._capture) as again:
            assert [subject.name for subject in again.people()] == ["Person 1"]
            assert again._gallery.unfinished_erasures() == 1
    with open_service(service._settings, capture=service._capture) as again:
        assert again._gallery.unfinished_erasures() == 0
        assert again.verify_gallery().sound


@pytest.mark.sqlite
def test_a_killed_backup_does_not_stand_in_the_way(service: Service, tmp_path: Path) -> None:
    target = tmp_path / "backups" / "one.rollcall"
    target.parent.mkdir()
    (target.parent / ".one.rollcall.new").write_bytes(b"half")
    assert service.backup(target).name == "one.rollcall"
