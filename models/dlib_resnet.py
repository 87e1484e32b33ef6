"""dlib's ResNet (King 2017), 128-d: the embedded backbone. Its weights come in a pip package."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.alignment import AlignmentTemplate
from models.backbone import ScorePriors
from models.embedding import check_crops, unit_rows
from models.errors import ModelError, WeightsDamaged, WeightsMissing
from models.weights import WeightsFile, weights_file
from wording.message import message

FILE = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
SIZE = 22_466_066  # bytes
REINSTALL = "pip install --force-reinstall face_recognition_models==0.3.0"

# Where MTCNN's and YuNet's landmarks fall in dlib's own chip (5-point predictor on its HOG box,
# get_face_chip, padding 0.25): mean over 584 LFW photos per detector, then over the two. On 342
# genuine and 87,648 impostor pairs: equal error rate 1.2 % with either detector, dlib's own chips
# 1.5 %; embeddings 0.993 alike to dlib's own. A template for each detector gained nothing.
TEMPLATE = AlignmentTemplate(
    size=(150, 150),
    landmarks=(
        (0.3179, 0.3018),
        (0.6809, 0.3054),
        (0.4991, 0.5167),
        (0.3402, 0.6850),
        (0.6546, 0.6878),
    ),
)

# Measured on LFW: 303 people, 2,337 photos, 1,200 strangers, MTCNN points, crop and mirror image.
# same_person: 10,726 genuine and 409,353 impostor pairs, best balanced accuracy (99.0 %) at 0.909;
# a little above it a foreign photo is noticed in 99 of 100 cases (`python -m benchmarks.guards`).
# threshold: 1 stranger in 100 above it for some mean of 3 photos, 10 draws: 0.955 +- 0.001; it
# finds 91.3 % of the enrolled. collision: 1 newcomer in 1,000 (mean of 3) above it for somebody
# else of 302: 0.966; the same person with 3 other photos is above it in 99.7 %.
PRIORS = ScorePriors(
    same_person=0.911,
    threshold=0.955,
    collision=0.966,
    measured="LFW, 303 people and 1,200 strangers, MTCNN points, November 2026",
)


class DlibResnet:
    """`dlib.face_recognition_model_v1` on the CPU: a crop and its mirror image, averaged.

    The mirror image costs as much as the crop and is worth it: on LFW (303 people, 8 draws of
    three photos) 92.0 instead of 88.2 % are found where 1 stranger in 100 is named, and rank 1
    rises from 99.1 to 99.3 %.
    """

    name = "dlib-resnet"
    dimension = 128
    template = TEMPLATE
    priors = PRIORS
    device = message("CPU: dlib-bin is built without CUDA")
    licence = message("CC0-1.0 (weights, Davis E. King)")

    def __init__(self) -> None:
        path = _weights_path()
        if not path.is_file() or path.stat().st_size != SIZE:
            raise WeightsDamaged(
                message(
                    "{path} is not dlib's ResNet v1 (other size): {how}", path=path, how=REINSTALL
                )
            )
        self.weights: WeightsFile = weights_file(path)
        if self.weights.sha256 != SHA256:
            raise WeightsDamaged(
                message(
                    "{path} is not dlib's ResNet v1 (other sha256): {how}", path=path, how=REINSTALL
                )
            )
        try:
            import dlib
        except ImportError as error:
            raise ModelError(
                message("dlib cannot be loaded ({error}): pip install dlib-bin", error=str(error))
            ) from error
        self._network = dlib.face_recognition_model_v1(str(path))
        self._lock = threading.Lock()

    @property
    def description(self) -> Mapping[str, str]:
        """Weights, input, normalisation."""
        return {
            "backbone": self.name,
            "sha256": self.weights.sha256,
            "input": "150x150",
            "colour": "rgb",
            "scale": "dlib's own",
            "jitter": "0",
            "normalisation": "l2",
            "transform": "mean with the mirror image",
            "runtime": "dlib",
        }

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Backbone.embed`; about 120 ms a crop on one core."""
        check_crops(crops, self.template.size)
        rows = np.empty((len(crops), self.dimension), dtype=np.float64)
        with self._lock:
            for row, crop in zip(rows, crops, strict=True):
                row[:] = self._unit(crop) + self._unit(crop[:, ::-1])
        return unit_rows(rows, len(crops), self.dimension)

    def _unit(self, chip: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = self._network.compute_face_descriptor(np.ascontiguousarray(chip))
        vector = np.asarray(found, np.float64)
        unit: NDArray[np.float64] = vector / np.linalg.norm(vector)
        return unit


def _weights_path() -> Path:
    # find_spec, not import: the package imports pkg_resources, which new setuptools lacks
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsMissing(
            message(
                "the weights of dlib-resnet are not installed: "
                "pip install face_recognition_models==0.3.0"
            )
        )
    path = Path(spec.submodule_search_locations[0]) / "models" / FILE
    if not path.is_file():
        raise WeightsMissing(message("{path} is missing: {how}", path=path, how=REINSTALL))
    return path
