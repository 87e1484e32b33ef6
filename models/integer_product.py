"""Rows times a matrix of bytes: a quarter of the memory that is read, where reading is the cost."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from wording.message import message

THREADS = 2
_BYTES, _NUMBER = 2, 0  # wire types of protobuf
_INT32, _UINT8, _INT8 = 6, 2, 3  # types of ONNX


class IntegerProduct:
    """x @ (values * scale) for rows that are nowhere negative, on the CPU by onnxruntime.

    Each row of x is rounded to 256 steps of its own, so a row gives the same alone and among
    others; the product is one of integers, exact in 32 bits.

    Args:
        values: (inputs, outputs) int8. scale: (outputs,) float32, of a column.
    """

    def __init__(self, values: NDArray[np.int8], scale: NDArray[np.float32]) -> None:
        self._scale = scale
        self._session = _session(_model(values))

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, inputs) float32, not negative -> (n, outputs) float32."""
        steps = np.maximum(x.max(axis=1, keepdims=True) / np.float32(255), np.float32(1e-30))
        rounded = np.rint(x / steps).astype(np.uint8)
        (whole,) = self._session.run(None, {"x": rounded})
        product: NDArray[np.float32] = whole.astype(np.float32) * steps * self._scale
        return product


def _session(model: bytes) -> Any:  # noqa: ANN401 - onnxruntime has no types
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            message(
                "onnxruntime cannot be loaded ({error}): pip install onnxruntime", error=str(error)
            )
        ) from error
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without VNNI a product of bytes is added up in 16 bits, which is too few for bytes of both
    # signs: onnxruntime then takes the way that is exact.
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _model(values: NDArray[np.int8]) -> bytes:
    """ONNX (protobuf) of one product: onnx.proto3, IR version 8, operators of version 13."""
    inputs, outputs = values.shape
    weights = b"".join((_number(1, inputs), _number(1, outputs), _number(2, _INT8)))
    weights += _data(8, b"w") + _data(9, values.tobytes())
    node = _data(1, b"x") + _data(1, b"w") + _data(2, b"y") + _data(4, b"MatMulInteger")
    graph = _data(1, node) + _data(2, b"g") + _data(5, weights)
    graph += _data(11, _of_rows(b"x", inputs, _UINT8)) + _data(12, _of_rows(b"y", outputs, _INT32))
    return _number(1, 8) + _data(7, graph) + _data(8, _data(1, b"") + _number(2, 13))


def _of_rows(name: bytes, width: int, kind: int) -> bytes:
    shape = _data(1, _data(2, b"n")) + _data(1, _number(1, width))
    return _data(1, name) + _data(2, _data(1, _number(1, kind) + _data(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _NUMBER) + _varint(value)


def _data(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))
