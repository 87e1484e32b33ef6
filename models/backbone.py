"""What makes a face a vector. The contract of every backbone, and the door that opens one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.alignment import AlignmentTemplate
from models.errors import ModelError, WeightsMissing
from models.weights import Progress, WeightsFile
from wording.message import message, words_of

Download = Callable[[Path, Progress | None], Path]  # (weights_home, progress) -> the file


@dataclass(frozen=True)
class ScorePriors:
    """What is known of a backbone's cosines before a gallery has measured its own.

    same_person: two photos: below this cosine they are not taken for one person.
    threshold: a probe against the mean of a subject's templates: about 1 stranger in 100 is
        above this for some of 300 subjects.
    collision: the mean of a newcomer's photos against the mean of somebody else's templates: from
        here on it may be the same person.
    measured: on what and when, or `not measured: ...`.
    """

    same_person: float
    threshold: float
    collision: float
    measured: str


class Backbone(Protocol):
    """A frozen embedding. Safe to share between threads; nothing trains it."""

    @property
    def name(self) -> str:
        """As it is stamped into a gallery."""
        ...

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        ...

    @property
    def template(self) -> AlignmentTemplate:
        """The crop it wants."""
        ...

    @property
    def priors(self) -> ScorePriors:
        """Its cosines, as far as they are known."""
        ...

    @property
    def device(self) -> str:
        """Where it runs, to be said aloud: `GPU: NVIDIA ...` or `CPU: why`."""
        ...

    @property
    def licence(self) -> str:
        """Of its weights."""
        ...

    @property
    def weights(self) -> WeightsFile:
        """Its weights file."""
        ...

    @property
    def description(self) -> Mapping[str, str]:
        """Everything that determines an embedding; part of the gallery's fingerprint."""
        ...

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, height, width, 3) RGB uint8 -> (n, dimension) float32 unit rows, also for n = 0.

        Raises ValueError for another shape or type, ModelError for an embedding that is zero or
        not finite.
        """
        ...


def resolve_backbone(
    spec: str,
    weights_home: Path,
    *,
    search: Sequence[Path] = (),
    download: Download | None = None,
    progress: Progress | None = None,
) -> tuple[str, str]:
    """The backbone that `spec` means here, and one sentence that says why.

    `auto` is `vgg-face` when its weights are in `weights_home` or in a folder of `search`, or can
    be fetched with `download` (None: do not try), and `dlib-resnet` otherwise. Anything else is
    passed through as it is. Opens no network by itself; raises ModelError for an unknown name.
    """
    if spec != "auto":
        _check_spec(spec)
        return spec, message("{spec} was asked for.", spec=spec)
    from models.vgg_face import check_weights, find_weights

    try:
        path = find_weights(weights_home, search)
        if path is not None:
            check_weights(path)
            return "vgg-face", message("Its weights are in {path}.", path=str(path))
        trouble: str = message(
            "the weights of vgg-face are not in {folder}", folder=str(weights_home)
        )
    except ModelError as error:
        trouble = words_of(error)
    if download is not None:
        try:
            path = download(weights_home, progress)
            return "vgg-face", message("Its weights were downloaded to {path}.", path=str(path))
        except WeightsMissing:
            trouble = message(
                "{trouble}, and where they are downloaded from cannot be reached", trouble=trouble
            )
        except (ModelError, OSError) as error:
            trouble = words_of(error)
    return "dlib-resnet", message(
        "The embedded backbone is used: {trouble}. To use vgg-face later, put its weights there "
        "and run: rollcall rebackbone vgg-face",
        trouble=trouble,
    )


def open_backbone(
    spec: str,
    weights_home: Path,
    progress: Progress | None = None,
    *,
    search: Sequence[Path] = (),
    download: Download | None = None,
) -> Backbone:
    """The backbone that `spec` names: vgg-face, dlib-resnet, onnx:FILE.toml, compressed:FILE.toml,
    or auto.

    weights_home: the folder for weights from the web. search: more folders to look in, read only.
    download: how to fetch vgg-face's weights when they are in none of them (None: do not try).
    Raises ModelError, in one line, for an unknown name, missing or damaged weights.
    """
    if spec == "auto":
        spec, _ = resolve_backbone(
            spec, weights_home, search=search, download=download, progress=progress
        )
    kind = _check_spec(spec)
    if kind == "onnx":
        from models.onnx_backbone import OnnxBackbone

        return OnnxBackbone(Path(spec.partition(":")[2]))
    if kind == "dlib-resnet":
        from models.dlib_resnet import DlibResnet

        return DlibResnet()
    if kind == "compressed":
        from models.compressed_vgg import CompressedVgg

        return CompressedVgg(Path(spec.partition(":")[2]))
    from models.vgg_face import VggFace, ensure_weights

    return VggFace(ensure_weights(weights_home, search, download, progress))


def _check_spec(spec: str) -> str:
    """The kind of backbone in `spec`."""
    kind, colon, argument = spec.partition(":")
    of_a_file = kind in ("onnx", "compressed") and colon and argument
    if spec in ("vgg-face", "dlib-resnet") or of_a_file:
        return kind
    raise ModelError(
        message(
            "unknown backbone {spec!r}: use auto, vgg-face, dlib-resnet, onnx:FILE.toml or "
            "compressed:FILE.toml",
            spec=spec,
        )
    )
