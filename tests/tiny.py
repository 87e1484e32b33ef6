"""A detector and a backbone that are real but tiny, and pictures that they understand.

A face is a magenta frame around a patch of blocks; the blocks' pattern is the person. Everything
else (files, decoding, alignment, quality, encryption, index, head) is the product's own code.
"""

import io
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.alignment import AlignmentTemplate
from models.backbone import ScorePriors
from models.detector import Face
from models.weights import WeightsFile

KEY = "5a" * 32  # of galleries in tests
FRAME = (255, 0, 255)
SIDE = 96
_BLOCKS = 8
# Where the landmarks of a face lie in its frame, as a detector would find them.
_LANDMARKS = ((0.3, 0.35), (0.7, 0.35), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))


class TinyDetector:
    name = "tiny"
    description: Mapping[str, str] = {"detector": "magenta frames", "version": "1"}

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        _, _, found, _ = cv2.connectedComponentsWithStats(cv2.inRange(image, FRAME, FRAME))
        faces = []
        for left, top, width, height, _ in found[1:].tolist():
            box = (left, top, width, height)
            if min(width, height) < 8:
                continue
            landmarks = np.array(_LANDMARKS, np.float32) * box[2:] + box[:2]
            faces.append(Face(box, landmarks.astype(np.float32), 0.99))
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])


class TinyBackbone:
    name = "tiny"
    dimension = 32
    template = AlignmentTemplate((64, 64), _LANDMARKS)
    priors = ScorePriors(
        same_person=0.5, threshold=0.6, collision=0.85, measured="tests/tiny.py, by construction"
    )
    device = "CPU: tiny"
    licence = "none"
    weights = WeightsFile(Path("tiny"), "0" * 64, 0)
    description: Mapping[str, str] = {"backbone": "tiny", "version": "1"}
    seed = 0

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        blocks = crops.reshape(len(crops), _BLOCKS, 8, _BLOCKS, 8, 3).mean(axis=(2, 4, 5))
        flat = blocks.reshape(len(crops), _BLOCKS**2)
        flat = flat - flat.mean(axis=1, keepdims=True)
        projection = np.random.default_rng(self.seed).normal(size=(_BLOCKS**2, self.dimension))
        vectors = flat @ projection
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)


class OtherBackbone(TinyBackbone):
    """Sees the same faces in vectors of the same length, which no other backbone understands."""

    name = "tiny-2"
    description: Mapping[str, str] = {"backbone": "tiny-2", "version": "1"}
    seed = 1


class LongBackbone(TinyBackbone):
    """The same in longer vectors."""

    name = "tiny-long"
    dimension = 48
    description: Mapping[str, str] = {"backbone": "tiny-long", "version": "1"}
    seed = 2


class PoorBackbone(TinyBackbone):
    """Tells nobody apart by much."""

    name = "tiny-poor"
    dimension = 2
    description: Mapping[str, str] = {"backbone": "tiny-poor", "version": "1"}
    seed = 3


def face(person: int, picture: int, noise: float = 14.0) -> NDArray[np.uint8]:
    """(SIDE, SIDE, 3): one framed face. Pictures of a person differ by noise."""
    pattern = np.random.default_rng([1, person]).uniform(40, 215, (_BLOCKS, _BLOCKS))
    blocks = pattern + np.random.default_rng([2, person, picture]).normal(0, noise, pattern.shape)
    patch = np.kron(blocks, np.ones((SIDE // _BLOCKS, SIDE // _BLOCKS)))
    grain = np.random.default_rng([3, person, picture]).normal(0, 6, patch.shape)
    grey = np.clip(patch + grain, 1, 254)
    image = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    image[:3], image[-3:], image[:, :3], image[:, -3:] = FRAME, FRAME, FRAME, FRAME
    return image


def picture(*faces: tuple[int, int], size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """A photo with these (person, picture) side by side on grey."""
    width = 20 + (SIDE + 20) * max(len(faces), 1)
    canvas = np.full((SIDE + 40, width, 3), 120, np.uint8)
    for i, (person, number) in enumerate(faces):
        left = 20 + i * (SIDE + 20)
        canvas[20 : 20 + SIDE, left : left + SIDE] = face(person, number)
    return canvas


def png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_photos(folder: Path, person: int, numbers: range) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / f"{number}.png").write_bytes(png(picture((person, number))))
    return folder
