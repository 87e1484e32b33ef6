"""From pictures to faces with their measures and embeddings: the same way at every door."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.batcher import Batcher
from enrollment.quality import Quality, assess
from enrollment.tally import Tally
from models.alignment import AlignmentTemplate, align
from models.backbone import Backbone
from models.detector import Detector, Face

# Quality is measured on a crop of its own, so that its limits hold for every backbone.
QUALITY_TEMPLATE = AlignmentTemplate(
    (112, 112), ((0.34, 0.46), (0.66, 0.46), (0.5, 0.64), (0.37, 0.82), (0.63, 0.82))
)


@dataclass(frozen=True)
class FoundFace:
    """One face of one picture, found and measured; no backbone has looked at it.

    crop: aligned to the quality template, (112, 112, 3) uint8 RGB.
    """

    face: Face
    quality: Quality
    crop: NDArray[np.uint8]


@dataclass(frozen=True)
class CapturedFace(FoundFace):
    """One face of one picture.

    embedding: (dimension,) float32, unit length.
    """

    embedding: NDArray[np.float32]


class Capture:
    """Detector, alignment and backbone of one gallery, in this order."""

    def __init__(self, detector: Detector, backbone: Backbone) -> None:
        self.detector = detector
        self.backbone = backbone
        self._batcher = Batcher(backbone.embed)
        self._tally = Tally()

    def counted_by(self, tally: Tally) -> "Capture":
        """The same models; what they embed from now on is counted there."""
        found = copy.copy(self)
        found._tally = tally
        return found

    def faces(self, images: Sequence[NDArray[np.uint8]]) -> list[list[CapturedFace]]:
        """The faces of each image, largest first; all are embedded in one batch.

        Args:
            images: (h, w, 3) uint8 RGB each.
        """
        found = [self.find(image) for image in images]
        crops = [
            self.aligned(image, face)
            for image, faces in zip(images, found, strict=True)
            for face in faces
        ]
        embeddings = iter(self.embed(crops))
        return [
            [CapturedFace(face.face, face.quality, face.crop, next(embeddings)) for face in faces]
            for faces in found
        ]

    def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:
        """The faces of one image, (h, w, 3) uint8 RGB, measured, largest first."""
        return [
            self._found(image, face) for face in self.detector.detect(image) if _is_a_shape(face)
        ]

    def aligned(self, image: NDArray[np.uint8], found: FoundFace) -> NDArray[np.uint8]:
        """What the backbone wants to see of a face of this image, (height, width, 3) uint8 RGB."""
        return align(image, found.face.landmarks, self.backbone.template)

    def embed(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(n, dimension) float32 unit rows of n aligned faces, in one batch; with them go the faces
        that other threads want embedded at the same time."""
        width, height = self.backbone.template.size
        batch = np.empty((len(crops), height, width, 3), np.uint8)
        for i, crop in enumerate(crops):
            batch[i] = crop
        if not len(crops):
            return self.backbone.embed(batch)
        with self._tally.embedding(len(crops)):
            return self._batcher.embed(batch)

    def _found(self, image: NDArray[np.uint8], face: Face) -> FoundFace:
        crop = align(image, face.landmarks, QUALITY_TEMPLATE)
        return FoundFace(face, assess(crop, face.landmarks, face.confidence), crop)


def _is_a_shape(face: Face) -> bool:
    """Landmarks that fall together cannot be aligned."""
    return bool(
        np.isfinite(face.landmarks).all() and float(face.landmarks.astype(np.float64).std()) > 1.0
    )


def main_face(faces: Sequence[CapturedFace], shape: tuple[int, ...]) -> CapturedFace | None:
    """The face that a photo is about: large, and near the middle. None when there is none.

    Used where a label belongs to the whole photo (`evaluate`, `verify`), never to enroll.
    """
    return max(faces, key=lambda captured: prominence(captured.face, shape), default=None)


def prominence(face: Face, shape: tuple[int, ...]) -> float:
    """Square pixels of a face, less the farther it is from the middle of an image of `shape`."""
    height, width = shape[:2]
    x, y, w, h = face.box
    away = float(np.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2))
    return w * h * float(np.exp(-2 * (away / (0.5 * float(np.hypot(width, height)))) ** 2))
