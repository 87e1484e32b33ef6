"""A zip of people's photos. It is read in memory, member by member, under limits that count real
bytes; nothing is unpacked to disk and no name of a member ever becomes a path.
"""

import lzma
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from enrollment.enrollee import Enrollee, Intake, is_photo, printable
from enrollment.errors import BadInput
from enrollment.people_table import read_table, read_whole
from enrollment.photo import MAX_BYTES, Photo
from enrollment.photo_pool import PhotoPool
from wording.message import message

MAX_MEMBERS = 5_000
MAX_TOTAL = 2 * 1024**3
MAX_RATIO = 100
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
)


@dataclass(frozen=True)
class _Member:
    """A file in an archive. inside: where, as the archive says."""

    inside: PurePosixPath
    content: Photo


def read_archive(label: str, file: Path | BinaryIO) -> Intake:
    """Everyone in a zip: a folder each, or one table at the top that names the photos beside it.

    Args:
        label: how people know it, for messages.

    Raises:
        BadInput: damaged, encrypted, too large, or with members that no honest archive has.
    """
    members = _members(label, file)
    table = _table_at_top(members)
    if table is not None:
        pool = _pool(members, table.inside.parent)
        found = read_table(f"{label}/{table.inside}", read_whole(table.content), pool.find)
        return Intake(found.people, found.refused, unused=pool.unused)
    photos: dict[str, list[Photo]] = {}
    wanted = [member for member in members if is_photo(member.inside.name)]
    depth = _common_depth([member.inside.parts for member in wanted])
    for member in wanted:
        folders = member.inside.parts[depth:-1]
        owner = folders[0] if folders else ""
        photos.setdefault(owner, []).append(member.content)
    loose = photos.pop("", [])
    people = [Enrollee(owner, None, tuple(found)) for owner, found in sorted(photos.items())]
    return Intake(tuple(people), loose=tuple(loose))


def pool_of_archive(label: str, file: BinaryIO) -> PhotoPool:
    """The photos of a zip, for a table that lies outside it. Raises as `read_archive`."""
    return _pool(_members(label, file), PurePosixPath())


def _members(label: str, file: Path | BinaryIO) -> list[_Member]:
    try:
        archive = zipfile.ZipFile(file)
        members = [info for info in archive.infolist() if not info.filename.endswith("/")]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise BadInput(
            message(
                "{file} is not a zip archive that can be read: {error}",
                file=label,
                error=str(error),
            )
        ) from error
    _check_members(label, members)
    found = [
        _Member(PurePosixPath(info.filename), _member(label, archive, info)) for info in members
    ]
    return [member for member in found if not _hidden_member(member.inside)]


def _table_at_top(members: Sequence[_Member]) -> _Member | None:
    """The only table that is not in a folder, apart from folders that everything is in."""
    tables = [m for m in members if m.inside.suffix.lower() == ".csv"]
    above = [m.inside.parent.parts for m in members if is_photo(m.inside.name)]
    top = [
        table
        for table in tables
        if all(parts[: len(table.inside.parent.parts)] == table.inside.parent.parts
               for parts in above)
    ]  # fmt: skip
    return top[0] if len(top) == 1 else None


def _pool(members: Sequence[_Member], top: PurePosixPath) -> PhotoPool:
    pool = PhotoPool()
    for member in members:
        if is_photo(member.inside.name):
            inside = member.inside
            pool.add(
                str(inside.relative_to(top) if top in inside.parents else inside), member.content
            )
    return pool


def _common_depth(parts: Sequence[tuple[str, ...]]) -> int:
    """How many leading folders all members share above the folders that name people."""
    depth = 0
    while parts and all(len(p) > depth + 2 for p in parts) and len({p[depth] for p in parts}) == 1:
        depth += 1
    return depth


def _hidden_member(inside: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in inside.parts)


def _check_members(label: str, members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise BadInput(
            message(
                "{file} has {n} files; at most {most} are taken at once: split it",
                file=label,
                n=len(members),
                most=MAX_MEMBERS,
            )
        )
    seen: set[str] = set()
    total = 0
    for info in members:
        inside = info.filename.replace("\\", "/")
        if inside.startswith("/") or ":" in inside.split("/")[0] or ".." in inside.split("/"):
            raise BadInput(
                message(
                    "{file} has a member that points outside it, {member}; "
                    "nothing was taken from it",
                    file=label,
                    member=printable(info.filename),
                )
            )
        key = unicodedata.normalize("NFC", inside).casefold()
        if key in seen:
            raise BadInput(
                message(
                    "{file} has {member} twice; nothing was taken from it",
                    file=label,
                    member=printable(inside),
                )
            )
        seen.add(key)
        if info.flag_bits & 0x1:
            raise BadInput(
                message("{file} is encrypted; unpack it and give the folder", file=label)
            )
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise BadInput(
                message(
                    "{file}: {member} grows {times} times when unpacked (at most {most}); "
                    "nothing was taken from it",
                    file=label,
                    member=printable(inside),
                    times=info.file_size // max(info.compress_size, 1),
                    most=MAX_RATIO,
                )
            )
        total += info.file_size
    if total > MAX_TOTAL:
        raise BadInput(
            message(
                "{file} unpacks to {size:.1f} GB, more than {most} GB: split it",
                file=label,
                size=total / 1024**3,
                most=MAX_TOTAL // 1024**3,
            )
        )


def _member(label: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Photo:
    def read() -> bytes:
        try:
            with archive.open(info) as file:
                # The sizes that an archive declares may lie: count what really comes.
                return file.read(MAX_BYTES + 1)
        except _DAMAGED as error:
            raise OSError(message("damaged in the archive: {error}", error=str(error))) from error

    return Photo(f"{label}/{info.filename}", read)
