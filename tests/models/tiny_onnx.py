"""A real ONNX file of a few hundred bytes, written field by field: flatten, then a matrix."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Field = bytes


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def number(field: int, value: int) -> Field:
    return varint(field << 3) + varint(value)


def data(field: int, value: bytes | str) -> Field:
    content = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name: str, array: NDArray[np.float32]) -> bytes:
    shape = b"".join(number(1, side) for side in array.shape)
    return shape + number(2, 1) + data(8, name) + data(9, array.astype("<f4").tobytes())


def external_tensor(name: str, array: NDArray[np.float32]) -> bytes:
    shape = b"".join(number(1, side) for side in array.shape)
    entry = data(1, "location") + data(2, "weights.bin")
    return shape + number(2, 1) + data(8, name) + data(13, entry) + number(14, 1)


def value_info(name: str, shape: list[int | str]) -> bytes:
    dims = b"".join(
        data(1, number(1, side) if isinstance(side, int) else data(2, side)) for side in shape
    )
    return data(1, name) + data(2, data(1, number(1, 1) + data(2, dims)))


def node(kind: str, inputs: list[str], output: str) -> bytes:
    return b"".join(data(1, name) for name in inputs) + data(2, output) + data(4, kind)


def tiny_model(
    shape: list[int | str], matrix: NDArray[np.float32], *, external: bool = False
) -> bytes:
    """Input `shape` (batch first) -> Flatten -> MatMul -> (batch, dimension)."""
    weights = external_tensor("w", matrix) if external else tensor("w", matrix)
    graph = (
        data(1, node("Flatten", ["x"], "flat"))
        + data(1, node("MatMul", ["flat", "w"], "y"))
        + data(2, "tiny")
        + data(5, weights)
        + data(11, value_info("x", shape))
        + data(12, value_info("y", [shape[0], matrix.shape[1]]))
    )
    return number(1, 8) + data(7, graph) + data(8, data(1, "") + number(2, 13))


TOML = {
    "name": '"tiny"',
    "file": '"tiny.onnx"',
    "input": "[16, 20]",
    "layout": '"nchw"',
    "colour": '"bgr"',
    "scale": "0.5",
    "mean": "[1.0, 2.0, 3.0]",
    "landmarks": "[[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]",
    "licence": '"CC0-1.0"',
}


def write_toml(folder: Path, **changes: str | None) -> Path:
    """A right description with `changes`; None leaves a key out. The ONNX is `tiny.onnx`."""
    values = {key: value for key, value in {**TOML, **changes}.items() if value is not None}
    path = folder / "tiny.toml"
    path.write_text("".join(f"{key} = {value}\n" for key, value in values.items()))
    return path


def matrix(rows: int = 3 * 16 * 20, columns: int = 24) -> NDArray[np.float32]:
    return np.random.default_rng(5).normal(size=(rows, columns)).astype(np.float32)
