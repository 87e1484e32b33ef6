"""What several frames say together about one person. Pure functions over embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import CapturedFace

LEAST_WEIGHT = 1e-6  # a useless face is no division by zero


@dataclass(frozen=True)
class Evidence:
    """One embedded face of a passage. weight: `quality.usefulness`, 0..1; image: the frame it was
    found in, kept only where it is needed; real: how sure anti-spoofing is that it is no
    picture, 0..1."""

    face: CapturedFace
    frame: int
    seconds: float
    weight: float
    image: NDArray[np.uint8] | None = None
    real: float | None = None


def fuse(evidence: Sequence[Evidence]) -> NDArray[np.float32]:
    """The mean of the embeddings by their weights, (dimension,) float32 of unit length.

    Raises ValueError for no evidence, and when embeddings cancel each other out.
    """
    if not evidence:
        raise ValueError("there is no evidence to fuse")
    weights = np.array([max(e.weight, LEAST_WEIGHT) for e in evidence])
    total = weights @ np.stack([e.face.embedding for e in evidence]).astype(np.float64)
    length = float(np.linalg.norm(total))
    if length < 1e-9:
        raise ValueError("the embeddings cancel each other out")
    return (total / length).astype(np.float32)


def likeness(one: Sequence[Evidence], other: Sequence[Evidence]) -> float:
    """Cosine between what two sets of evidence say."""
    return float(fuse(one) @ fuse(other))


def best(evidence: Sequence[Evidence]) -> Evidence:
    """The one frame to show."""
    return max(evidence, key=lambda e: e.weight)


def strongest(evidence: Sequence[Evidence], most: int) -> list[Evidence]:
    """At most so many, the best ones, in order of time."""
    kept = sorted(evidence, key=lambda e: -e.weight)[:most]
    return sorted(kept, key=lambda e: e.seconds)
