"""Arrays out of an .npz, with no way to run anything and none to claim memory that is not there.

numpy's own `load` makes room for whatever shape a file claims: 300 bytes that claim terabytes end
a process.
"""

import ast
import io
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_RATIO = 100  # times that the whole may grow when unpacked
_MAGIC = b"\x93NUMPY"
_KINDS = "fiubU"  # numbers, truth values and text


def read_arrays(source: bytes | Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays of these names. Raises ValueError when they are not there, whole and plain."""
    try:
        content = source if isinstance(source, bytes) else source.read_bytes()
        most = MOST_RATIO * len(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [archive.getinfo(f"{name}.npy") for name in names]
            if sum(member.file_size for member in members) > most:
                raise ValueError("it claims to be far larger than it is")
            return {
                name: _array(archive.read(member))
                for name, member in zip(names, members, strict=True)
            }
    except (
        OSError, EOFError, KeyError, NotImplementedError, RuntimeError, OverflowError, TypeError,
        SyntaxError, RecursionError, MemoryError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise ValueError(str(error) or type(error).__name__) from error


def _array(raw: bytes) -> NDArray[Any]:
    if raw[:6] != _MAGIC or len(raw) < 12:
        raise ValueError("it is no array")
    wide = raw[6] > 1  # the version: from 2 on the header's length has four bytes
    begin = 12 if wide else 10
    end = begin + int.from_bytes(raw[8:begin], "little")
    if end > min(len(raw), begin + 10_000):
        raise ValueError("its header is too long")
    header = ast.literal_eval(raw[begin:end].decode("latin-1"))
    shape, described = tuple(header["shape"]), header["descr"]
    if not isinstance(described, str) or np.dtype(described).kind not in _KINDS:
        raise ValueError("it holds objects")
    kind = np.dtype(described)
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError("its shape is none")
    if math.prod(shape) * kind.itemsize != len(raw) - end:
        raise ValueError("it is not as long as it claims to be")
    found: NDArray[Any] = np.frombuffer(raw, kind, offset=end)
    in_order = found.reshape(shape[::-1]).T if header["fortran_order"] else found.reshape(shape)
    return in_order.copy()
