"""Who was erased, in a second place: what a restored backup must not bring back.

A file beside the audit trail's anchor, a line for everybody who was erased: a keyed digest of the
id, the time, and a keyed digest of the line and the one before. Lines are only ever added.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from disk.whole_file import sync_folder
from store.errors import GalleryDamaged
from store.lock import locked
from store.vault import Vault
from wording.message import message

SUFFIX = ".erased"
_FIRST = "rollcall erasures 1\n"


class ErasureList:
    """One such file of one gallery."""

    def __init__(self, path: Path, vault: Vault, gallery_id: str) -> None:
        self.path = path
        self._vault = vault
        self._gallery_id = gallery_id

    def read(self) -> dict[str, str] | None:
        """Digest of the subject's id -> when; None: the file is not there.

        Raises:
            GalleryDamaged: it is another gallery's, or was altered. OSError: it cannot be read.
        """
        try:
            held = self.path.read_text("ascii", "replace")
        except FileNotFoundError:
            return None
        found, _, _ = self._checked(held)
        return found

    def add(self, erased: Mapping[str, str]) -> None:
        """Write down who is not there yet, through to the disk; makes the file.

        Raises:
            GalleryDamaged: as `read`. OSError: it cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.path):
            held = self.path.read_text("ascii", "replace") if self.path.exists() else ""
            found, end, whole = self._checked(held)
            missing = {mac: at for mac, at in erased.items() if mac not in found}
            if held and not missing:
                return
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(handle, "r+b") as file:
                file.truncate(whole)  # a line that a power failure cut off
                file.seek(whole)
                if not whole:
                    file.write(_FIRST.encode())
                for mac, at in missing.items():
                    end = self._sign(end, mac, at)
                    file.write(f"{mac} {at} {end}\n".encode())
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.path.parent)

    def _checked(self, held: str) -> tuple[dict[str, str], str, int]:
        """Who stands in it, the last line's digest, and how many bytes of it are whole lines."""
        found: dict[str, str] = {}
        end, whole = self._gallery_id, 0
        for line in held.splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            if whole == 0:
                if line != _FIRST:
                    raise self._altered()
            else:
                parts = line.split()
                if len(parts) != 3 or parts[2] != self._sign(end, parts[0], parts[1]):
                    raise self._altered()
                found[parts[0]], end = parts[1], parts[2]
            whole += len(line)
        return found, end, whole

    def _sign(self, before: str, mac: str, at: str) -> str:
        # With the key of lookups, which outlives a rotation as the digests themselves do.
        return self._vault.lookup_mac("erasure list", f"{before} {mac} {at}".encode()).hex()

    def _altered(self) -> GalleryDamaged:
        return GalleryDamaged(
            message(
                "the list of who was erased, {path}, is another gallery's or was altered; put a "
                "copy of it back",
                path=self.path,
            )
        )
