"""From pictures to faces with their measures and embeddings: the same way at every door."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.quality import Quality, assess
from models.alignment import AlignmentTemplate, align
from models.backbone import Backbone
from models.detector import Detector, Face

# Quality is measured on a crop of its own, so that its limits hold for every backbone.
QUALITY_TEMPLATE = AlignmentTemplate(
    (112, 112), ((0.34, 0.46), (0.66, 0.46), (0.5, 0.64), (0.37, 0.82), (0.63, 0.82))
)


@dataclass(frozen=True)
class CapturedFace:
    """One face of one picture.

    crop: aligned to the quality template, (112, 112, 3) uint8 RGB.
    embedding: (dimension,) float32, unit length.
    """

    face: Face
    quality: Quality
    crop: NDArray[np.uint8]
    embedding: NDArray[np.float32]


class Capture:
    """Detector, alignment and backbone of one gallery, in this order."""

    def __init__(self, detector: Detector, backbone: Backbone) -> None:
        self.detector = detector
        self.backbone = backbone

    def faces(self, images: Sequence[NDArray[np.uint8]]) -> list[list[CapturedFace]]:
        """The faces of each image, largest first; all are embedded in one batch.

        Args:
            images: (h, w, 3) uint8 RGB each.
        """
        found = [
            [(image, face) for face in self.detector.detect(image) if _is_a_shape(face)]
            for image in images
        ]
        flat = [pair for faces in found for pair in faces]
        width, height = self.backbone.template.size
        crops = np.empty((len(flat), height, width, 3), np.uint8)
        for i, (image, face) in enumerate(flat):
            crops[i] = align(image, face.landmarks, self.backbone.template)
        embeddings = iter(self.backbone.embed(crops))
        return [
            [self._captured(image, face, next(embeddings)) for image, face in faces]
            for faces in found
        ]

    def _captured(
        self, image: NDArray[np.uint8], face: Face, embedding: NDArray[np.float32]
    ) -> CapturedFace:
        crop = align(image, face.landmarks, QUALITY_TEMPLATE)
        quality = assess(crop, face.landmarks, face.confidence)
        return CapturedFace(face, quality, crop, embedding)


def _is_a_shape(face: Face) -> bool:
    """Landmarks that fall together cannot be aligned."""
    return bool(
        np.isfinite(face.landmarks).all() and float(face.landmarks.astype(np.float64).std()) > 1.0
    )


def main_face(faces: Sequence[CapturedFace], shape: tuple[int, ...]) -> CapturedFace | None:
    """The face that a photo is about: large, and near the middle. None when there is none.

    Used where a label belongs to the whole photo (`evaluate`, `verify`), never to enroll.
    """
    height, width = shape[:2]
    middle = np.array([width / 2, height / 2])

    def weight(captured: CapturedFace) -> float:
        x, y, w, h = captured.face.box
        away = float(np.linalg.norm(np.array([x + w / 2, y + h / 2]) - middle))
        return w * h * float(np.exp(-2 * (away / (0.5 * float(np.hypot(width, height)))) ** 2))

    return max(faces, key=weight, default=None)
