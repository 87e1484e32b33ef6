"""Arrays out of an .npz, with no way to run anything and none to claim memory that is not there.

numpy's own `load` makes room for whatever shape a file claims: 300 bytes that claim terabytes end
a process.
"""

import io
import math
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npformat
from numpy.typing import NDArray

MOST_RATIO = 100  # times that the whole may grow when unpacked
_KINDS = "fiubU"  # numbers, truth values and text
# By version; they run nothing, and refuse a header of more than 10,000 bytes.
_HEADERS = {(1, 0): npformat.read_array_header_1_0, (2, 0): npformat.read_array_header_2_0}


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
        tokenize.TokenError,
    ) as error:  # fmt: skip
        raise ValueError(str(error) or type(error).__name__) from error


def _array(raw: bytes) -> NDArray[Any]:
    file = io.BytesIO(raw)
    header_of = _HEADERS.get(npformat.read_magic(file))
    if header_of is None:
        raise ValueError("it is of a kind that is never written here")
    shape, in_columns, kind = header_of(file)
    if kind.kind not in _KINDS:
        raise ValueError("it holds objects")
    size = math.prod(shape) * kind.itemsize
    if any(side < 0 for side in shape) or size != len(raw) - file.tell():
        raise ValueError("it is not as long as it claims to be")
    found: NDArray[Any] = np.frombuffer(raw, kind, offset=file.tell())
    return found.reshape(shape, order="F" if in_columns else "C").copy()
