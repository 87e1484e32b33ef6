"""Files beside the database: heads, sealed, and reports. A row names each; a file without one goes.

A file is written under another name, made durable and renamed, before the row that names it is
committed; so a killed writer leaves a file that nothing names, and never a row without its file.
"""

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from disk.plain_file import OtherContentError, read_plain
from disk.whole_file import sync_folder, write_whole
from store.errors import GalleryDamaged, StoreError
from store.vault import Vault
from wording.message import message

# A file that no row names may be one whose row is about to be committed.
_GRACE_SECONDS = 3600.0
_MOST_OF_HEAD = 1 << 31  # bytes: a million people with 512 numbers each


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
            write_whole(self.head(head_id), sealed)
        return hashlib.sha256(sealed).hexdigest()

    def read_head(self, head_id: str, digest: str) -> bytes:
        """Raises GalleryDamaged when the file is missing or is not the one that was written."""
        try:
            sealed = read_plain(self.head(head_id), _MOST_OF_HEAD, digest)
        except OtherContentError as error:
            raise GalleryDamaged(
                message(
                    "the file of head {head_id} is not the one that was written", head_id=head_id
                )
            ) from error
        except OSError as error:
            raise GalleryDamaged(
                message(
                    "the file of head {head_id} cannot be read: {error}",
                    head_id=head_id,
                    error=str(error),
                )
            ) from error
        return self._vault.open_head(head_id, sealed)

    def write_report(self, name: str, content: bytes) -> Path:
        """For people to open, so it is not sealed: readable by this user alone."""
        path = self._reports / name
        with _translated():
            write_whole(path, content)
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

    def sweep(
        self, heads: Collection[str], reports: Collection[str], *, at_once: bool = False
    ) -> None:
        """Delete the files that no row names any more, or that killed writers left: all but these.

        Args:
            at_once: also those that somebody may have written to name them next, who then must see
                under the lock that they are gone; else they have an hour.
        """
        kept = {path for head_id in heads for path in self._of_head(head_id)}
        kept |= {self._reports / report for report in reports}
        found = [p for folder in (self._heads, self._reports) for p in folder.glob("*")]
        old = time.time() - _GRACE_SECONDS
        with _translated():
            self._delete([p for p in found if p not in kept and (at_once or _written(p) < old)])

    def holds(self, heads: Collection[str], reports: Collection[str]) -> bool:
        """Are the files of all of these there?"""
        paths = [*map(self.head, heads), *map(self.report, reports)]
        return all(path.exists() for path in paths)

    def reseal(self, head_id: str, digest: str, vault: Vault) -> str:
        """Write a head's file once more beside itself, for another vault; `settle` puts it in its
        place once its row says so. Returns the SHA-256 for the row."""
        sealed = vault.seal_head(head_id, self.read_head(head_id, digest))
        with _translated():
            write_whole(self._heads / f"{head_id}.{vault.key_id}.sealed", sealed)
        return hashlib.sha256(sealed).hexdigest()

    def settle(self, heads: Mapping[str, str]) -> None:
        """Put files that were sealed anew in their places. Harmless before their rows say so.

        Args:
            heads: id -> SHA-256, as the rows say.

        Raises:
            StoreError: one cannot be put there.
        """
        with _translated():
            for head_id, digest in heads.items():
                for path in self._of_head(head_id):
                    if path != self.head(head_id) and _digest(path) == digest:
                        # Durable there before it goes from here: a power failure may lose either
                        # half of a rename.
                        write_whole(self.head(head_id), path.read_bytes())
                        self._delete([path])

    def _of_head(self, head_id: str) -> list[Path]:
        return [self.head(head_id), *self._heads.glob(f"{head_id}.*.sealed")]

    def _delete(self, paths: Collection[Path]) -> None:
        gone = [path for path in paths if path.exists()]
        for path in gone:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in gone}:
            sync_folder(folder)


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # somebody else was quicker
        return 0.0


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def open_archive(home: Path, vault: Vault) -> Archive:
    """The files of the gallery in `home`; folders are made when something is written."""
    return Archive(home, vault)
