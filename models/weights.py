"""Weights files: where they are, what they are, and whether they are still what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from disk.whole_file import write_whole
from models.errors import ModelError, WeightsDamaged
from wording.message import message

Progress = Callable[[int, int], None]  # bytes done, bytes in all (0: not known)


@dataclass(frozen=True)
class WeightsFile:
    """A weights file as it was opened. sha256: hex. size: bytes."""

    path: Path
    sha256: str
    size: int


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex; 580 MB take about 1.5 s."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_file(path: Path) -> WeightsFile:
    """The file as it is now, with its full digest."""
    return WeightsFile(path, sha256_of(path), path.stat().st_size)


def find_file(name: str, home: Path, search: Sequence[Path] = ()) -> Path | None:
    """The first file called `name` in `home`, then in the folders of `search`; None if none."""
    for folder in (home, *search):
        path = folder.expanduser() / name
        if path.is_file():
            return path
    return None


def verify_record(path: Path, home: Path) -> WeightsFile:
    """The file, after its digest was compared with the one recorded at its first use.

    For files of which no digest is published. The record is a `sha256sum` line in
    `home/NAME.sha256`; it is written when there is none yet. Raises WeightsDamaged when the file
    is another one than was recorded.
    """
    file = weights_file(path)
    record = home / f"{path.name}.sha256"
    if record.is_file():
        recorded = record.read_text(encoding="utf-8", errors="replace").split(maxsplit=1)
        if not recorded or recorded[0] != file.sha256:
            raise WeightsDamaged(
                message(
                    "{path} is not the file that was first used (recorded in {record}): "
                    "put that file back, or delete {record} if it was replaced on purpose",
                    path=path,
                    record=record,
                )
            )
        return file
    write_record(file, home)
    return file


def write_record(file: WeightsFile, home: Path) -> None:
    """Record the digest of a file at its first use, or after a fresh download.

    Raises ModelError when `home` cannot be written.
    """
    record = home / f"{file.path.name}.sha256"
    try:
        write_whole(record, f"{file.sha256}  {file.path.name}\n".encode())
    except OSError as error:
        raise ModelError(
            message("{record} cannot be written ({error})", record=record, error=error.strerror)
        ) from error
