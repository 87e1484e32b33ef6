"""Somebody who is to be enrolled, as given: a name, perhaps a staff number, and photos."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from enrollment.errors import BadInput
from enrollment.photo import Photo
from wording.message import message

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")
# Pictures that cannot be read are taken too, so that they are refused aloud instead of passed over.
IMAGE_SUFFIXES = (*PHOTO_SUFFIXES, ".gif", ".bmp", ".tif", ".tiff", ".avif")
MAX_NAME = 100
# Beyond letters, marks and digits of any alphabet.
_NAME_SIGNS = " '\u2019-\u2010.,_\u00b7()&"


@dataclass(frozen=True)
class Enrollee:
    """A person to enroll, and the photos to do it with.

    subject_id: the enrolled subject that is meant, where that is known already.
    """

    name: str
    external_id: str | None
    photos: tuple[Photo, ...]
    subject_id: str | None = None


@dataclass(frozen=True)
class Refused:
    """A row or a folder that names nobody who can be enrolled.

    name: as it was given, which may be anything; line: of the table, None without one; photos: how
    many were with it.
    """

    name: str
    line: int | None
    photos: int
    message: str


@dataclass(frozen=True)
class Intake:
    """What was given. loose: photos that are nobody's; unused: photos that no table names."""

    people: tuple[Enrollee, ...]
    refused: tuple[Refused, ...] = ()
    loose: tuple[Photo, ...] = ()
    unused: int = 0

    @property
    def photos(self) -> int:
        return sum(len(person.photos) for person in self.people)


def check_name(name: str) -> str:
    """The name, unchanged.

    Raises:
        BadInput: empty, too long, or with characters that no name has.
    """
    if not name.strip():
        raise BadInput(message("the name is empty; give the person's name"))
    if len(name) > MAX_NAME:
        raise BadInput(
            message(
                "the name has {n} characters; at most {most} are allowed",
                n=len(name),
                most=MAX_NAME,
            )
        )
    for sign in name:
        if not (unicodedata.category(sign)[0] in "LMN" or sign in _NAME_SIGNS):
            raise BadInput(
                message(
                    "the name {name} has the character {sign}; allowed are "
                    "letters and digits of any alphabet, spaces and ' - . , _ ( ) &",
                    name=printable(name),
                    sign=printable(sign),
                )
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


def join(people: Iterable[Enrollee]) -> list[Enrollee]:
    """One entry a person, however many rows or folders named them."""
    joined: dict[tuple[str, str | None], list[Photo]] = {}
    for person in people:
        joined.setdefault((person.name, person.external_id), []).extend(person.photos)
    return [Enrollee(name, ext, tuple(photos)) for (name, ext), photos in joined.items()]


def is_photo(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)
