"""The backups of one gallery: made, checked and listed. The key is in none of them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from enrollment.config import Settings
from enrollment.errors import BadInput, Unusable
from enrollment.key_source import said
from store.archive import Archive
from store.backup import SUFFIX, read_header
from store.companion import find_companion
from store.errors import StoreError
from store.gallery import Gallery
from store.records import Backup
from wording.message import message, words_of

FOLDER = "backups"
_CHECKED = "backup.check"
_REMEMBERED = 500  # checks that are looked at when backups are listed
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class KeptBackup:
    """A backup as it is listed. checked_at: when it was last opened and found whole; None: not
    since it has its present bytes. problem: why it is of no use, in a sentence. keys: the file
    without which nothing in it can be read; None: of before, whose keys are inside, so that it
    holds who was erased since. digest: of the index that it makes; gone: people in it who were
    erased since; both where it was opened just now."""

    name: str
    path: Path
    size: int
    made_at: datetime
    checked_at: datetime | None
    problem: str | None = None
    keys: Path | None = None
    digest: str | None = None
    gone: int = 0

    def as_document(self) -> dict[str, object]:
        return {
            "file": str(self.path),
            "size": self.size,
            "made_at": self.made_at.isoformat(),
            "checked_at": self.checked_at.isoformat() if self.checked_at else None,
            "keys": str(self.keys) if self.keys else None,
            "digest": self.digest,
            "erased_since": self.gone,
        }


class Backups:
    """What is in `<home>/backups`."""

    def __init__(self, gallery: Gallery, archive: Archive, settings: Settings) -> None:
        self._gallery = gallery
        self._archive = archive
        self._settings = settings

    @property
    def folder(self) -> Path:
        return self._settings.home / FOLDER

    @property
    def possible(self) -> bool:
        """False where the gallery is in PostgreSQL, whose own tools make its backups."""
        return self._gallery.can_be_copied

    @property
    def key_place(self) -> str:
        """Where the key comes from that opens the backups."""
        return said(self._settings, self._gallery.facts.gallery_id)

    def make(
        self, target: Path | None = None, progress: Progress = lambda stage, share: None
    ) -> KeptBackup:
        """Copy everything into one sealed file, and open it once to see that it can be.

        Args:
            target: None: a file in `folder`, named by the time. progress: told of the stage
                ("copy", "check") and the share of it that is done; what it raises ends it.

        Raises:
            BadInput: `target` exists. Unusable: the gallery is in PostgreSQL, or there is no room
                for the copy.
            StoreError: it cannot be written, or is not whole.
        """
        if not self.possible:
            raise Unusable(
                message(
                    "this gallery is in PostgreSQL: back its database up with pg_dump, and the "
                    "folder {home} beside it",
                    home=self._settings.home,
                )
            )
        target = target or self.folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}{SUFFIX}"
        if target.exists():
            raise BadInput(
                message("{target} exists already; nothing was overwritten", target=target)
            )
        self._check_room(target)
        made = self._gallery.backup(self._archive, target, lambda share: progress("copy", share))
        self._record("backup.make", made)
        return self.check(target, progress)

    def check(self, path: Path, progress: Progress = lambda stage, share: None) -> KeptBackup:
        """Open a backup as a restore would, and throw away what was opened.

        Raises:
            StoreError: it is not whole, or belongs to another key.
        """
        workplace = self._settings.home
        found = self._gallery.verify_backup(path, workplace, lambda share: progress("check", share))
        made = found.backup
        self._record(_CHECKED, made)
        return KeptBackup(
            name=path.name,
            path=path,
            size=made.size,
            made_at=made.made_at,
            checked_at=datetime.now(UTC),
            keys=self._keys(made),
            digest=found.digest,
            gone=found.gone,
        )

    def listed(self) -> list[KeptBackup]:
        """Those in `folder`, the newest first."""
        paths = sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else []
        checks = self._checks() if paths else {}
        kept = [self._kept(path, checks) for path in paths]
        return sorted(kept, key=lambda backup: backup.made_at, reverse=True)

    def newest(self) -> KeptBackup | None:
        return next((backup for backup in self.listed() if backup.problem is None), None)

    def named(self, name: str) -> KeptBackup:
        """Raises BadInput when there is none of this name in `folder`."""
        for backup in self.listed():
            if backup.name == name:
                return backup
        raise BadInput(message("there is no backup {name} any more; look again", name=name))

    def _kept(self, path: Path, checks: dict[tuple[str, int], datetime]) -> KeptBackup:
        try:
            found = read_header(path)
        except StoreError as error:
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return KeptBackup(path.name, path, path.stat().st_size, written, None, words_of(error))
        checked = checks.get((found.header_digest, found.size))
        keys = self._keys(found)
        if keys is not None and not keys.exists():
            problem = message("its keys are not there ({path}): put them back", path=keys)
            return KeptBackup(path.name, path, found.size, found.made_at, None, problem)
        return KeptBackup(path.name, path, found.size, found.made_at, checked, keys=keys)

    @property
    def hold_the_erased(self) -> bool:
        """Is there one of before, with the keys of its people inside?"""
        return any(backup.problem is None and backup.keys is None for backup in self.listed())

    def _keys(self, backup: Backup) -> Path | None:
        folders = self._gallery.keys_folders
        if not folders or not backup.backup_id:
            return None
        return find_companion(folders, backup.gallery_id, backup.backup_id)

    def _checks(self) -> dict[tuple[str, int], datetime]:
        """When a file with this header and of this size was last found whole."""
        records, _ = self._gallery.audit_page([_CHECKED], limit=_REMEMBERED)
        return {
            (str(record.details["header"]), int(str(record.details["size"]))): record.at
            for record in reversed(records)
        }

    def _record(self, action: str, backup: Backup) -> None:
        details = {"file": backup.path.name, "header": backup.header_digest, "size": backup.size}
        with self._gallery.change(self._settings.actor, raises_generation=False) as change:
            change.record(action, "", details)

    def _check_room(self, target: Path) -> None:
        """The copy, the sealed file and, when it is checked, one copy more beside it."""
        files = [self._settings.home / name for name in ("gallery.db", "gallery.db-wal")]
        needed = 2 * sum(file.stat().st_size for file in files if file.exists())
        place = next(p for p in (target.parent, *target.parent.parents) if p.exists())
        free = shutil.disk_usage(place).free
        if free < needed:
            raise Unusable(
                message(
                    "there are {free} MB left on the disk of {place}, and a backup needs {needed}; "
                    "free some space",
                    free=free // 10**6,
                    place=place,
                    needed=-(-needed // 10**6),
                )
            )
