"""A smaller VGG-Face: made, measured beside the one it was made from, and written whole."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from disk.whole_file import sync_folder, whole_file, write_whole
from enrollment.capture import prominence
from enrollment.compression_measure import Measured, measure, plan_of
from enrollment.compression_report import CompressionReport, page_of
from enrollment.config import Settings
from enrollment.errors import BadInput, Unusable
from enrollment.intake import gather
from enrollment.opening import DEFAULT_DETECTOR, absolute_spec
from enrollment.photo import Photo, decode
from enrollment.reasons import Reason
from models.alignment import align
from models.compressed_file import (
    METHODS,
    TOML,
    WEIGHTS,
    Compressed,
    description,
    write_network,
)
from models.compressed_layers import form_of
from models.compressed_vgg import features_of
from models.detector import Detector, open_detector
from models.errors import ModelError
from models.golden import GOLDEN_COUNT, golden_image
from models.vgg_compressor import NEEDS_FACES, compress, expected_size, look_untrained
from models.vgg_face import TEMPLATE, ensure_weights, read_weights
from models.weights import WeightsFile, sha256_of
from wording.message import message, words_of

Progress = Callable[[str, float], None]
PARENT = "vgg-face"
FACES = 32  # that saliencies are estimated on and embeddings compared by, at most
_SPARE = 64 << 20  # bytes that stay free on the disk
_LEFT_BY_KILLED = 24 * 3600.0  # seconds: no compressing takes so long


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    keep: as `models.vgg_compressor.compress`; None where the method keeps every weight.
    folder: where the backbone is to lie; it must not be there yet.
    photos: a folder for each person, to measure accuracy on; None: fidelity on drawn faces alone.
    """

    method: str
    keep: float | None
    folder: Path
    photos: Path | None = None


def compress_backbone(settings: Settings, wish: Wish, progress: Progress) -> CompressionReport:
    """Make the backbone and its report; the folder appears whole or not at all.

    Raises:
        BadInput: it cannot be done as asked; nothing was written.
        Unusable: the folder cannot be written, or a measuring process was ended.
    """
    keep = _checked(wish)
    plan = plan_of(gather([wish.photos])) if wish.photos is not None else None
    try:
        parent = ensure_weights(settings.weights_home, settings.weights_search)
        _refuse_larger(wish.method, keep, parent)
        if plan is None:
            crops = _drawn()
        else:
            detector = open_detector(absolute_spec(settings.detector or DEFAULT_DETECTOR))
            photos = [photo for person in plan.gallery for photo in person.photos]
            crops = _faces(photos, detector)
        with _new_folder(wish.folder, expected_size(wish.method, keep)) as folder:
            says, untrained = _made(parent, wish.method, keep, crops, folder, progress)
            report = _measured(settings, wish, says, crops, folder, progress, untrained)
            _write_report(report, says, folder)
        return report
    except ModelError as error:
        raise BadInput(words_of(error)) from error


def _checked(wish: Wish) -> float:
    if wish.method not in METHODS:
        raise BadInput(message("the method is one of {known}", known=", ".join(METHODS)))
    if wish.method == "int8":
        if wish.keep is not None:
            raise BadInput(message("int8 keeps every weight, a byte each: leave out --keep"))
    elif wish.keep is None or not 0 < wish.keep <= 1:
        raise BadInput(
            message("--keep is the share that stays, more than 0 and at most 1; for example 0.5")
        )
    if os.path.lexists(wish.folder):
        raise BadInput(
            message("{folder} is there already; name another folder", folder=wish.folder)
        )
    return 1.0 if wish.keep is None else wish.keep


def _refuse_larger(method: str, keep: float, parent: WeightsFile) -> None:
    if expected_size(method, keep) >= parent.size:
        raise BadInput(
            message(
                "so it would have {size:.0f} MB, more than the {parent:.0f} MB it is made from; "
                "keep less",
                size=expected_size(method, keep) / 1e6,
                parent=parent.size / 1e6,
            )
        )


def _drawn() -> NDArray[np.uint8]:
    """(8, 224, 224, 3): the golden images, aligned."""
    return np.stack([align(*golden_image(n), TEMPLATE) for n in range(GOLDEN_COUNT)])


