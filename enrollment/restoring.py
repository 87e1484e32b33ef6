"""`rollcall restore`: a backup becomes the gallery, and nobody who was erased comes back.

Everything happens in a folder of its own within the new home. The database is moved into its place
last, so that a restore that was cut short leaves nothing that opens; the next one clears it away.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from disk.whole_file import sync_folder
from enrollment.config import Settings
from enrollment.erasure import erase_again
from enrollment.errors import BadInput, Unusable
from enrollment.key_source import key_of_backup
from enrollment.opening import POINTER, checked_index, write_pointer
from store.archive import open_archive
from store.backup import DATABASE, read_header, wipe_folder
from store.database import sqlite_url
from store.erasure_list import SUFFIX
from store.errors import ErasureUnfinished
from store.gallery import Gallery, open_gallery
from store.restore import open_backup, write_down
from store.vault import key_id_of
from wording.message import message, words_of

_WORKPLACE = ".restore-"
_FOLDERS = ("heads", "reports")
_MOST_REASON = 500
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Restored:
    """backup_digest, digest: of the index that is in the backup without those who have no key any
    more, and of the one that was made. erased: how many of
    the backup's people were erased after it was made, and are erased from it again. heads: versions
    of the head that an erasure has made unreadable; the next night makes one."""

    home: Path
    gallery_id: str
    key_id: str
    made_at: datetime
    people: int
    templates: int
    backup_digest: str
    digest: str
    erased: int
    heads_lost: int
    list_known: bool

    def as_document(self) -> dict[str, object]:
        return {
            "home": str(self.home),
            "gallery_id": self.gallery_id,
            "key_id": self.key_id,
            "made_at": self.made_at.isoformat(),
            "people": self.people,
            "templates": self.templates,
            "backup_digest": self.backup_digest,
            "digest": self.digest,
            "erased": self.erased,
            "heads_lost": self.heads_lost,
            "erasures_known": self.list_known,
        }


def restore(
    settings: Settings,
    file: Path,
    reason: str = "",
    without_list: bool = False,
    progress: Progress = lambda share: None,
) -> Restored:
    """Make a gallery in `settings.home`, which is empty or not there, from a backup.

    Args:
        reason: for the audit trail. without_list: go on where nobody knows who was erased since.

    Raises:
        BadInput: the folder is not empty, or the list of the erased is not there.
        KeyMissing, GalleryDamaged, StoreError: the backup cannot be opened, and why.
        Unusable: the folder cannot be written to.
    """
    try:
        return _restore(settings, file, reason, without_list, progress)
    except OSError as error:
        said = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        if (settings.home / DATABASE).exists():
            raise Unusable(
                message(
                    "the gallery is restored in {home}, but the very end of it failed ({error}); "
                    "see that the disk is well, then run: rollcall rebuild --verify",
                    home=settings.home,
                    error=said,
                )
            ) from error
        raise Unusable(
            message("nothing was restored in {home}: {error}", home=settings.home, error=said)
        ) from error


def _restore(
    settings: Settings, file: Path, reason: str, without_list: bool, progress: Progress
) -> Restored:
    if len(reason) > _MOST_REASON:
        raise BadInput(message("write down why, in at most {most} letters", most=_MOST_REASON))
    home, index = settings.home, checked_index(settings.index)
    _check_empty(home)
    header = read_header(file)
    anchors = settings.anchor_files(header.gallery_id)
    known = any(path.with_suffix(SUFFIX).exists() for path in anchors)
    if not known and not without_list:
        raise BadInput(
            message(
                "the list of who was erased is not there ({path}), so people who were erased after "
                "this backup was made could come back; put it back, or say that you know: "
                "--without-erasure-list",
                path=anchors[0].with_suffix(SUFFIX),
            )
        )
    master, now = key_of_backup(settings, header.gallery_id, header.key_id)
    _clear(home)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = home / f"{_WORKPLACE}{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    try:
        keys = [path.parent for path in reversed(anchors)]
        opened = open_backup(file, master, folder, keys, progress)
        details = {
            "file": file.name,
            "header": header.header_digest,
            "made_at": header.made_at.isoformat(),
            "reason": reason,
            "erasures_known": known,
        }
        write_down(folder, opened, settings.actor, datetime.now(UTC), details)
        gallery = open_gallery(sqlite_url(folder / DATABASE), master, anchors, restored=True)
        try:
            again = _finish(gallery, settings, folder, now)
            found = gallery.verify()
            if not found.sound:
                raise Unusable(
                    message("what was restored is not sound; nothing was made: use another backup")
                )
            gallery.cut_log()
            restored = Restored(
                home=home,
                gallery_id=header.gallery_id,
                key_id=gallery.key_id,
                made_at=header.made_at,
                people=gallery.count(),
                templates=found.templates,
                backup_digest=opened.digest,
                digest=found.rebuilt_digest,
                erased=len(opened.lost.subjects) + again,
                heads_lost=len(opened.lost.rows.get("heads", ())),
                list_known=known,
            )
        finally:
            gallery.close()
        _move(folder, home, index)
    except BaseException:
        _clear(home)
        raise
    wipe_folder(folder)
    return restored


def _finish(gallery: Gallery, settings: Settings, folder: Path, now: bytes) -> int:
    """Erase again who can still be read, put it under today's key, and anchor it."""
    archive = open_archive(folder, gallery.vault)
    again = erase_again(gallery, archive, settings.actor)
    try:
        gallery.finish_erasures(of_subjects_alone=True)
    except ErasureUnfinished as error:
        raise Unusable(
            message(
                "the erasures cannot be written down beside the key: {problem}; nothing was made",
                problem=words_of(error),
            )
        ) from error
    if key_id_of(now) != gallery.key_id:
        gallery.rotate(archive, now, settings.actor)
    gallery.anchor_here()
    return again


def _check_empty(home: Path) -> None:
    """Raises BadInput; what a killed restore left counts as nothing."""
    if not home.exists():
        return
    if not home.is_dir():
        raise BadInput(message("{home} is a file; name an empty folder with --home", home=home))
    names = {path.name for path in home.iterdir()}
    killed = any(name.startswith(_WORKPLACE) for name in names)
    left = {n for n in names if not n.startswith(_WORKPLACE)}
    if left and not (killed and left <= {*_FOLDERS, POINTER}):
        raise BadInput(
            message(
                "{home} is not empty; nothing was changed. Name an empty folder with --home",
                home=home,
            )
        )


def _clear(home: Path) -> None:
    """Take away what a restore left that did not come to its end."""
    left = list(home.glob(f"{_WORKPLACE}*"))
    if not left or (home / DATABASE).exists():
        return
    for name in _FOLDERS:
        wipe_folder(home / name)
    (home / POINTER).unlink(missing_ok=True)
    for folder in left:
        wipe_folder(folder)


def _move(folder: Path, home: Path, index: str | None) -> None:
    """The database last: with it there is a gallery."""
    for name in _FOLDERS:
        if (folder / name).exists():
            (folder / name).rename(home / name)
    if index is not None:
        write_pointer(home, None, index)
    (folder / DATABASE).chmod(0o600)
    with (folder / DATABASE).open("rb") as file:
        os.fsync(file.fileno())
    sync_folder(home)
    (folder / DATABASE).rename(home / DATABASE)
    sync_folder(home)
