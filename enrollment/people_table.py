"""A table (CSV) of people and the photos of each."""

import csv
import io
from collections.abc import Callable

from enrollment.enrollee import Enrollee, Intake, Refused, check_name, printable
from enrollment.errors import BadInput
from enrollment.photo import MAX_BYTES, Photo
from wording.message import message

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def read_whole(file: Photo) -> bytes:
    """The bytes of a table that lies among photos. Raises BadInput when it cannot be read."""
    try:
        data = file.read()
    except OSError as error:
        raise BadInput(
            message("{file} cannot be read: {error}", file=file.source, error=str(error))
        ) from error
    if len(data) > MAX_BYTES:
        raise BadInput(
            message(
                "{file} is larger than {most} MB; split it",
                file=file.source,
                most=MAX_BYTES // 1024**2,
            )
        )
    return data


def read_table(label: str, data: bytes, find: Callable[[str], tuple[Photo, ...]]) -> Intake:
    """Everyone whom the rows of a table name; rows that are wrong are refused one by one.

    Args:
        label: how people know it, for messages.
        find: the photos that a cell names; nothing where there are none.

    Raises:
        BadInput: it is no table of people and photos.
    """
    people: list[Enrollee] = []
    refused: list[Refused] = []
    for line, row in _rows(label, data):
        name, photo = (row["name"] or "").strip(), (row["photo"] or "").strip()
        external_id = (row.get("external_id") or "").strip() or None
        try:
            _check_row(name, photo, external_id)
            people.append(Enrollee(name, external_id, _named_photos(photo, find)))
        except BadInput as error:
            refused.append(Refused(name, line, 1 if photo else 0, error.args[0]))
    return Intake(tuple(people), tuple(refused))


def _rows(label: str, data: bytes) -> list[tuple[int, dict[str, str | None]]]:
    """Each row with the number of the line that it ends on."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            message("{file} is not UTF-8 text; save it as CSV UTF-8", file=label)
        ) from error
    if "\x00" in text:
        raise BadInput(message("{file} is not a text file; save it as CSV UTF-8", file=label))
    try:
        lines = io.StringIO(text, newline="")
        reader = csv.DictReader(lines, strict=True, delimiter=_delimiter(text))
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise BadInput(
            message("{file} is not a CSV that can be read: {error}", file=label, error=str(error))
        ) from error
    missing = sorted({"name", "photo"} - set(reader.fieldnames or ()))
    if len(missing) == 2:
        raise BadInput(
            message(
                "{file} has no column name and no column photo; "
                "the first line must be: name,photo or name,photo,external_id",
                file=label,
            )
        )
    if missing:
        raise BadInput(
            message(
                "{file} has no column {column}; "
                "the first line must be: name,photo or name,photo,external_id",
                file=label,
                column=missing[0],
            )
        )
    return rows


def _delimiter(text: str) -> str:
    """A spreadsheet writes the one of its own country."""
    heading = text.partition("\n")[0]
    return next((sign for sign in (",", ";", "\t") if sign in heading), ",")


def _check_row(name: str, photo: str, external_id: str | None) -> None:
    for column, value in (("name", name), ("photo", photo), ("external_id", external_id or "")):
        if value.startswith(_FORMULA_SIGNS):
            raise BadInput(
                message(
                    "the {column} {value} begins like a spreadsheet formula; "
                    "remove the first character",
                    column=column,
                    value=printable(value),
                )
            )
    if not name or not photo:
        raise BadInput(message("name or photo is empty"))
    check_name(name)


def _named_photos(cell: str, find: Callable[[str], tuple[Photo, ...]]) -> tuple[Photo, ...]:
    photos = find(cell)
    if not photos:
        raise BadInput(message("there is no photo {photo} beside the table", photo=printable(cell)))
    return photos
