"""The keys of one backup, kept apart from it, so that an erasure reaches them.

A backup holds nothing that opens what it has of a person. That is here: a record of fixed length
for everybody in it, and for every other thing in it that may show a face, each wrapped by the
master key. Erasing overwrites records where they lie. Nothing can be read with the backup, or with
this file, or with both but without the master key.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from disk.whole_file import write_whole
from store.errors import GalleryDamaged, StoreError
from store.lock import locked
from wording.message import message

SUFFIX = ".keys"
_MAGIC = b"rollcall backup keys 1\n"
_NAME = 32
_WRAPPED = 60  # nonce, key, tag
_RECORD = 1 + _NAME + _WRAPPED
SUBJECT, THING = b"S", b"T"
_GONE = bytes(_RECORD)


@dataclass(frozen=True, order=True)
class Record:
    """kind: SUBJECT, or THING: what belongs to no subject's key. name: a keyed digest."""

    kind: bytes
    name: bytes
    wrapped: bytes


def companion_of(folder: Path, gallery_id: str, backup_id: str) -> Path:
    return folder / f"{gallery_id}-{backup_id}{SUFFIX}"


def find_companion(folders: Sequence[Path], gallery_id: str, backup_id: str) -> Path:
    """Where it is; where it should be, if it is nowhere."""
    paths = [companion_of(folder, gallery_id, backup_id) for folder in folders]
    return next((path for path in paths if path.exists()), paths[0])


def companions_in(folders: Sequence[Path], gallery_id: str) -> list[Path]:
    """Of every backup of this gallery."""
    return sorted({p for folder in folders for p in folder.glob(f"{gallery_id}-*{SUFFIX}")})


def write_companion(path: Path, records: Iterable[Record]) -> None:
    """Raises StoreError when it cannot be written."""
    content = _MAGIC + b"".join(r.kind + r.name + r.wrapped for r in sorted(records))
    try:
        write_whole(path, content)
    except OSError as error:
        raise StoreError(
            message(
                "the keys of the backup cannot be kept in {folder}: {error}; no backup was made",
                folder=path.parent,
                error=str(error),
            )
        ) from error


def read_companion(path: Path) -> dict[bytes, bytes]:
    """Name -> wrapped key, of what was not erased.

    Raises:
        StoreError: it is not there, or cannot be read. GalleryDamaged: it is something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(
            message(
                "the keys of this backup cannot be read ({error}): without {path} nothing in the "
                "backup can be; put it back beside the gallery's key",
                path=path,
                error=str(error.strerror),
            )
        ) from error
    return {record.name: record.wrapped for _, record in _records(path, content)}


def erase_from(path: Path, gone: Callable[[Record], bool]) -> int:
    """Overwrite the records that are `gone`, through to the disk; how many that were.

    Raises:
        OSError: it cannot be written. GalleryDamaged: it is something else.
    """
    with locked(path):
        content = path.read_bytes()
        places = [place for place, record in _records(path, content) if gone(record)]
        if places:
            with path.open("r+b") as file:
                for place in places:
                    file.seek(place)
                    file.write(_GONE)
                file.flush()
                os.fsync(file.fileno())
        return len(places)


def _records(path: Path, content: bytes) -> list[tuple[int, Record]]:
    body = len(content) - len(_MAGIC)
    if not content.startswith(_MAGIC) or body % _RECORD:
        raise GalleryDamaged(
            message("{path} is damaged: put a copy of it back, or delete it", path=path)
        )
    found = []
    for place in range(len(_MAGIC), len(content), _RECORD):
        raw = content[place : place + _RECORD]
        if raw != _GONE:
            name, wrapped = raw[1 : 1 + _NAME], raw[1 + _NAME :]
            found.append((place, Record(raw[:1], name, wrapped)))
    return found
