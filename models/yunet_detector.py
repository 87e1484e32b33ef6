"""YuNet (Wu et al. 2023) through OpenCV: one small ONNX file, named by the operator."""

from __future__ import annotations

import functools
import queue
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.canvas import CANVAS_DESCRIPTION, RawFace, find_faces
from models.detector import AT_ONCE, Face
from models.errors import BadModelFile, WeightsMissing
from models.onnx_file import checked_onnx
from models.weights import sha256_of
from wording.message import message, words_of

SCORE = 0.6  # a face below this confidence is not reported
OVERLAP = 0.3  # intersection over union; OpenCV's default
TOP_K = 500  # candidates kept before overlap is judged


class YunetDetector:
    """`cv2.FaceDetectorYN` on the CPU."""

    def __init__(self, path: Path) -> None:
        import cv2

        if not path.is_file():
            raise WeightsMissing(
                message(
                    "the detector's file {path} is not there: "
                    "get face_detection_yunet_2023mar.onnx from OpenCV's model zoo, or use mtcnn",
                    path=path,
                )
            )
        try:
            checked_onnx(path)
        except BadModelFile as error:
            raise _not_yunet(path, words_of(error)) from error
        self._sha256 = sha256_of(path)
        try:
            # A network is nothing that two threads may share.
            self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
            for _ in range(AT_ONCE):
                self._free.put(
                    cv2.FaceDetectorYN.create(str(path), "", (64, 64), SCORE, OVERLAP, TOP_K)
                )
            self.detect(np.zeros((64, 64, 3), np.uint8))  # a foreign ONNX fails here, not at work
        except (cv2.error, IndexError, TypeError, ValueError) as error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else "unknown"
            raise _not_yunet(path, reason) from error

    @property
    def name(self) -> str:
        """`yunet`."""
        return "yunet"

    @property
    def description(self) -> Mapping[str, str]:
        """Weights, thresholds, sizes."""
        return {
            "detector": "yunet",
            "sha256": self._sha256,
            "score": f"{SCORE:g}",
            "overlap": f"{OVERLAP:g}",
            "top_k": str(TOP_K),
            "canvas": CANVAS_DESCRIPTION,
        }

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """See `Detector.detect`."""
        network = self._free.get()
        try:
            return find_faces(image, functools.partial(self._look, network))
        finally:
            self._free.put(network)

    @staticmethod
    def _look(network: Any, canvas: NDArray[np.uint8]) -> list[RawFace]:  # noqa: ANN401
        height, width = canvas.shape[:2]
        network.setInputSize((width, height))
        _, rows = network.detect(np.ascontiguousarray(canvas[:, :, ::-1]))  # BGR
        if rows is None:
            return []
        # x, y, w, h, then eye, eye, nose, mouth corner, mouth corner (each first at image left),
        # then the score
        return [
            RawFace(
                (x, y, x + w, y + h),
                np.array(row[4:14], dtype=np.float32).reshape(5, 2),
                float(row[14]),
            )
            for row in rows
            for x, y, w, h in [map(float, row[:4])]
        ]


def _not_yunet(path: Path, reason: str) -> BadModelFile:
    return BadModelFile(
        message(
            "{path} is not a YuNet ONNX file ({reason}): "
            "get face_detection_yunet_2023mar.onnx from OpenCV's model zoo, or use mtcnn",
            path=path,
            reason=reason,
        )
    )
