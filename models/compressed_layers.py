"""The forms in which a smaller layer is kept and run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compression import Affine, Floats, as_bytes, factors, rank_of
from models.integer_product import IntegerProduct


@dataclass(frozen=True)
class Factors:
    """A matrix as a product. left: (inputs, rank). right: (rank, outputs). bias: (outputs,)."""

    left: Floats
    right: Floats
    bias: Floats


@dataclass(frozen=True)
class Sparse:
    """The kept weights of each output, one output after the other; all others are zero.

    values: (kept,). inputs: (kept,) uint16, which input each is of. starts: (outputs + 1,) int64,
    where each output's begin. bias: (outputs,).
    """

    values: Floats
    inputs: NDArray[np.uint16]
    starts: NDArray[np.int64]
    bias: Floats


@dataclass(frozen=True)
class Bytes:
    """values: (inputs, outputs) int8, times the scale of their column. scale, bias: (outputs,)."""

    values: NDArray[np.int8]
    scale: Floats
    bias: Floats


Layer = Affine | Factors | Sparse | Bytes
FORMS: dict[str, type[Layer]] = {
    "dense": Affine,
    "factors": Factors,
    "sparse": Sparse,
    "bytes": Bytes,
}
KINDS = {
    "matrix": "float32", "bias": "float32", "left": "float32", "right": "float32",
    "inputs": "uint16", "starts": "int64", "scale": "float32",
}  # fmt: skip


def form_of(layer: Layer) -> str:
    """Its name in a file."""
    return next(name for name, form in FORMS.items() if isinstance(layer, form))


def sparse(layer: Affine, kept: NDArray[np.bool_]) -> Sparse:
    """The layer with these weights alone, (inputs, outputs)."""
    by_output = kept.T
    counts = by_output.sum(axis=1, dtype=np.int64)
    inputs = np.nonzero(by_output)[1].astype(np.uint16)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return Sparse(layer.matrix.T[by_output], inputs, starts, layer.bias)


def in_bytes(layer: Affine) -> Bytes:
    """A quarter of the room."""
    return Bytes(*as_bytes(layer.matrix), layer.bias)


def factored(layer: Affine, share: float) -> Factors:
    """Two factors that have this share of the matrix's numbers."""
    inputs, outputs = layer.matrix.shape
    return Factors(*factors(layer.matrix, rank_of(inputs, outputs, share)), layer.bias)


def problem_of(layer: Layer, inputs: int) -> str | None:
    """Why nothing of `inputs` numbers can be given to it; None when it can. What a library would
    read beyond its arrays for is found here."""
    kinds = {name: str(value.dtype) for name, value in vars(layer).items()}
    kinds["values"] = kinds.get("values", "")
    wanted = KINDS | {
        "values": {"Sparse": "float32", "Bytes": "int8"}.get(type(layer).__name__, "")
    }
    if any(kinds[name] != wanted[name] for name in kinds):
        return f"its types are {kinds}"
    shapes = {name: value.shape for name, value in vars(layer).items()}
    if shapes != _shapes(layer, inputs):
        return f"its shapes are {shapes}"
    if not all(np.isfinite(value).all() for value in vars(layer).values() if value.dtype == "f4"):
        return "a number is not finite"
    if isinstance(layer, Sparse):
        ordered = layer.starts[0] == 0 and (np.diff(layer.starts) >= 0).all()
        if not ordered or layer.starts[-1] != len(layer.values) or (layer.inputs >= inputs).any():
            return "its places lie outside of it"
    return None


def outputs_of(layer: Layer) -> int:
    return int(layer.bias.size)


def _shapes(layer: Layer, inputs: int) -> dict[str, tuple[int, ...]]:
    n = outputs_of(layer)
    if isinstance(layer, Affine):
        return {"matrix": (inputs, n), "bias": (n,)}
    if isinstance(layer, Factors):
        rank = layer.right.shape[0] if layer.right.ndim else 0
        return {"left": (inputs, rank), "right": (rank, n), "bias": (n,)}
    if isinstance(layer, Sparse):
        kept = layer.values.size
        return {"values": (kept,), "inputs": (kept,), "starts": (n + 1,), "bias": (n,)}
    return {"values": (inputs, n), "scale": (n,), "bias": (n,)}


def running(layer: Layer, inputs: int) -> Callable[[Floats], Floats]:
    """ReLU(x @ matrix + bias) of rows that are nowhere negative, on the CPU, as fast as it goes."""
    product = _product(layer, inputs)

    def run(x: Floats) -> Floats:
        rows: Floats = np.maximum(product(x) + layer.bias, np.float32(0))
        return rows

    return run


def _product(layer: Layer, inputs: int) -> Callable[[Floats], Floats]:
    if isinstance(layer, Bytes):
        return IntegerProduct(layer.values, layer.scale)
    if isinstance(layer, Sparse):
        from scipy.sparse import csr_array

        places = layer.inputs.astype(np.int32), layer.starts.astype(np.int32)
        return _after(csr_array((layer.values, *places), shape=(outputs_of(layer), inputs)))
    if isinstance(layer, Factors):
        left, right = _after(layer.left.T), _after(layer.right.T)
        return lambda x: right(left(x))
    return _after(layer.matrix.T)


def _after(matrix: Any) -> Callable[[Floats], Floats]:  # noqa: ANN401 - scipy's, or numpy's
    """matrix: (outputs, inputs)."""

    def multiply(x: Floats) -> Floats:
        rows: Floats = np.ascontiguousarray((matrix @ x.T).T)
        return rows

    return multiply
