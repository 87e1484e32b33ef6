"""Backups as a page asks for them: made, checked, listed; the key elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from enrollment.backups import Backups
from enrollment.errors import BadInput, Unusable
from enrollment.intake import Enrollee
from enrollment.service import Service
from store.errors import StoreError

Person = Callable[..., Enrollee]


@pytest.mark.sqlite
def test_a_backup_is_made_checked_and_listed(service: Service, person: Person) -> None:
    list(service.enroll([person(1, range(1))], "yes"))
    assert service.backups.listed() == []
    assert service.backups.newest() is None
    stages: list[tuple[str, float]] = []
    made = service.backup(tick=lambda stage, share: stages.append((stage, share)))
    assert made.checked_at is not None
    assert made.path.parent == service._settings.home / "backups"
    assert {stage for stage, _ in stages} == {"copy", "check"}
    (listed,) = service.backups.listed()
    assert (listed.name, listed.size, listed.problem) == (made.name, made.size, None)
    assert listed.checked_at is not None
    assert service.backups.named(made.name) == listed
    assert {path.name for path in service._settings.home.iterdir()} <= {
        "backups", "gallery.db", "gallery.db-wal", "gallery.db-shm", "heads", "reports",
    }  # fmt: skip
    assert service.verify_gallery().sound


@pytest.mark.sqlite
def test_a_changed_backup_is_not_called_checked(service: Service) -> None:
    made = service.backup()
    made.path.write_bytes(made.path.read_bytes() + b"x")
    (listed,) = service.backups.listed()
    assert listed.checked_at is None
    with pytest.raises(StoreError, match="changed or cut off"):
        service.backups.check(made.path)
    made.path.write_bytes(b"nothing")
    (listed,) = service.backups.listed()
    assert listed.problem is not None
    assert "is no backup" in listed.problem
    assert service.backups.newest() is None
    made.path.unlink()
    with pytest.raises(BadInput, match="any more"):
        service.backups.named(made.name)


@pytest.mark.sqlite
def test_another_place_can_be_named(service: Service, tmp_path: Path) -> None:
    made = service.backup(tmp_path / "elsewhere" / "mine.rollcall")
    assert made.path.exists()
    assert service.backups.listed() == []


def test_where_the_key_lies_is_said(service: Service) -> None:
    assert service.backups.key_place == "ROLLCALL_KEY", "these tests give it in the settings"
    keyless = Backups(service._gallery, service._archive, replace(service._settings, key=None))
    assert keyless.key_place == str(service._settings.key_file(service.facts.gallery_id))


def test_postgresql_has_tools_of_its_own(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service._gallery._engine.dialect, "name", "postgresql")
    assert not service.backups.possible
    with pytest.raises(Unusable, match="pg_dump"):
        service.backup()
