"""Whom to enroll, from what a person has: folders, photos, archives, tables.

Everything is looked at before anything is enrolled, so that bad input changes nothing. What comes
as bytes, from a browser, is read by `handed_in.py` with the same checks.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from enrollment.enrollee import (
    IMAGE_SUFFIXES,
    MAX_NAME,
    PHOTO_SUFFIXES,
    Enrollee,
    Intake,
    Refused,
    check_name,
    is_photo,
    join,
    printable,
)
from enrollment.errors import BadInput
from enrollment.people_archive import read_archive
from enrollment.people_table import read_table
from enrollment.photo import Photo, photo_file

# Those of `enrollee.py` stand here too for whoever gathers people.
__all__ = [
    "MAX_NAME",
    "PHOTO_SUFFIXES",
    "Enrollee",
    "check_name",
    "existing_file",
    "files_to_identify",
    "gather",
    "iterate_photos",
    "photos_under",
    "printable",
]


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
        found = _gather_one(path)
        _refuse_lines(path, found.refused)
        people += found.people
        loose += found.loose
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
    people = join(people)
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
        if found.name.lower().endswith((*IMAGE_SUFFIXES, *also))
        and found.is_file()
        and not _hidden(found, path)
    )


def _gather_one(path: Path) -> Intake:
    """The named people in a path, and photos of nobody yet."""
    if not path.exists():
        raise BadInput(f"{path} does not exist; check the path")
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() == ".zip":
        return read_archive(str(path), path)
    if path.suffix.lower() == ".csv":
        return read_table(str(path), path.read_bytes(), lambda photo: _photos_at(path, photo))
    return Intake((), loose=(photo_file(path),))


def _refuse_lines(path: Path, refused: Sequence[Refused]) -> None:
    """A command takes all of a table or nothing."""
    for wrong in refused:
        if wrong.line is not None:
            raise BadInput(f"{path} line {wrong.line}: {wrong.message}. Nothing was enrolled")


def _folder(folder: Path) -> Intake:
    people, loose = [], []
    for entry in sorted(folder.iterdir()):
        if _hidden(entry, folder):
            continue
        if entry.is_dir():
            found = photos_under(entry)
            if found:
                people.append(Enrollee(entry.name, None, tuple(map(photo_file, found))))
        elif is_photo(entry.name):
            loose.append(photo_file(entry))
    return Intake(tuple(people), loose=tuple(loose))


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


def _photos_at(table: Path, cell: str) -> tuple[Photo, ...]:
    path = table.parent / cell
    try:
        if path.is_dir():
            return tuple(photo_file(found) for found in photos_under(path))
        if path.is_file():
            return (photo_file(path),)
    except (OSError, ValueError):
        pass
    return ()


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
        where = ", ".join(map(str, paths))
        raise BadInput(f"there is no photo in {where}; give JPEG, PNG, WebP or HEIC")
    return found


def existing_file(path: Path) -> Path:
    """Raises BadInput when there is no such file."""
    if not path.is_file():
        raise BadInput(f"{path} is not a file; check the path")
    return path
