"""Anchors: how far the audit trail had come, signed, in a second place.

A trail that was cut off, or a database that was put back to an older state, is whole in itself;
only what lies elsewhere can tell. An anchor is a small file outside the gallery's folder that is
written after every change and never lowered, by however many processes.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from disk.plain_file import read_plain
from disk.whole_file import write_whole
from store.errors import GalleryDamaged
from store.lock import locked
from store.vault import Vault
from wording.message import message

SUFFIX = ".anchor"
_SYNCED_EVERY = 3600.0  # seconds
_MOST = 1 << 16  # bytes


@dataclass(frozen=True)
class Anchor:
    """seq, mac: the newest row of the audit trail at that time. since: the first row that this
    file ever held; a later one than 1 means that it was begun anew."""

    gallery_id: str
    seq: int
    mac: str
    generation: int
    at: datetime
    since: int


class AnchorPlace:
    """One file that anchors are kept in. `problem`: why the last one could not be, or None."""

    def __init__(self, path: Path, vault: Vault, gallery_id: str) -> None:
        self.path = path
        self.problem: str | None = None
        self._vault = vault
        self._gallery_id = gallery_id
        self._mine: Anchor | None = None
        self._synced_at: float | None = None

    def read(self) -> Anchor | None:
        """What is kept; None: nothing yet.

        Raises:
            GalleryDamaged: it was not written with this gallery's key. OSError: it cannot be read.
        """
        try:
            raw = read_plain(self.path, _MOST)
        except FileNotFoundError:
            return None
        if not raw:
            return None  # the power failed between the name and the content
        try:
            held = json.loads(raw)
            anchor = Anchor(
                gallery_id=str(held["gallery_id"]),
                seq=int(held["seq"]),
                mac=str(held["mac"]),
                generation=int(held["generation"]),
                at=datetime.fromisoformat(held["at"]),
                since=int(held["since"]),
            )
            signed = held["signature"] == self._signature(anchor)
        except (ValueError, KeyError, TypeError) as error:
            raise self._forged() from error
        if not signed or anchor.gallery_id != self._gallery_id:
            raise self._forged()
        return anchor

    def keep(
        self, anchor: Anchor, follows: Callable[[Anchor], bool], *, at_once: bool = False
    ) -> None:
        """Write it unless a later one is there. What goes wrong is `problem`, never an error: the
        change is made already, and stays made.

        Args:
            follows: does the gallery's trail hold the row that is anchored now?
            at_once: get it through to the disk, whenever that was done last.
        """
        self._guarded(lambda: self._keep(anchor, follows, at_once))

    def replace(self, anchor: Anchor) -> None:
        """Write it whatever is there, because a person has said that this is the gallery."""
        self._guarded(lambda: self._write(anchor, at_once=True))

    def take(self, vault: Vault) -> None:
        """Sign with another one from now on: the key was rotated."""
        self._vault = vault

    def try_out(self) -> None:
        """Find out whether it could be written; sets `problem`."""
        self._guarded(lambda: None)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self.path):
                self.problem = None
                act()
        except (OSError, GalleryDamaged) as error:
            self.problem = message(
                "the audit trail's anchor {path} cannot be kept: {error}",
                path=self.path,
                error=error.args[0] if isinstance(error, GalleryDamaged) else str(error),
            )

    def _keep(self, anchor: Anchor, follows: Callable[[Anchor], bool], at_once: bool) -> None:
        held = self.read()
        if held is not None and held.seq >= anchor.seq:
            return
        if held is not None and held != self._mine and not follows(held):
            raise GalleryDamaged(
                message(
                    "it holds entry {number} of another history; run: rollcall audit verify",
                    number=held.seq,
                )
            )
        since = anchor.since if held is None else held.since
        self._write(
            Anchor(anchor.gallery_id, anchor.seq, anchor.mac, anchor.generation, anchor.at, since),
            at_once,
        )

    def _write(self, anchor: Anchor, at_once: bool) -> None:
        now = time.monotonic()
        synced = at_once or self._synced_at is None or now - self._synced_at >= _SYNCED_EVERY
        content = json.dumps({**_fields(anchor), "signature": self._signature(anchor)})
        write_whole(self.path, content.encode() + b"\n", durable=synced)
        if synced:
            self._synced_at = now
        self._mine = anchor

    def _signature(self, anchor: Anchor) -> str:
        signed = json.dumps(_fields(anchor), sort_keys=True)
        # With the key of its row: one that was written before a rotation still holds after it.
        return self._vault.audit_mac(b"anchor\n" + signed.encode(), max(anchor.seq, 1)).hex()

    def _forged(self) -> GalleryDamaged:
        return GalleryDamaged(
            message(
                "{path} was not written by this gallery, or was altered. Run: rollcall audit "
                "verify; once you know why, delete the file, and the next change writes it anew",
                path=self.path,
            )
        )


def _fields(anchor: Anchor) -> Mapping[str, object]:
    return {
        "gallery_id": anchor.gallery_id,
        "seq": anchor.seq,
        "mac": anchor.mac,
        "generation": anchor.generation,
        "at": anchor.at.isoformat(),
        "since": anchor.since,
    }
