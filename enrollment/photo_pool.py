"""Photos that a table names: found as people write file names, not as disks compare them."""

import unicodedata
from pathlib import PurePosixPath

from enrollment.errors import BadInput
from enrollment.photo import Photo
from wording.message import message


class PhotoPool:
    """Photos by where they lie. The case of letters and the way in which accents are written do
    not count: disks differ in both, and spreadsheets follow none of them."""

    def __init__(self) -> None:
        self._photos: dict[PurePosixPath, list[Photo]] = {}
        self._by_name: dict[str, list[PurePosixPath]] = {}
        self._used: set[PurePosixPath] = set()

    def add(self, path: str, photo: Photo) -> None:
        place = _place(path)
        self._photos.setdefault(place, []).append(photo)
        places = self._by_name.setdefault(place.name, [])
        if place not in places:
            places.append(place)

    def find(self, cell: str) -> tuple[Photo, ...]:
        """The photo at this path, else those in this folder, else the photo of this file name
        wherever it lies; nothing where there is none.

        Raises:
            BadInput: several are called so.
        """
        wanted = _place(cell)
        if wanted in self._photos:
            return self._take([wanted])
        inside = sorted(place for place in self._photos if wanted in place.parents)
        if inside and wanted.name:
            return self._take(inside)
        # A browser hands over files without the folders they lie in.
        return self._take(self._by_name.get(wanted.name, []), one=True)

    @property
    def unused(self) -> int:
        """How many photos nothing asked for."""
        return sum(len(photos) for place, photos in self._photos.items() if place not in self._used)

    def _take(self, places: list[PurePosixPath], *, one: bool = False) -> tuple[Photo, ...]:
        if any(len(self._photos[place]) > 1 for place in places) or (one and len(places) > 1):
            raise BadInput(
                message(
                    "{n} photos are called {name}; rename one of them",
                    n=sum(len(self._photos[place]) for place in places),
                    name=repr(places[0].name),
                )
            )
        self._used.update(places)
        return tuple(photo for place in places for photo in self._photos[place])


def _place(path: str) -> PurePosixPath:
    return PurePosixPath(unicodedata.normalize("NFC", path).casefold().replace("\\", "/"))
