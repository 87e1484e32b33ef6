"""What a gallery's templates were made with, as one digest, and eight images that prove it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from models.alignment import align
from models.backbone import Backbone
from models.detector import Detector
from models.golden import GOLDEN_COUNT, golden_image

AGREE = 0.9999  # cosine: the same network on another machine or runtime gives more than this


def fingerprint(detector: Detector, backbone: Backbone) -> str:
    """SHA-256, hex, over everything that determines an embedding.

    Canonical JSON of the detector's description, the alignment template and the backbone's
    description: any change in one of them is another fingerprint.
    """
    return _digest({"detector": dict(detector.description), **_embedding_parts(backbone)})


def backbone_fingerprint(backbone: Backbone) -> str:
    """As `fingerprint`, whatever the detector: what a cohort of strangers is bound to."""
    return _digest(_embedding_parts(backbone))


def _embedding_parts(backbone: Backbone) -> dict[str, object]:
    return {
        "alignment": {
            "method": "similarity, least squares, averaged down, bilinear, black outside",
            "size": list(backbone.template.size),
            "landmarks": [[repr(float(v)) for v in point] for point in backbone.template.landmarks],
        },
        "backbone": dict(backbone.description),
    }


def _digest(parts: dict[str, object]) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def golden_embeddings(backbone: Backbone) -> NDArray[np.float32]:
    """(8, dimension) unit rows: the golden images, aligned and embedded here and now."""
    crops = [
        align(image, landmarks, backbone.template)
        for image, landmarks in map(golden_image, range(GOLDEN_COUNT))
    ]
    return backbone.embed(np.stack(crops))


def golden_agree(stored: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    """Whether two sets of golden embeddings come from the same embedding, row by row."""
    if stored.shape != now.shape or stored.ndim != 2 or len(stored) == 0:
        return False
    one, other = stored.astype(np.float64), now.astype(np.float64)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    if not (np.isfinite(norms).all() and (norms > 0).all()):
        return False
    return bool(((one * other).sum(axis=1) / norms >= AGREE).all())
