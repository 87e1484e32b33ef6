"""Hostile model files in every place that takes one: nothing runs, nothing else is read, no memory
is eaten, and each is refused in a sentence."""

import ctypes
import multiprocessing
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import h5py
import numpy as np
import pytest

from enrollment.cohort_file import unpack_cohort
from models import dlib_resnet
from models.dlib_resnet import DlibResnet
from models.errors import ModelError
from models.head_file import unpack
from models.onnx_backbone import OnnxBackbone
from models.vgg_face import check_weights
from models.yunet_detector import YunetDetector
from store.archive import open_archive
from store.errors import GalleryDamaged
from store.vault import Vault
from tests.models import hostile_files
from tests.models.tiny_onnx import matrix, tiny_model, write_toml

MOST_MEMORY = 200 << 20
_IN_OPEN, _NONBLOCK = 0x20, 0o4000
OURS = (ModelError, GalleryDamaged, ValueError)


def _head(path: Path) -> object:
    """As a sealed file, and as if somebody had the key."""
    archive = open_archive(path.parent.parent, Vault(bytes(32)))
    heads = path.parent.parent / "heads"
    heads.mkdir(exist_ok=True)
    sealed = heads / "h.sealed"
    sealed.unlink(missing_ok=True)
    sealed.symlink_to(path)
    with pytest.raises(GalleryDamaged):
        archive.read_head("h", "0" * 64)
    return unpack(_bytes(path), 8)


def _onnx(path: Path) -> object:
    write_toml(path.parent.parent, file=f'"{path}"')
    return OnnxBackbone(path.parent.parent / "tiny.toml")


def _dlib(path: Path) -> object:
    vars(dlib_resnet)["_weights_path"] = lambda: path
    return DlibResnet()


def _bytes(path: Path) -> bytes:
    """Such as the store hands on; what is no file it does not."""
    if not path.is_file() or path.stat().st_size > 64 << 20:
        raise ValueError("no plain file")
    return path.read_bytes()


PLACES: dict[str, Callable[[Path], object]] = {
    "head": _head,
    "cohort": lambda path: unpack_cohort(_bytes(path)),
    "onnx": _onnx,
    "toml": OnnxBackbone,
    "yunet": YunetDetector,
    "vgg": check_weights,
    "dlib": _dlib,
}


class Watch:
    """Who opens a file, asked of the kernel: libraries in C are seen as well."""

    def __init__(self, path: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(_NONBLOCK)
        assert self._handle >= 0
        assert self._libc.inotify_add_watch(self._handle, os.fsencode(path), _IN_OPEN) >= 0

    def opened(self) -> bool:
        try:
            return bool(os.read(self._handle, 4096))
        except BlockingIOError:
            return False


def _try_all(place: str, files: list[Path], secret: Path, pipe: Connection) -> None:
    """In a process of its own, whose memory is counted."""
    _warm(place, files[0].parent.parent)
    watch = Watch(secret)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    for path in files:
        try:
            PLACES[place](path)
            said = "TAKEN"
        except OURS as error:
            said = str(error)
        except BaseException as error:  # whatever it is, the test says it
            said = f"TRACEBACK {type(error).__name__}: {error}"
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        pipe.send((path.name, said, after - before, watch.opened()))
    pipe.send(None)


def _warm(place: str, folder: Path) -> None:
    """Load what the place loads anyway."""
    good = folder / "good.onnx"
    good.write_bytes(tiny_model(["n", 3, 20, 16], matrix()))
    if place in ("onnx", "toml"):
        write_toml(folder, file='"good.onnx"')
        OnnxBackbone(folder / "tiny.toml")
    if place == "yunet":
        with pytest.raises(ModelError):
            YunetDetector(good)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Path, Path]:
    home = tmp_path_factory.mktemp("hostile")
    canary, secret = home / "canary", home / "secret"
    with h5py.File(secret, "w") as file:
        file.create_group("conv").attrs["weight_names"] = [b"kernel"]
        file["conv"]["kernel"] = np.zeros(3, np.float32)
    return hostile_files.make(home / "inbox", canary, secret), canary, secret


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_hostile_files_do_nothing(place: str, scene: tuple[list[Path], Path, Path]) -> None:
    files, canary, secret = scene
    assert len(files) >= 20
    for path, said, memory, opened in answers(place, files, secret):
        # A description may name any file of its owner's: what lies there is no ONNX file.
        elsewhere = path == "points_elsewhere.toml" and place == "toml"
        assert not opened or elsewhere, f"{path} made {place} read another file"
        assert said != "TAKEN", path
        assert not said.startswith("TRACEBACK"), f"{path}: {said}"
        assert 10 < len(said) < 500, f"{path}: {said}"
        assert memory < MOST_MEMORY, f"{path} took {memory >> 20} MB"
    assert not canary.exists()


def answers(place: str, files: list[Path], secret: Path) -> Iterator[tuple[str, str, int, bool]]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_try_all, args=(place, files, secret, theirs), daemon=True)
    process.start()
    theirs.close()
    with stopped(process):
        for _ in files:
            assert ours.poll(60), f"{place} hangs"
            yield ours.recv()


@contextmanager
def stopped(process: multiprocessing.process.BaseProcess) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.join()


def test_what_must_be_seen_is_seen(scene: tuple[list[Path], Path, Path]) -> None:
    """The controls: unpickled, the canary is written; opened, the secret is."""
    import pickle

    files, canary, secret = scene
    (hostile,) = [path for path in files if path.name == "pickle"]
    pickle.loads(hostile.read_bytes())  # noqa: S301
    assert canary.exists()
    canary.unlink()
    watch = Watch(secret)
    (linked,) = [path for path in files if path.name == "external_link.h5"]
    with h5py.File(linked) as file:
        assert file["conv"] is not None
    assert watch.opened()
