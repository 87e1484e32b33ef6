"""A file that appears whole or not at all: the only way that files of ours are written."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_LEFT_BY_KILLED = 3600.0  # seconds: no write takes so long


@contextmanager
def whole_file(path: Path, *, replaces: bool = True, durable: bool = True) -> Iterator[BinaryIO]:
    """Write to what this gives; at the end it is `path`, readable by this user alone.

    It is written beside `path` under another name, brought to the disk, and renamed; then the
    folder is brought to the disk, for a name may be lost as well. Whatever goes wrong before, the
    new file is gone and `path` is as it was. After a failed fsync nothing is tried again: the
    system may have dropped what it could not write (PostgreSQL, 2018).

    Args:
        replaces: False: what is there already is left alone.
        durable: False: without waiting for the disk, where losing the newest version is no loss.

    Raises:
        FileExistsError: it is there, and is not to be replaced.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if replaces:
            new.replace(path)
        else:
            os.link(new, path)  # unlike a rename, fails where somebody was quicker
    finally:
        new.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def write_whole(path: Path, content: bytes, *, replaces: bool = True, durable: bool = True) -> None:
    """As `whole_file`, in one go."""
    with whole_file(path, replaces=replaces, durable=durable) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """Bring its names to the disk: those that came, and those that went."""
    if os.name != "posix":
        return  # Windows opens no folders
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(path: Path) -> None:
    """What killed writers of this very file left behind."""
    old = time.time() - _LEFT_BY_KILLED
    for left in path.parent.glob(f".{_literal(path.name)}.*.new"):
        with suppress(OSError):
            if left.stat().st_mtime < old:
                left.unlink()


def _literal(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
