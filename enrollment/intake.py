"""Whom to enroll, from what a person has: folders, photos, archives, tables.

Everything is looked at before anything is enrolled, so that bad input changes nothing. Archives
are read in memory, member by member, under limits that count real bytes; nothing is unpacked to
disk and no name of a member ever becomes a path.
"""

import csv
import io
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from enrollment.errors import BadInput
from enrollment.message import message
from enrollment.photo import MAX_BYTES, Photo, photo_file

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
# Pictures that cannot be read are taken too, so that they are refused aloud instead of passed over.
_IMAGE_SUFFIXES = (*PHOTO_SUFFIXES, ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
MAX_NAME = 100
MAX_MEMBERS = 5_000
MAX_TOTAL = 2 * 1024**3
MAX_RATIO = 100
# Beyond letters, marks and digits of any alphabet.
_NAME_SIGNS = " '\u2019-\u2010.,_\u00b7()&"
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Enrollee:
    """A person to enroll, and the photos to do it with.

    subject_id: the enrolled subject that is meant, where that is known already.
    """

    name: str
    external_id: str | None
    photos: tuple[Photo, ...]
    subject_id: str | None = None


def check_name(name: str) -> str:
    """The name, unchanged.

    Raises:
        BadInput: empty, too long, or with characters that no name has.
    """
    if not name.strip():
        raise BadInput("the name is empty; give the person's name")
    if len(name) > MAX_NAME:
        raise BadInput(f"the name has {len(name)} characters; at most {MAX_NAME} are allowed")
    for sign in name:
        if not (unicodedata.category(sign)[0] in "LMN" or sign in _NAME_SIGNS):
            raise BadInput(
                f"the name {printable(name)} has the character {printable(sign)}; allowed are "
                "letters and digits of any alphabet, spaces and ' - . , _ ( ) &"
            )
    return name


def check_until(until: datetime | None, now: datetime) -> None:
    """Can a consent end then?

    Raises:
        BadInput: it would have ended already.
    """
    if until is not None and until <= now:
        raise BadInput(
            message("the consent would have ended already: give a day that is still to come")
        )


def printable(text: str, most: int = 60) -> str:
    """Quoted, on one line, safe for a terminal."""
    return repr(text if len(text) <= most else text[:most] + "...")


def gather(
    paths: Sequence[Path], name: str | None = None, external_id: str | None = None
) -> list[Enrollee]:
    """Everyone that these paths hold.

    Args:
        paths: a folder of photos (with `name`), a folder of folders (whose names are the
            people's), photos (with `name`), a `.zip` of either, or a `.csv`.
        name: the one person whom all of it shows.

    Raises:
        BadInput: with what is wrong and where; nothing has been read beyond listings.
    """
    if name is not None:
        check_name(name)
    people: list[Enrollee] = []
    loose: list[Photo] = []
    for path in paths:
        found, photos = _gather_one(path)
        people += found
        loose += photos
    if name is None:
        for path in paths:
            _refuse_nested(path)
    else:
        photos = [photo for person in people for photo in person.photos] + loose
        people = [Enrollee(name, external_id, tuple(photos))]
        loose = []
    if loose:
        raise BadInput(
            f"{loose[0].source} lies in no person's folder; "
            "say whose photos these are with --name, or make a folder for each person"
        )
    if name is None and external_id is not None:
        raise BadInput("--external-id belongs to one person; give --name too")
    people = _join(people)
    if not any(person.photos for person in people):
        where = ", ".join(str(path) for path in paths)
        raise BadInput(
            f"there is no photo ({', '.join(PHOTO_SUFFIXES)}) in {where}; "
            "give a folder of photos, a folder of such folders, a .zip or a .csv"
        )
    for person in people:
        check_name(person.name)
    return people


def photos_under(path: Path, also: tuple[str, ...] = ()) -> list[Path]:
    """The photos in a folder and below, in order of name; hidden ones are not looked at."""
    return sorted(
        found
        for found in path.rglob("*")
        if found.name.lower().endswith((*_IMAGE_SUFFIXES, *also))
        and found.is_file()
        and not _hidden(found, path)
    )


def _gather_one(path: Path) -> tuple[list[Enrollee], list[Photo]]:
    """The named people in a path, and photos of nobody yet."""
    if not path.exists():
        raise BadInput(f"{path} does not exist; check the path")
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() == ".zip":
        return _archive(path)
    if path.suffix.lower() == ".csv":
        return _table(path), []
    return [], [photo_file(path)]


def _folder(folder: Path) -> tuple[list[Enrollee], list[Photo]]:
    people, loose = [], []
    for entry in sorted(folder.iterdir()):
        if _hidden(entry, folder):
            continue
        if entry.is_dir():
            found = photos_under(entry)
            if found:
                people.append(Enrollee(entry.name, None, tuple(map(photo_file, found))))
        elif _is_photo(entry.name):
            loose.append(photo_file(entry))
    return people, loose


def _refuse_nested(path: Path) -> None:
    """A folder's name is a person's name: folders inside it would mix people up."""
    if not path.is_dir():
        return
    for found in photos_under(path):
        if len(found.relative_to(path).parts) > 2:
            raise BadInput(
                f"{found.parent} lies inside {found.parent.parent}: a person's folder holds photos "
                f"only. Give {found.parent.parent} itself, or --name if all show one person"
            )


def _archive(path: Path) -> tuple[list[Enrollee], list[Photo]]:
    try:
        archive = zipfile.ZipFile(path)
        members = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise BadInput(f"{path} is not a zip archive that can be read: {error}") from error
    _check_members(path, members)
    photos: dict[str, list[Photo]] = {}
    wanted = [(PurePosixPath(info.filename), info) for info in members]
    wanted = [(p, i) for p, i in wanted if _is_photo(p.name) and not _hidden_member(p)]
    depth = _common_depth([p.parts for p, _ in wanted])
    for inside, info in wanted:
        folders = inside.parts[depth:-1]
        owner = folders[0] if folders else ""
        photos.setdefault(owner, []).append(_member(path, archive, info))
    loose = photos.pop("", [])
    return [Enrollee(owner, None, tuple(found)) for owner, found in sorted(photos.items())], loose


def _common_depth(parts: Sequence[tuple[str, ...]]) -> int:
    """How many leading folders all members share above the folders that name people."""
    depth = 0
    while parts and all(len(p) > depth + 2 for p in parts) and len({p[depth] for p in parts}) == 1:
        depth += 1
    return depth


def _hidden_member(inside: PurePosixPath) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in inside.parts)


