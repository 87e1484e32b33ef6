"""MTCNN (Zhang et al. 2016), the package `mtcnn` 1.0.0: its weights come in its wheel."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.canvas import CANVAS_DESCRIPTION, RawFace, find_faces
from models.detector import AT_ONCE, Face
from models.errors import ModelError, WeightsDamaged, WeightsMissing
from models.tensorflow_runtime import load_tensorflow
from models.weights import sha256_of
from wording.message import message

# Of mtcnn 1.0.0's wheel. They are pickles, so they are checked before they are opened.
STAGE_SHA256 = {
    "pnet.lz4": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet.lz4": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet.lz4": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
# In px. Above 20 mtcnn 1.0.0 misses faces of 82 and 164 px (research/speed.md).
SMALLEST_FACE = 20
# In px, of what each stage looks at; None: the photo in all its sizes.
_SIDES = (None, 24, 48)
KEYPOINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")  # left: image left


class MtcnnDetector:
    """MTCNN on the CPU through TensorFlow; RGB in, five landmarks out."""

    def __init__(self) -> None:
        folder = _weights_folder()
        tf, _ = load_tensorflow()  # before mtcnn imports it
        from mtcnn import MTCNN
        from mtcnn.stages import StageONet, StagePNet, StageRNet

        # Absolute paths: left to itself, mtcnn unpickles a pnet.lz4 of the current folder first.
        stages = [
            StagePNet(weights=str(folder / "pnet.lz4")),
            StageRNet(weights=str(folder / "rnet.lz4")),
            StageONet(weights=str(folder / "onet.lz4")),
        ]
        for stage, side in zip(stages, _SIDES, strict=True):
            stage.model.trainable = False
            stage._model = _traced(tf, stage.model, side)
        self._network = MTCNN(stages=stages)
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._version = importlib.metadata.version("mtcnn")

    @property
    def name(self) -> str:
        """`mtcnn`."""
        return "mtcnn"

    @property
    def description(self) -> Mapping[str, str]:
        """Version, weights, sizes."""
        return {
            "detector": "mtcnn",
            "version": self._version,
            "smallest_face": str(SMALLEST_FACE),
            "canvas": CANVAS_DESCRIPTION,
            **{f"sha256 {name}": digest for name, digest in STAGE_SHA256.items()},
        }

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """See `Detector.detect`."""
        with self._turns:
            return find_faces(image, self._look)

    def _look(self, canvas: NDArray[np.uint8]) -> list[RawFace]:
        found = self._network.detect_faces(
            canvas, min_face_size=SMALLEST_FACE, fit_to_image=False, box_format="xyxy"
        )
        return [
            RawFace(
                (x1, y1, x2, y2),
                np.array([face["keypoints"][point] for point in KEYPOINTS], dtype=np.float32),
                float(face["confidence"]),
            )
            for face in found
            for x1, y1, x2, y2 in [map(float, face["box"])]
        ]


def _traced(tf: Any, model: Any, side: int | None) -> Any:  # noqa: ANN401 - without types
    """The network of a stage as one graph for inputs of every size.

    The same faces to the last bit, in half the processor's time: operation by operation Keras
    spends more of it in Python, where threads wait for each other, than in the network.
    """
    return tf.function(
        lambda batch: model(batch, training=False),
        input_signature=[tf.TensorSpec((None, side, side, 3), tf.float32)],
        autograph=False,
    )


def _weights_folder() -> Path:
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(message("the package mtcnn is not installed: pip install mtcnn==1.0.0"))
    folder = Path(spec.submodule_search_locations[0]) / "assets" / "weights"
    for name, digest in STAGE_SHA256.items():
        path = folder / name
        if not path.is_file():
            raise WeightsMissing(
                message("{path} is missing: pip install --force-reinstall mtcnn==1.0.0", path=path)
            )
        if sha256_of(path) != digest:
            raise WeightsDamaged(
                message(
                    "{path} is not the file of mtcnn 1.0.0: "
                    "pip install --force-reinstall mtcnn==1.0.0",
                    path=path,
                )
            )
    return folder