def _faces(photos: list[Photo], detector: Detector) -> NDArray[np.uint8]:
    """(n, 224, 224, 3): the main faces of some of the photos, from the first to the last."""
    crops: list[NDArray[np.uint8]] = []
    for i in np.unique(np.linspace(0, len(photos) - 1, FACES).astype(int)):
        picture = decode(photos[i])
        if isinstance(picture, Reason):
            continue
        image = picture.image
        found = detector.detect(image)
        if found:
            face = max(found, key=lambda face: prominence(face, image.shape))
            crops.append(align(image, face.landmarks, TEMPLATE))
    if not crops:
        raise BadInput(message("no face was found in these photos; nothing was written"))
    return np.stack(crops)


@contextmanager
def _new_folder(target: Path, size: int) -> Iterator[Path]:
    """A folder beside the target, which becomes the target at the end, or goes."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        free = shutil.disk_usage(target.parent).free
        if free < size + _SPARE:
            raise BadInput(
                message(
                    "{folder} has {free:.0f} MB left and this needs {size:.0f}; nothing was "
                    "written. Make room, or name a folder on another disk",
                    folder=target.parent,
                    free=free / 1e6,
                    size=(size + _SPARE) / 1e6,
                )
            )
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent))
        try:
            yield folder
            if os.path.lexists(target):
                raise BadInput(
                    message("{folder} is there already; name another folder", folder=target)
                )
            folder.rename(target)
            sync_folder(target.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise Unusable(
            message(
                "{folder} cannot be written: {error}",
                folder=target,
                error=str(error.strerror or error),
            )
        ) from error


def _sweep(target: Path) -> None:
    """What killed runs for this very folder left behind."""
    for left in target.parent.iterdir():
        ours = left.name.startswith(f".{target.name}.") and left.name.endswith(".new")
        with suppress(OSError):
            if ours and left.stat().st_mtime < time.time() - _LEFT_BY_KILLED:
                shutil.rmtree(left, ignore_errors=True)


def _made(
    parent: WeightsFile,
    method: str,
    keep: float,
    crops: NDArray[np.uint8],
    folder: Path,
    progress: Progress,
) -> tuple[Compressed, bool]:
    """Writes weights and description; whether the parent's numbers are no trained network's."""
    progress(method, 0.0)
    weights = read_weights(parent.path)
    features = None
    if method in NEEDS_FACES:
        features = features_of(list(zip(weights[:-4:2], weights[1:-4:2], strict=True)), crops)
    network = compress(weights, method, keep, features, lambda done: progress(method, done))
    with whole_file(folder / WEIGHTS) as file:
        write_network(network, file)
    says = Compressed(
        file=WEIGHTS,
        sha256=sha256_of(folder / WEIGHTS),
        method=method,
        keep=keep,
        layers=tuple(form_of(layer) for layer in network.layers),
        parent=PARENT,
        parent_sha256=parent.sha256,
    )
    write_whole(folder / TOML, description(says))
    progress(method, 1.0)
    return says, look_untrained(weights)


def _measured(
    settings: Settings,
    wish: Wish,
    says: Compressed,
    crops: NDArray[np.uint8],
    folder: Path,
    progress: Progress,
    untrained: bool,
) -> CompressionReport:
    sides: list[Measured] = []
    for name, spec in ((PARENT, PARENT), (says.name, f"compressed:{folder / TOML}")):
        progress(f"measuring {name}", 0.0)
        sides.append(measure(settings, spec, crops, wish.photos))
        progress(f"measuring {name}", 1.0)
    return CompressionReport(
        folder=wish.folder,
        says=says,
        parent=sides[0],
        compressed=sides[1],
        drawn=wish.photos is None,
        untrained=untrained,
    )


def _write_report(report: CompressionReport, says: Compressed, folder: Path) -> None:
    note = "Written by rollcall compress; report.html says what it costs"
    write_whole(folder / TOML, description(says, report.golden_cosine, note))
    text = json.dumps(report.as_document(), indent=1, ensure_ascii=False)
    write_whole(folder / "report.json", text.encode())
    write_whole(folder / "report.html", page_of(report).encode())
