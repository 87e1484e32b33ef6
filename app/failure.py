"""Exit codes: every error of every room ends as one line and one of these."""

from enrollment.errors import BadInput, RollcallError, Unusable
from models.errors import ModelError
from store.errors import (
    BadVector,
    CannotBeKept,
    GalleryDamaged,
    GalleryExists,
    GalleryLocked,
    GalleryMissing,
    KeyMissing,
    StoreError,
    UnknownSubject,
)

DONE = 0
NO = 1
BAD_INPUT = 2
UNUSABLE = 3

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (BadInput, BAD_INPUT),
    (Unusable, UNUSABLE),
    (RollcallError, BAD_INPUT),
    (ModelError, UNUSABLE),
    (GalleryExists, BAD_INPUT),
    (UnknownSubject, BAD_INPUT),
    (CannotBeKept, BAD_INPUT),
    (BadVector, UNUSABLE),
    (GalleryDamaged, UNUSABLE),
    (GalleryLocked, UNUSABLE),
    (GalleryMissing, UNUSABLE),
    (KeyMissing, UNUSABLE),
    (StoreError, UNUSABLE),
)


def exit_code(error: Exception) -> int | None:
    """The code for an error of one of the rooms; None for any other."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), None)
