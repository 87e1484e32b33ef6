"""A compressed VGG-Face on the disk: raw arrays, and the TOML file that says what they are."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from disk.arrays import read_arrays
from disk.plain_file import OtherContentError, read_plain
from models.compressed_layers import FORMS, Layer, form_of, outputs_of, problem_of
from models.compression import Floats
from models.errors import BadModelFile, WeightsDamaged, WeightsMissing
from models.vgg_face import FEATURES, SHAPES
from models.vgg_graph import Convolution
from models.weights import WeightsFile
from wording.message import message

TOML = "backbone.toml"
WEIGHTS = "weights.npz"
METHODS = ("magnitude", "obd", "magnitude-neurons", "obd-neurons", "merge", "low-rank", "int8")
_CONVOLUTIONS = 13
_LARGEST = 1 << 30  # bytes: more than the parent has
_MOST = 1 << 16  # bytes of a description
_KEYS = {
    "file": str, "sha256": str, "method": str, "keep": float, "layers": list, "parent": str,
    "parent_sha256": str,
}  # fmt: skip


@dataclass(frozen=True)
class CompressedNetwork:
    """VGG-16 up to ReLU(fc7): 13 convolutions as they were, and fc6 and fc7 in smaller forms."""

    convolutions: Sequence[Convolution]
    layers: Sequence[Layer]

    @property
    def size(self) -> int:
        """Bytes of its numbers, in memory and on the disk."""
        arrays = [a for pair in self.convolutions for a in pair]
        arrays += [a for layer in self.layers for a in vars(layer).values()]
        return sum(array.nbytes for array in arrays)


@dataclass(frozen=True)
class Compressed:
    """What a description says.

    keep: share of weights, neurons or numbers that were kept. layers: the forms of fc6 and fc7.
    sha256: of the weights file, hex; parent_sha256: of the file that it was made from.
    """

    file: str
    sha256: str
    method: str
    keep: float
    layers: tuple[str, ...]
    parent: str
    parent_sha256: str

    @property
    def name(self) -> str:
        """`vgg-face-merge-0.5`; bytes keep every weight."""
        share = "" if self.method == "int8" else f"-{self.keep:g}"
        return f"{self.parent}-{self.method}{share}"


def write_network(network: CompressedNetwork, file: BinaryIO) -> None:
    """As an .npz of raw arrays."""
    np.savez(file, allow_pickle=False, **_named(network))


def description(
    says: Compressed, cosine: tuple[float, float] | None = None, note: str = ""
) -> bytes:
    """The TOML file. cosine: (median, lowest) to the parent on the golden images, which is there
    to be read by people."""
    values: dict[str, object] = {
        "parent": says.parent,
        "parent_sha256": says.parent_sha256,
        "method": says.method,
        "keep": says.keep,
        "layers": list(says.layers),
        "file": says.file,
        "sha256": says.sha256,
    }
    if cosine is not None:
        values |= {"cosine_median": cosine[0], "cosine_lowest": cosine[1]}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join([f"# {note}", *lines, ""]).encode()


def read_description(path: Path) -> Compressed:
    """Raises BadModelFile, in one line, when it is not what `rollcall compress` wrote."""
    try:
        values = tomllib.loads(read_plain(path, _MOST).decode())
    except FileNotFoundError:
        raise BadModelFile(
            message("{path} is not there: name the TOML file of the backbone", path=path)
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise _bad(path, " ".join(str(error).split())) from error
    for key, kind in _KEYS.items():
        if type(values.get(key)) is not kind:
            raise _bad(path, key)
    says = Compressed(**{key: values[key] for key in _KEYS} | {"layers": tuple(values["layers"])})
    if says.method not in METHODS or says.parent != "vgg-face":
        raise _bad(path, "method")
    if not (math.isfinite(says.keep) and 0 < says.keep <= 1):
        raise _bad(path, "keep")
    if len(says.layers) != 2 or not all(isinstance(n, str) and n in FORMS for n in says.layers):
        raise _bad(path, "layers")
    if Path(says.file).name != says.file or says.file in ("", ".", ".."):
        raise _bad(path, "file")
    return says


def open_network(path: Path, says: Compressed) -> tuple[CompressedNetwork, WeightsFile]:
    """The network that the description in `path` names, proved to be that one.

    Raises WeightsMissing, or WeightsDamaged where one bit of it is another.
    """
    file = path.parent / says.file
    try:
        content = read_plain(file, _LARGEST, says.sha256)
    except FileNotFoundError:
        raise WeightsMissing(
            message(
                "{file} is missing: put it back beside {toml}, or make it again with "
                "rollcall compress",
                file=file,
                toml=path.name,
            )
        ) from None
    except OtherContentError:
        raise _damaged(file, message("its sha256 is another than its description says")) from None
    except OSError as error:
        raise _damaged(file, str(error.strerror or error)) from error
    wanted = [*_convolution_names(), *_layer_names(says.layers)]
    try:
        network = _network(read_arrays(content, wanted), says.layers)
    except ValueError as error:
        raise _damaged(file, " ".join(str(error).split())[:160]) from error
    return network, WeightsFile(file, says.sha256, len(content))


def _convolution_names() -> list[str]:
    return [f"conv{n}_{part}" for n in range(1, _CONVOLUTIONS + 1) for part in ("kernel", "bias")]


def _layer_names(forms: Sequence[str]) -> list[str]:
    return [f"fc{n}_{f.name}" for n, form in enumerate(forms, 6) for f in fields(FORMS[form])]


def _named(network: CompressedNetwork) -> dict[str, NDArray[Any]]:
    arrays: list[NDArray[Any]] = [array for pair in network.convolutions for array in pair]
    arrays += [array for layer in network.layers for array in vars(layer).values()]
    names = _convolution_names() + _layer_names([form_of(layer) for layer in network.layers])
    return dict(zip(names, arrays, strict=True))


def _network(found: dict[str, NDArray[Any]], forms: Sequence[str]) -> CompressedNetwork:
    convolutions = [
        (found[f"conv{n}_kernel"], found[f"conv{n}_bias"]) for n in range(1, _CONVOLUTIONS + 1)
    ]
    flat: list[Floats] = [array for pair in convolutions for array in pair]
    if [(a.shape, str(a.dtype)) for a in flat] != [(s, "float32") for s in SHAPES[: len(flat)]]:
        raise ValueError("its convolutions are not those of VGG-Face")
    layers: list[Layer] = []
    inputs = FEATURES
    for n, form in enumerate(forms, 6):
        kind = FORMS[form]
        layer = kind(*(found[f"fc{n}_{f.name}"] for f in fields(kind)))
        problem = problem_of(layer, inputs)
        if problem is not None:
            raise ValueError(f"fc{n}: {problem}")
        layers.append(layer)
        inputs = outputs_of(layer)
    if inputs != SHAPES[-3][0]:
        raise ValueError(f"it gives {inputs} numbers")
    return CompressedNetwork(convolutions, layers)


def _bad(path: Path, why: str) -> BadModelFile:
    return BadModelFile(
        message(
            "{path} is not the description of a compressed backbone ({why}): put back what "
            "rollcall compress wrote",
            path=path,
            why=why,
        )
    )


def _damaged(file: Path, reason: str) -> WeightsDamaged:
    return WeightsDamaged(
        message(
            "{file} is not the weights that were written ({reason}): put them back, or make them "
            "again with rollcall compress",
            file=file,
            reason=reason,
        )
    )
