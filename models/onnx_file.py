"""A look into an ONNX file before a runtime opens it: does it name other files?

ONNX is protobuf. Weights may be kept in other files ("external data"), which a runtime would open
by a path that the file chooses; such files are refused. Only the fields on the way to a tensor are
walked, with the wire format's own rules, so that no ONNX package is needed.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from models.errors import BadModelFile
from wording.message import message

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types

# message -> field number -> message in it (onnx.proto3, IR version 13)
MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # fields of a tensor
DEEPEST = 64  # graphs within graphs
LARGEST = 1 << 31  # bytes: protobuf's own limit


def checked_onnx(path: Path) -> bytes:
    """The file's bytes, which name no other file. Raises BadModelFile."""
    try:
        size = path.stat().st_size
        if not path.is_file() or not 0 < size <= LARGEST:
            raise BadModelFile(message("it is truncated or not an ONNX file"))
        with path.open("rb") as file:
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        refuse_external_data(whole)  # before as much memory is taken as the file has
        return whole[:]
    except OSError as error:
        reason = str(error.strerror or error)
        raise BadModelFile(message("it cannot be read ({error})", error=reason)) from error


def refuse_external_data(content: bytes | mmap.mmap) -> None:
    """Raises BadModelFile when `content` is not ONNX or keeps a tensor in another file."""
    try:
        view = memoryview(content)
        external = _has_external(view, "model", 0)
        has_graph = any(field == 7 and kind == BYTES for field, kind, _ in _fields(view))
    except (IndexError, ValueError):
        raise BadModelFile(message("it is truncated or not an ONNX file")) from None
    if not has_graph:
        raise BadModelFile(message("it is not an ONNX file"))
    if external:
        raise BadModelFile(
            message("it keeps weights in another file (external data): save it as one file")
        )


def _has_external(content: memoryview, message: str, depth: int) -> bool:
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    inner = MESSAGES[message]
    for field, _, value in _fields(content):
        if message == "tensor" and (
            field == EXTERNAL_DATA or (field == DATA_LOCATION and value != 0)
        ):
            return True
        inside = inner.get(field)
        if inside and isinstance(value, memoryview) and _has_external(value, inside, depth + 1):
            return True
    return False


def _fields(content: bytes | memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """(field number, wire type, value) of each field of a message."""
    view = memoryview(content)
    at = 0
    while at < len(view):
        key, at = _varint(view, at)
        field, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(view, at)
            yield field, kind, value
            continue
        if kind == BYTES:
            length, at = _varint(view, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError("unknown wire type")
        if field == 0 or at + length > len(view):
            raise ValueError("truncated")
        yield field, kind, view[at : at + length]
        at += length


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")
