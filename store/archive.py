"""Files beside the database: heads, sealed, and reports. A row names each; a file without one goes.

A file is written under another name, made durable and renamed, before the row that names it is
committed; so a killed writer leaves a file that nothing names, and never a row without its file.
"""

import hashlib
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import GalleryDamaged, StoreError
from store.vault import Vault
from wording.message import message

# A file that no row names may be one whose row is about to be committed.
_GRACE_SECONDS = 3600.0


class Archive:
    """The folders `heads` and `reports` in a gallery's folder.

    What writes or deletes raises StoreError where the disk is full or broken.
    """

    def __init__(self, home: Path, vault: Vault) -> None:
        self._heads = home / "heads"
        self._reports = home / "reports"
        self._vault = vault

    def write_head(self, head_id: str, content: bytes) -> str:
        """Seal a head's arrays; returns the SHA-256 of the file for the row."""
        sealed = self._vault.seal_head(head_id, content)
        with _translated():
            _write(self.head(head_id), sealed)
        return hashlib.sha256(sealed).hexdigest()

    def read_head(self, head_id: str, digest: str) -> bytes:
        """Raises GalleryDamaged when the file is missing or is not the one that was written."""
        try:
            sealed = self.head(head_id).read_bytes()
        except OSError as error:
            raise GalleryDamaged(
                message(
                    "the file of head {head_id} cannot be read: {error}",
                    head_id=head_id,
                    error=str(error),
                )
            ) from error
        if hashlib.sha256(sealed).hexdigest() != digest:
            raise GalleryDamaged(
                message(
                    "the file of head {head_id} is not the one that was written", head_id=head_id
                )
            )
        return self._vault.open_head(head_id, sealed)

    def write_report(self, name: str, content: bytes) -> Path:
        """For people to open, so it is not sealed: readable by this user alone."""
        path = self._reports / name
        with _translated():
            _write(path, content)
        return path

    def head(self, head_id: str) -> Path:
        """Its file, where it has one."""
        return self._heads / f"{head_id}.sealed"

    def report(self, name: str) -> Path:
        return self._reports / name

    def read_report(self, name: str) -> bytes | None:
        """None when it is not there: an erasure takes the reports that name somebody."""
        try:
            return self.report(name).read_bytes()
        except FileNotFoundError:
            return None

    def sweep(self, heads: Collection[str], reports: Collection[str]) -> None:
        """Delete the files that killed writers left: all but these that are an hour old."""
        kept = {self.head(head_id) for head_id in heads} | {self._reports / r for r in reports}
        found = [p for folder in (self._heads, self._reports) for p in folder.glob("*")]
        old = time.time() - _GRACE_SECONDS
        with _translated():
            self._delete([p for p in found if p not in kept and p.stat().st_mtime < old])

    def remove(self, heads: Collection[str], reports: Collection[str]) -> None:
        """Delete these; what is not there is passed over."""
        with _translated():
            self._delete([*(self.head(h) for h in heads), *(self._reports / r for r in reports)])

    def _delete(self, paths: Collection[Path]) -> None:
        gone = [path for path in paths if path.exists()]
        for path in gone:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in gone}:
            _sync(folder)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            message(
                "the folder of the gallery cannot be written to: {error}",
                error=str(error.strerror or error),
            )
        ) from error


def open_archive(home: Path, key: bytes) -> Archive:
    """The files of the gallery in `home`; folders are made when something is written."""
    return Archive(home, Vault(key))
