"""Whom to enroll, from files that were handed over whole: what a browser sends.

The checks are those of `people_archive.py` and `people_table.py`; nothing is written to disk. Here
a wrong row or folder does not refuse the others: it is told beside them beforehand.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from enrollment.enrollee import (
    PHOTO_SUFFIXES,
    Enrollee,
    Intake,
    Refused,
    check_name,
    is_photo,
    join,
)
from enrollment.errors import BadInput
from enrollment.people_archive import MAX_MEMBERS, pool_of_archive, read_archive
from enrollment.people_table import read_table, read_whole
from enrollment.photo import Photo, photo_bytes
from enrollment.photo_pool import PhotoPool
from wording.message import message

# All files of one go together: they are held in memory, by the server and by the work.
MAX_HANDED_IN = 500 * 1024**2


@dataclass(frozen=True)
class HandedIn:
    """A file. name: as its owner calls it, without folders."""

    name: str
    data: bytes

    @property
    def kind(self) -> str:
        return PurePosixPath(self.name).suffix.lower()


def read_handed_in(files: Sequence[HandedIn]) -> Intake:
    """Everyone whom these files hold: archives of folders, archives with a table, or a table and
    the photos (or archives of photos) that it names.

    Raises:
        BadInput: with what is wrong and where; nothing was taken.
    """
    size = sum(len(file.data) for file in files)
    if size > MAX_HANDED_IN:
        raise BadInput(
            message(
                "these are {size} MB, more than {most} MB: give them in several parts",
                size=size // 1024**2,
                most=MAX_HANDED_IN // 1024**2,
            )
        )
    archives = [file for file in files if file.kind == ".zip"]
    tables = [file for file in files if file.kind == ".csv"]
    photos = [file for file in files if is_photo(file.name)]
    if tables:
        found = _by_tables(tables, archives, photos)
    elif archives:
        found = _together(read_archive(file.name, io.BytesIO(file.data)) for file in archives)
        found = replace(found, loose=(*found.loose, *map(_photo, photos)))
    else:
        raise BadInput(
            message(
                "photos alone do not say whom they show; add a table (CSV) with their file names, "
                "or give a zip with a folder for each person"
            )
        )
    return _checked(found, [file.name for file in files])


def _by_tables(
    tables: Sequence[HandedIn], archives: Sequence[HandedIn], photos: Sequence[HandedIn]
) -> Intake:
    pool = PhotoPool()
    for file in photos:
        pool.add(file.name, _photo(file))
    pools = [pool, *(pool_of_archive(file.name, io.BytesIO(file.data)) for file in archives)]

    def find(cell: str) -> tuple[Photo, ...]:
        return next((found for pool in pools if (found := pool.find(cell))), ())

    found = _together(read_table(table.name, read_whole(_photo(table)), find) for table in tables)
    return replace(found, unused=sum(pool.unused for pool in pools))


def _together(parts: Iterable[Intake]) -> Intake:
    found = list(parts)
    return Intake(
        tuple(person for part in found for person in part.people),
        tuple(wrong for part in found for wrong in part.refused),
        tuple(photo for part in found for photo in part.loose),
        sum(part.unused for part in found),
    )


def _checked(found: Intake, names: Sequence[str]) -> Intake:
    if len(found.people) > MAX_MEMBERS:
        raise BadInput(
            message(
                "the table has {n} lines; at most {most} are taken at once: split it",
                n=len(found.people),
                most=MAX_MEMBERS,
            )
        )
    people: list[Enrollee] = []
    refused = list(found.refused)
    for person in join(found.people):
        try:
            check_name(person.name)
            people.append(person)
        except BadInput as error:
            refused.append(Refused(person.name, None, len(person.photos), error.args[0]))
    for photo in found.loose:
        why = message("it lies in no person's folder; put it into the folder of whom it shows")
        refused.append(Refused(photo.source, None, 1, why))
    if not people and not refused:
        raise BadInput(
            message(
                "there is no photo ({kinds}) in {files}; give a zip with a folder of photos for "
                "each person, or a table (CSV) and the photos that it names",
                kinds=", ".join(PHOTO_SUFFIXES),
                files=", ".join(names[:3]),
            )
        )
    return Intake(tuple(people), tuple(refused), unused=found.unused)


def _photo(file: HandedIn) -> Photo:
    return photo_bytes(file.name, file.data)
