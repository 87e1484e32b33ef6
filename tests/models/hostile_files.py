"""Files that pretend to be models: each would run something, read something, or eat the memory.

`CANARY` must never be written; `secret` must never be opened; whatever takes a file says in a
sentence why it does not take it.
"""

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np

from tests.models.tiny_onnx import data, matrix, node, number, tiny_model, value_info, varint

TERABYTES = 1 << 43


class _Runs:
    """Unpickled, it writes the canary."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch '{self._canary}'",)


def make(folder: Path, canary: Path, secret: Path) -> list[Path]:
    """One of each kind; `secret` lies outside the folder."""
    folder.mkdir()
    run = pickle.dumps(_Runs(canary))
    inner = io.BytesIO()
    np.save(inner, np.asarray([_Runs(canary)], object), allow_pickle=True)
    whole = tiny_model(["n", 3, 20, 16], matrix())
    files = {
        "pickle": run,
        "object_array.npy": inner.getvalue(),
        "objects.npz": _all(inner.getvalue()),
        "pickle_in.npz": _all(run),
        "claims_terabytes.npz": _all(_npy((TERABYTES // 4,), "<f4")),
        "claims_more_than_there_is.npz": _all(_npy((2**62, 2), "<f4")),
        "code_for_a_type.npz": _all(_npy((1,), f"__import__('os').system('touch {canary}')")),
        "bomb.npz": _all(bytes(60 << 20)),
        "wrong_crc.npz": _wrong_crc(),
        "lambda.keras": _zip(
            {"config.json": _LAMBDA.replace(b"CANARY", str(canary).encode())}
        ),
        "deep.json": b"[" * 200_000,
        "deep.toml": b"a = " + b"[" * 100_000,
        "truncated.onnx": whole[: len(whole) // 2],
        "nested.onnx": _nested(500),
        "long_lengths.onnx": number(1, 8) + varint(7 << 3 | 2) + varint(1 << 62) + b"x",
        "points_elsewhere.toml": f'name = "x"\nfile = "{secret}"\n'.encode(),
        "zeros": bytes(10_000),
        "empty": b"",
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for name, location in (("outside.onnx", f"../{secret.name}"), ("absolute.onnx", str(secret))):
        (folder / name).write_bytes(_external(location))
    _hdf5(folder, canary, secret)
    (folder / "claims_gigabytes").touch()
    os.truncate(folder / "claims_gigabytes", 1 << 36)  # 64 GB of nothing
    (folder / "link_to_a_device").symlink_to("/dev/zero")
    (folder / "dangling").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe")
    (folder / "directory").mkdir()
    return sorted(folder.iterdir())


_NAMES = (
    "subject_ids", "rows", "template_ids", "owners", "vectors", "golden", "facts", "digests",
    "found",
)  # fmt: skip
_LAMBDA = (
    b'{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": '
    b'{"function": {"class_name": "__lambda__", "config": {"code": "import os; '
    b"os.system('touch CANARY')\"}}}}]}}"
)


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _all(array: bytes) -> bytes:
    """An archive with this for every array that anybody asks for."""
    return _zip({f"{name}.npy": array for name in _NAMES})


def _npy(shape: tuple[int, ...], kind: str) -> bytes:
    header = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)


def _wrong_crc() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.zeros((3, 3), np.float32) for name in _NAMES})
    content = bytearray(buffer.getvalue())
    at = content.find(b"\x93NUMPY")
    content[at + 130] ^= 1
    return bytes(content)


def _nested(depth: int) -> bytes:
    graph = b""
    for _ in range(depth):
        graph = data(1, data(5, data(6, graph)))
    return number(1, 8) + data(7, graph)


def _external(location: str) -> bytes:
    weights = number(1, 960) + number(1, 24) + number(2, 1) + data(8, "w")
    weights += data(13, data(1, "location") + data(2, location)) + number(14, 1)
    graph = (
        data(1, node("Flatten", ["x"], "flat")) + data(1, node("MatMul", ["flat", "w"], "y"))
        + data(2, "t") + data(5, weights) + data(11, value_info("x", ["n", 3, 20, 16]))
        + data(12, value_info("y", ["n", 24]))
    )  # fmt: skip
    return number(1, 8) + data(7, graph) + data(8, data(1, "") + number(2, 13))


def _hdf5(folder: Path, canary: Path, secret: Path) -> None:
    """As long as the weights of VGG-Face, so that they are looked into."""
    from models.vgg_face import DATA_BYTES

    with h5py.File(folder / "lambda.h5", "w") as file:
        file.attrs["model_config"] = _LAMBDA.replace(b"CANARY", str(canary).encode())
        file.attrs["layer_names"] = [b"conv"]
        file.create_group("conv").attrs["weight_names"] = [b"kernel"]
        file["conv"]["kernel"] = np.zeros(3, np.float32)
    with h5py.File(folder / "external_link.h5", "w") as file:
        file.attrs["layer_names"] = [b"conv"]
        file["conv"] = h5py.ExternalLink(str(secret), "/conv")
    with h5py.File(folder / "soft_link.h5", "w") as file:
        file.attrs["layer_names"] = [b"conv"]
        file["conv"] = h5py.SoftLink("/conv")
    with h5py.File(folder / "external_data.h5", "w") as file:
        file.attrs["layer_names"] = [b"conv"]
        group = file.create_group("conv")
        group.attrs["weight_names"] = [b"kernel"]
        group.create_dataset("kernel", (3,), "f4", external=[(str(secret), 0, 12)])
    with h5py.File(folder / "virtual.h5", "w") as file:
        file.attrs["layer_names"] = [b"conv"]
        group = file.create_group("conv")
        group.attrs["weight_names"] = [b"kernel"]
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "kernel", (3,))
        group.create_virtual_dataset("kernel", layout)
    for path in folder.glob("*.h5"):
        os.truncate(path, DATA_BYTES + 10_000)
