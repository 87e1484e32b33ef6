"""What is read from a file that somebody else may have written."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from disk.arrays import read_arrays
from disk.plain_file import read_plain


def packed(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=True, **arrays)
    return buffer.getvalue()


def test_arrays_come_back_as_they_were() -> None:
    random = np.random.default_rng(0)
    given = {
        "rows": random.normal(size=(3, 4)).astype(np.float32),
        "columns": np.asfortranarray(random.normal(size=(3, 4))),
        "empty": np.empty((0, 8), np.int64),
        "one": np.float32(1.5),
        "texts": np.asarray(["a", "bcd"]),
        "flags": np.asarray([True, False]),
    }
    found = read_arrays(packed(**given), list(given))
    for name, array in given.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def claiming(header: str) -> bytes:
    buffer = io.BytesIO()
    raw = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(8)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", raw)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        packed(b=np.zeros(3)),
        packed(a=np.asarray([object()])),
        packed(a=np.zeros(10**8, np.uint8)),
        claiming("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"),
        claiming("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -2)}"),
        claiming("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"),
        claiming("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
        claiming("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}"),
        claiming("__import__('os').abort()"),
        claiming("[" * 9000),
        claiming("7"),
    ],
)
def test_what_is_no_plain_array_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_arrays(content, ["a"])


def test_a_pipe_a_device_and_a_sparse_file_are_not_read(tmp_path: Path) -> None:
    """A pipe would keep us waiting, a device would never end."""
    (tmp_path / "file").write_bytes(b"12345678")
    assert read_plain(tmp_path / "file", 8) == b"12345678"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 1 << 40)
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "large", "zero"):
        with pytest.raises(OSError, match=r"no plain file|too large"):
            read_plain(tmp_path / name, 1 << 20)
    with pytest.raises(OSError, match="too large"):
        read_plain(tmp_path / "file", 7)
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "nothing", 7)
