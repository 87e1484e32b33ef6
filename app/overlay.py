"""Boxes and names on moving pictures: quick, and understood without colours too."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.lettering import Colour, lettered
from enrollment.passage import Sighted

Picture = NDArray[np.uint8]  # (h, w, 3) RGB

_COLOURS: Mapping[str, Colour] = {
    "known": (11, 122, 59),
    "unknown": (242, 169, 0),
    "checking": (59, 120, 200),
    "refused": (95, 102, 114),
}
_WHITE: Colour = (255, 255, 255)
_BLACK: Colour = (0, 0, 0)
_INK = {"known": _WHITE, "unknown": _BLACK, "checking": _WHITE, "refused": _WHITE}
# Px drawn and left out, in widths of the line; 0: a solid line.
_DASH = {"known": (0, 0), "unknown": (6, 4), "checking": (1, 2), "refused": (2, 4)}
_LINE = 1 / 160  # of the picture's width
_LETTERS = 1 / 26  # of the picture's width


def overlay(
    picture: Picture, seen: Sequence[Sighted], words: Mapping[str, str], mirrored: bool = False
) -> Picture:
    """A new picture with a box and a word for everybody in sight.

    Args:
        words: what "known", "unknown", "checking" and "refused" are called.
        mirrored: as in a mirror; the letters are not.
    """
    shown: Picture = np.asarray(cv2.flip(picture, 1) if mirrored else picture.copy(), np.uint8)
    width = picture.shape[1]
    line = max(round(width * _LINE), 2)
    for sighted in seen:
        x, y, w, h = sighted.box
        left = width - x - w if mirrored else x
        _frame(shown, (left, y, left + w, y + h), sighted.state, line)
        plate = _plate(sighted, words, max(round(width * _LETTERS), 12))
        if plate is not None:
            _lay(shown, plate, left, y)
    return shown


def _plate(sighted: Sighted, words: Mapping[str, str], height: int) -> Picture | None:
    """The name; the track's number and the word where no font here writes it."""
    word, state = words[sighted.state], sighted.state
    ink, ground = _INK[state], _COLOURS[state]
    named = lettered(sighted.name or word, height, ink, ground)
    if named is not None:
        return named
    numbered = lettered(f"{sighted.track} {word}", height, ink, ground)
    return lettered(str(sighted.track), height, ink, ground) if numbered is None else numbered


def _frame(picture: Picture, corners: tuple[int, int, int, int], state: str, line: int) -> None:
    left, top, right, bottom = corners
    drawn, left_out = (line * times for times in _DASH[state])
    if not drawn:
        cv2.rectangle(picture, (left, top), (right, bottom), _BLACK, line + 2)
        cv2.rectangle(picture, (left, top), (right, bottom), _COLOURS[state], line)
        return
    for x in range(left, right, drawn + left_out):
        for y in (top, bottom):
            _stroke(picture, (x, y), (min(x + drawn, right), y), state, line)
    for y in range(top, bottom, drawn + left_out):
        for x in (left, right):
            _stroke(picture, (x, y), (x, min(y + drawn, bottom)), state, line)


def _stroke(
    picture: Picture, begin: tuple[int, int], end: tuple[int, int], state: str, line: int
) -> None:
    cv2.line(picture, begin, end, _BLACK, line + 2)
    cv2.line(picture, begin, end, _COLOURS[state], line)


def _lay(picture: Picture, plate: Picture, left: int, top: int) -> None:
    """Above the box, or inside it where there is no room above; never beyond the picture."""
    height, width = plate.shape[:2]
    top = top - height if top >= height else max(top, 0)
    left = max(0, min(left, picture.shape[1] - width))
    place = picture[top : top + height, left : left + width]
    place[:] = plate[: place.shape[0], : place.shape[1]]