def _check_members(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise BadInput(
            f"{path} has {len(members)} files; at most {MAX_MEMBERS} are taken at once: split it"
        )
    seen: set[str] = set()
    total = 0
    for info in members:
        inside = info.filename.replace("\\", "/")
        if inside.startswith("/") or ":" in inside.split("/")[0] or ".." in inside.split("/"):
            raise BadInput(
                f"{path} has a member that points outside it, {printable(info.filename)}; "
                "nothing was taken from it"
            )
        key = unicodedata.normalize("NFC", inside).casefold()
        if key in seen:
            raise BadInput(f"{path} has {printable(inside)} twice; nothing was taken from it")
        seen.add(key)
        if info.flag_bits & 0x1:
            raise BadInput(f"{path} is encrypted; unpack it and give the folder")
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise BadInput(
                f"{path}: {printable(inside)} grows {info.file_size // max(info.compress_size, 1)} "
                f"times when unpacked (at most {MAX_RATIO}); nothing was taken from it"
            )
        total += info.file_size
    if total > MAX_TOTAL:
        raise BadInput(
            f"{path} unpacks to {total / 1024**3:.1f} GB, more than {MAX_TOTAL // 1024**3} GB: "
            "split it"
        )


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Photo:
    def read() -> bytes:
        try:
            with archive.open(info) as file:
                # The sizes that an archive declares may lie: count what really comes.
                return file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise OSError(f"damaged in the archive: {error}") from error

    return Photo(f"{path}/{info.filename}", read)


def _table(path: Path) -> list[Enrollee]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text; save it as CSV UTF-8") from error
    if "\x00" in text:
        raise BadInput(f"{path} is not a text file; save it as CSV UTF-8")
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadInput(f"{path} is not a CSV that can be read: {error}") from error
    missing = {"name", "photo"} - set(rows[0] if rows else {})
    if missing:
        raise BadInput(
            f"{path} has no column {' and no column '.join(sorted(missing))}; "
            "the first line must be: name,photo or name,photo,external_id"
        )
    people = []
    for line, row in enumerate(rows, start=2):
        name, photo = (row["name"] or "").strip(), (row["photo"] or "").strip()
        external_id = (row.get("external_id") or "").strip() or None
        for column, value in (("name", name), ("photo", photo), ("external_id", external_id or "")):
            if value.startswith(_FORMULA_SIGNS):
                raise BadInput(
                    f"{path} line {line}: the {column} {printable(value)} begins like a "
                    "spreadsheet formula; remove the first character. Nothing was enrolled"
                )
        if not name or not photo:
            raise BadInput(f"{path} line {line}: name or photo is empty. Nothing was enrolled")
        try:
            check_name(name)
        except BadInput as error:
            raise BadInput(f"{path} line {line}: {error}") from error
        people.append(Enrollee(name, external_id, _photos_at(path, line, photo)))
    return people


def _photos_at(table: Path, line: int, photo: str) -> tuple[Photo, ...]:
    path = table.parent / photo
    try:
        if path.is_dir():
            return tuple(photo_file(found) for found in photos_under(path))
        if path.is_file():
            return (photo_file(path),)
    except (OSError, ValueError):
        pass
    raise BadInput(
        f"{table} line {line}: there is no photo {printable(photo)} beside the table. "
        "Nothing was enrolled"
    )


def _join(people: Iterable[Enrollee]) -> list[Enrollee]:
    """One entry a person, however many rows or folders named them."""
    joined: dict[tuple[str, str | None], list[Photo]] = {}
    for person in people:
        joined.setdefault((person.name, person.external_id), []).extend(person.photos)
    return [Enrollee(name, ext, tuple(photos)) for (name, ext), photos in joined.items()]


def _is_photo(name: str) -> bool:
    return name.lower().endswith(_IMAGE_SUFFIXES)


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)


def iterate_photos(paths: Sequence[Path]) -> Iterator[Photo]:
    """The photos at these paths; folders with all that is below them."""
    return map(photo_file, files_to_identify(paths))


def files_to_identify(paths: Sequence[Path], also: tuple[str, ...] = ()) -> list[Path]:
    """Files as they are, and from folders the photos at any depth.

    Args:
        also: suffixes that count in folders too, such as those of videos.

    Raises:
        BadInput: a path does not exist, or there is nothing in any of them.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += photos_under(path, also)
        else:
            found.append(existing_file(path))
    if not found:
        raise BadInput(f"there is no photo in {', '.join(map(str, paths))}; give JPEG, PNG or WebP")
    return found


def existing_file(path: Path) -> Path:
    """Raises BadInput when there is no such file."""
    if not path.is_file():
        raise BadInput(f"{path} is not a file; check the path")
    return path
