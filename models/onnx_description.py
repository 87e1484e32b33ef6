"""The TOML file that describes a backbone of one's own, read into a value."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disk.plain_file import read_plain
from models.alignment import AlignmentTemplate
from models.errors import BadModelFile
from wording.message import message, words_of

KEYS = ("name", "file", "input", "layout", "colour", "scale", "mean", "landmarks", "licence")
PRIOR_KEYS = ("same_person", "threshold", "collision")
LARGEST_INPUT = 1024  # px
SMALLEST_INPUT = 16  # px
_MOST = 1 << 20  # bytes of a description


@dataclass(frozen=True)
class OnnxDescription:
    """What `onnx:FILE.toml` says. Pixels are 0..255 and become `pixel * scale - mean`.

    file: absolute path of the ONNX file.
    mean: per channel, in the order of `colour`.
    priors: (same_person, threshold, collision), or None.
    """

    name: str
    file: Path
    template: AlignmentTemplate
    layout: str  # nchw | nhwc
    colour: str  # rgb | bgr
    scale: float
    mean: tuple[float, float, float]
    licence: str
    priors: tuple[float, float, float] | None


def read_description(path: Path) -> OnnxDescription:
    """The description in `path`.

    Raises BadModelFile, in one line that names the key and what is expected, for every key that is
    missing, unknown or wrong, and for an ONNX file outside the TOML's folder.
    """
    values = _load(path)
    try:
        _only(values, (*KEYS, "priors"), required=KEYS)
        width, height = _numbers(values, "input", 2, whole=True)
        if not all(SMALLEST_INPUT <= side <= LARGEST_INPUT for side in (width, height)):
            sides = message(
                "sides from {least} to {most}", least=SMALLEST_INPUT, most=LARGEST_INPUT
            )
            raise _wrong("input", sides, [width, height])
        mean = _numbers(values, "mean", 3)
        scale = _number(values["scale"], "scale")
        if scale == 0:
            raise _wrong("scale", message("a number that is not 0"), scale)
        return OnnxDescription(
            name=_text(values, "name"),
            file=_file(path, _text(values, "file")),
            template=AlignmentTemplate((int(width), int(height)), _landmarks(values["landmarks"])),
            layout=_one_of(values, "layout", ("nchw", "nhwc")),
            colour=_one_of(values, "colour", ("rgb", "bgr")),
            scale=scale,
            mean=(mean[0], mean[1], mean[2]),
            licence=_text(values, "licence"),
            priors=_priors(values.get("priors")),
        )
    except _Wrong as wrong:
        raise BadModelFile(message("{path}: {wrong}", path=path, wrong=words_of(wrong))) from None


class _Wrong(Exception):
    """Its only argument is a message."""


def _wrong(key: str, expected: str, found: object) -> _Wrong:
    return _Wrong(
        message(
            "{key} must be {expected}, not {found}", key=key, expected=expected, found=_short(found)
        )
    )


def _missing(key: str) -> _Wrong:
    return _Wrong(message("{key} must be given, not 'missing'", key=key))


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_plain(path, _MOST).decode("utf-8"))
    except FileNotFoundError:
        raise BadModelFile(
            message("{path} is not there: name the TOML file of the backbone", path=path)
        ) from None
    except OSError as error:
        raise BadModelFile(
            message("{path} cannot be read ({error})", path=path, error=error.strerror)
        ) from error
    except (ValueError, RecursionError) as error:  # TOML, UTF-8, numbers and dates too large
        reason = " ".join(str(error).split())
        raise BadModelFile(
            message(
                "{path} is not TOML ({reason}): correct it, or put back the one that was used",
                path=path,
                reason=reason,
            )
        ) from error


def _only(values: dict[str, Any], known: tuple[str, ...], required: tuple[str, ...]) -> None:
    for key in values:
        if key not in known:
            raise _wrong(
                message("every key"), message("one of {known}", known=", ".join(known)), key
            )
    for key in required:
        if key not in values:
            raise _missing(key)


def _text(values: dict[str, Any], key: str) -> str:
    value = values[key]
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise _wrong(key, message("a line of text"), value)
    return value


def _one_of(values: dict[str, Any], key: str, allowed: tuple[str, str]) -> str:
    value = values[key]
    if not isinstance(value, str) or value not in allowed:
        one, other = allowed
        raise _wrong(key, message('"{one}" or "{other}"', one=one, other=other), value)
    return value


def _number(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(key, message("a number"), value)
    return float(value)


def _numbers(values: dict[str, Any], key: str, count: int, *, whole: bool = False) -> list[float]:
    value = values[key]
    if whole:
        expected = message("{count} whole numbers", count=count)
    else:
        expected = message("{count} numbers", count=count)
    if not isinstance(value, list) or len(value) != count:
        raise _wrong(key, expected, value)
    if whole and not all(type(item) is int for item in value):
        raise _wrong(key, expected, value)
    return [_number(item, key) for item in value]


def _landmarks(value: object) -> tuple[tuple[float, float], ...]:
    expected = message("five [x, y] as fractions of the input: eyes, nose, mouth corners as seen")
    if not isinstance(value, list) or len(value) != 5:
        raise _wrong("landmarks", expected, value)
    points = []
    for point in value:
        if not isinstance(point, list) or len(point) != 2:
            raise _wrong("landmarks", expected, point)
        x, y = (_number(item, "landmarks") for item in point)
        if not (-0.5 <= x <= 1.5 and -0.5 <= y <= 1.5):
            raise _wrong("landmarks", message("{expected} (not pixels)", expected=expected), point)
        points.append((x, y))
    if points[0][0] >= points[1][0] or points[3][0] >= points[4][0]:
        first = message("{expected}, the one at image left first", expected=expected)
        raise _wrong("landmarks", first, value)
    return tuple(points)


def _priors(value: object) -> tuple[float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        keys = message("a table with {keys}", keys=", ".join(PRIOR_KEYS))
        raise _wrong("priors", keys, value)
    for key in value:
        if key not in PRIOR_KEYS:
            known = message("one of {known}", known=", ".join(PRIOR_KEYS))
            raise _wrong(message("every key of priors"), known, key)
    cosines = []
    for key in PRIOR_KEYS:
        if key not in value:
            raise _missing(f"priors.{key}")
        cosine = _number(value[key], f"priors.{key}")
        if not -1 < cosine < 1:
            raise _wrong(f"priors.{key}", message("a cosine between -1 and 1"), cosine)
        cosines.append(cosine)
    return cosines[0], cosines[1], cosines[2]


def _file(toml: Path, name: str) -> Path:
    """The file `name`, from the TOML's folder on: links and `..` are the owner's to use."""
    file = (toml.resolve().parent / name).resolve()
    if not file.is_file():
        raise _wrong("file", message("an ONNX file that is there"), name)
    return file
