"""Where are the faces? The contract of every detector, and the door that opens one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from wording.message import message

# Photos that are looked at together, whoever asks: each needs memory for all its sizes, and more
# than there are cores gains nothing.
AT_ONCE = 2


@dataclass(frozen=True)
class Face:
    """One detected face.

    box: x, y, width, height in pixels of the image that was given, clipped to it, area > 0.
    landmarks: (5, 2) float32, x and y in the same pixels, not clipped: eye at image left, eye at
        image right, nose, mouth corner at image left, mouth corner at image right. Left and right
        are those of an upright face; on a face that is upside down they turn with the face.
    confidence: 0..1, the detector's own; not comparable between detectors.
    """

    box: tuple[int, int, int, int]
    landmarks: NDArray[np.float32]
    confidence: float


class Detector(Protocol):
    """Finds faces. Safe to share between threads; the same image gives the same faces."""

    @property
    def name(self) -> str:
        """`mtcnn` or `yunet`."""
        ...

    @property
    def description(self) -> Mapping[str, str]:
        """Everything that determines the output; part of the gallery's fingerprint."""
        ...

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """Faces in `image`, (h, w, 3) RGB uint8: largest first, [] when there is none.

        Raises ValueError for another shape or type.
        """
        ...


def open_detector(spec: str) -> Detector:
    """The detector that `spec` names: `mtcnn` or `yunet:FILE.onnx`.

    Raises ModelError with one line for an unknown name or a file that cannot be used.
    """
    kind, _, argument = spec.partition(":")
    if kind == "mtcnn" and not argument:
        from models.mtcnn_detector import MtcnnDetector

        return MtcnnDetector()
    if kind == "yunet" and argument:
        from models.yunet_detector import YunetDetector

        return YunetDetector(Path(argument))
    raise ModelError(message("unknown detector {spec!r}: use mtcnn or yunet:FILE.onnx", spec=spec))
