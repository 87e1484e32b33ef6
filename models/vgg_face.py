"""VGG-Face (Parkhi et al. 2015) as deepface ships it, on TensorFlow: 4096-d, ReLU(fc7)."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.alignment import AlignmentTemplate
from models.backbone import Download, ScorePriors
from models.download import download
from models.embedding import check_crops, unit_rows
from models.errors import ModelError, WeightsDamaged, WeightsMissing
from models.fitting_batches import FittingBatches, Run
from models.tensorflow_runtime import load_tensorflow
from models.vgg_graph import graph_of, layers_of
from models.weights import (
    Progress,
    WeightsFile,
    find_file,
    verify_record,
    weights_file,
    write_record,
)
from wording.message import message, words_of

FILE = "vgg_face_weights.h5"
# deepface 0.0.103, models/facial_recognition/tf/VGGFace.py: WEIGHTS_URL (a test compares them;
# they are repeated here because reading them there loads TensorFlow)
URLS = (
    "https://github.com/serengil/deepface_models/releases/download/v1.0/vgg_face_weights.h5",
    "https://huggingface.co/serengil/deepface/resolve/main/vgg_face_weights.h5",
)
# The bare network's weights in order, kernel then bias: 13 convolutions of VGG-16, fc6, fc7 and
# the 2,622 identities it was trained on, which an embedding does not use. 145,002,878 float32.
CHANNELS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
SHAPES: tuple[tuple[int, ...], ...] = (
    *(
        shape
        for fan_in, fan_out in itertools.pairwise(CHANNELS)
        for shape in ((3, 3, fan_in, fan_out), (fan_out,))
    ),
    (7, 7, 512, 4096),
    (4096,),
    (1, 1, 4096, 4096),
    (4096,),
    (1, 1, 4096, 2622),
    (2622,),
)
FEATURES = 7 * 7 * 512  # what fc6 is given
DATA_BYTES = 580_011_512
HEADER_BYTES = 16 << 20  # an .h5 of these weights has at most this much besides them
SIZE = 224  # px
# From a crop to an embedding; part of the fingerprint, also of what is made from this network.
WAY = {
    "input": f"{SIZE}x{SIZE}",
    "colour": "bgr",
    "scale": "1/255",
    "mean": "0",
    "layer": "relu fc7",
    "normalisation": "l2",
    "transform": "identity",
    "runtime": "tensorflow",
}
CPU_BATCH = 8
GPU_BATCH = 64

# As deepface feeds it: MTCNN's box, padded to a square. Mean place of MTCNN's landmarks in that
# square over 3,537 LFW photos, made symmetric.
TEMPLATE = AlignmentTemplate(
    size=(SIZE, SIZE),
    landmarks=(
        (0.3316, 0.3828),
        (0.6684, 0.3828),
        (0.5000, 0.5821),
        (0.3501, 0.7515),
        (0.6499, 0.7515),
    ),
)

# Its weights were not at hand. deepface takes a pair for one person from cosine 0.32 (its constant
# distance of 0.68); the other two are guesses on the strict side, until a gallery has measured
# its own: an embedding without negative numbers keeps strangers far above 0.
PRIORS = ScorePriors(
    same_person=0.32,
    threshold=0.60,
    collision=0.70,
    measured="not measured: deepface's pair threshold and strict guesses",
)


class VggFace:
    """deepface's network with every layer frozen, in one TensorFlow graph."""

    name = "vgg-face"
    dimension = 4096
    template = TEMPLATE
    priors = PRIORS
    licence = message("non-commercial research only (weights, Visual Geometry Group, Oxford)")

    def __init__(self, file: WeightsFile) -> None:
        check_weights(file.path)
        self.weights = file
        self._tf, self.device = load_tensorflow()
        self._network = _frozen_network(self._tf, file.path)
        on_gpu = self.device.startswith("GPU")
        self._batches = FittingBatches(
            graph_of(self._tf, *layers_of(self._network)),
            GPU_BATCH if on_gpu else CPU_BATCH,
            self._tf.errors.ResourceExhaustedError,
            self._on_the_cpu if on_gpu else None,
        )
        self._lock = threading.Lock()

    @property
    def description(self) -> Mapping[str, str]:
        """Weights, input, colour, scale, normalisation."""
        return {"backbone": self.name, "sha256": self.weights.sha256, **WAY}

    @property
    def trainable_variables(self) -> tuple[object, ...]:
        """Always (): every layer is frozen."""
        return tuple(self._network.trainable_variables)

    def weights_digest(self) -> str:
        """SHA-256 over the weights in memory, hex: the same before and after any use."""
        digest = hashlib.sha256()
        for array in self._network.get_weights():
            digest.update(array.tobytes())
        return digest.hexdigest()

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Backbone.embed`. A graphics card without memory for a batch is given smaller ones,
        and at last the CPU does it: `device` says so from then on."""
        check_crops(crops, self.template.size)
        with self._lock:
            rows = self._batches.run(crops, self.dimension)
        return unit_rows(rows, len(crops), self.dimension)

    def _on_the_cpu(self) -> Run:
        self.device = message("CPU: {gpu} has no memory left for one face", gpu=self.device)
        with self._tf.device("/CPU:0"):
            self._network = _frozen_network(self._tf, self.weights.path)
            return graph_of(self._tf, *layers_of(self._network))


def find_weights(home: Path, search: Sequence[Path] = ()) -> Path | None:
    """The weights file in `home` or the folders of `search` (e.g. ~/.deepface/weights), or None."""
    return find_file(FILE, home, search)


def download_weights(
    home: Path, progress: Progress | None = None, urls: Sequence[str] = URLS
) -> Path:
    """Fetch the weights (580 MB) into `home`, resumed where a former try broke off.

    Checked for structure and size, and its digest recorded, before it is used. Raises
    WeightsMissing in one line that says what to do by hand.
    """
    try:
        path = download(urls, home / FILE, check_weights, progress)
    except WeightsMissing as error:
        raise WeightsMissing(
            message("{how} ({error})", how=_by_hand(home), error=words_of(error))
        ) from error
    write_record(weights_file(path), home)
    return path


def ensure_weights(
    home: Path,
    search: Sequence[Path] = (),
    fetch: Download | None = None,
    progress: Progress | None = None,
) -> WeightsFile:
    """The weights file: looked for, else fetched, then compared with its record.

    Raises WeightsMissing or WeightsDamaged in one line.
    """
    path = find_weights(home, search)
    if path is None:
        if fetch is None:
            raise WeightsMissing(_by_hand(home))
        path = fetch(home, progress)
    check_weights(path)
    return verify_record(path, home)


def check_weights(path: Path) -> None:
    """Raises WeightsDamaged unless `path` holds the arrays of VGG-Face, by size and structure.

    Only shapes and types are read: whether the numbers are the right ones, the record of its
    SHA-256 says.
    """
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError:
        size = 0
    if not DATA_BYTES <= size <= DATA_BYTES + HEADER_BYTES:
        raise _damaged(
            path,
            message("it has {size:,} bytes instead of some {most:,}", size=size, most=DATA_BYTES),
        )
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = _arrays(file)
    except (OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        why = message("it cannot be read as HDF5: {error}", error=_brief(error, 133))
        raise _damaged(path, why) from error
    expected = [(shape, "float32") for shape in SHAPES]
    if found != expected:
        raise _damaged(path, message("its arrays are not those of VGG-Face"))


def read_weights(path: Path) -> list[NDArray[np.float32]]:
    """Kernel and bias of the 13 convolutions, of fc6 and of fc7, as `SHAPES` lists them.

    Raises WeightsDamaged when they are not there.
    """
    check_weights(path)
    import h5py

    embedding = len(SHAPES) - 2  # without the identities it was trained on
    with h5py.File(path, "r") as file:
        return [array[()] for array in itertools.islice(_weights(file), embedding)]


def _arrays(file: Any) -> list[tuple[tuple[int, ...], str]]:  # noqa: ANN401 - h5py has no types
    """Shape and type of each weight, in the order in which Keras loads them."""
    return [
        (a.shape, "elsewhere" if a.external or a.is_virtual else str(a.dtype))
        for a in _weights(file)
    ]


def _weights(file: Any) -> Iterator[Any]:  # noqa: ANN401
    group = file if "layer_names" in file.attrs else _inside(file, "model_weights")
    for layer in group.attrs["layer_names"]:
        of_layer = _inside(group, layer)
        for name in of_layer.attrs["weight_names"]:
            yield _inside(of_layer, name)


def _inside(group: Any, name: str | bytes) -> Any:  # noqa: ANN401
    """What is in this very file: a link may name any other on the disk, which h5py would open."""
    import h5py

    for part in (name.decode() if isinstance(name, bytes) else name).split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ValueError("it refers to what is not in it")
        group = group[part]
    return group


def _damaged(path: Path, reason: str) -> WeightsDamaged:
    return WeightsDamaged(
        message(
            "{path} is not the weights of VGG-Face ({reason}): "
            "delete it and download it again from {url}",
            path=path,
            reason=reason,
            url=URLS[0],
        )
    )


def _brief(error: Exception, most: int) -> str:
    return " ".join(str(error).split())[:most]


def _by_hand(home: Path) -> str:
    return message(
        "the weights of vgg-face are missing: download {url} to {file}, or use dlib-resnet",
        url=URLS[0],
        file=home / FILE,
    )


def _frozen_network(tf: Any, path: Path) -> Any:  # noqa: ANN401 - TensorFlow has no types
    """deepface's network up to ReLU(fc7): (n, 224, 224, 3) -> (n, 4096), nothing trainable."""
    # Full float32 on newer GPUs too: a batch of one must equal a batch of many, and a gallery
    # made on a CPU must be found again on a GPU.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        from deepface.models.facial_recognition.tf.VGGFace import base_model
    except ImportError as error:
        raise ModelError(
            message(
                "deepface cannot be loaded ({error}): pip install deepface==0.0.103",
                error=str(error),
            )
        ) from error
    network = base_model()
    try:
        network.load_weights(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, _brief(error, 160)) from error
    fc7 = network.layers[-5].output  # as deepface's load_model does
    flat = tf.keras.layers.Flatten()(fc7)
    descriptor = tf.keras.models.Model(inputs=network.layers[0].input, outputs=flat)
    for layer in descriptor.layers:
        layer.trainable = False
    descriptor.trainable = False
    return descriptor
