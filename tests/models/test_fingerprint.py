import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from models.alignment import AlignmentTemplate
from models.backbone import Backbone, ScorePriors
from models.detector import Detector, Face
from models.embedding import check_crops, unit_rows
from models.fingerprint import fingerprint, golden_agree, golden_embeddings
from models.golden import GOLDEN_COUNT, golden_image
from models.weights import WeightsFile

GOLDEN_SHA256 = "67aad12ddf4ab3bea139a458bd498e68a9b387964ff5523b632c5b1db1e3b943"

POINTS = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
TEMPLATE = AlignmentTemplate((32, 40), POINTS)
PRIORS = ScorePriors(0.5, 0.6, 0.7, "not measured: a test")
NO_FILE = WeightsFile(Path("none"), "1", 0)


@dataclass(frozen=True)
class Still:
    """A detector that looks at nothing."""

    description: Mapping[str, str] = field(
        default_factory=lambda: {"detector": "still", "version": "1", "sha256": "0"}
    )
    name: str = "still"

    def detect(self, image) -> list[Face]:
        return []


@dataclass(frozen=True)
class Thumbnail:
    """A real backbone without weights: the crop's own pixels, 8 px apart."""

    description: Mapping[str, str] = field(
        default_factory=lambda: {"backbone": "thumbnail", "sha256": "1", "colour": "rgb"}
    )
    template: AlignmentTemplate = TEMPLATE
    name: str = "thumbnail"
    dimension: int = 60
    priors: ScorePriors = PRIORS
    device: str = "CPU: numpy"
    licence: str = "CC0-1.0"
    weights: WeightsFile = NO_FILE
    flip: bool = False

    def embed(self, crops):
        check_crops(crops, self.template.size)
        pixels = crops[:, ::8, ::8].astype(np.float32) - 90
        pixels = pixels[..., ::-1] if self.flip else pixels
        return unit_rows(pixels.reshape(len(crops), 60), len(crops), 60)


DETECTOR: Detector = Still()
BACKBONE: Backbone = Thumbnail()


def test_the_same_parts_give_the_same_fingerprint():
    digest = fingerprint(DETECTOR, BACKBONE)
    assert digest == fingerprint(Still(), Thumbnail())
    assert len(digest) == 64
    backwards = dict(reversed(list(BACKBONE.description.items())))
    assert fingerprint(DETECTOR, replace(BACKBONE, description=backwards)) == digest


@pytest.mark.parametrize("part", [DETECTOR, BACKBONE])
def test_any_item_of_a_description_changes_it(part):
    digests = {fingerprint(DETECTOR, BACKBONE)}
    changed = [{**part.description, key: value + "x"} for key, value in part.description.items()]
    changed += [{**part.description, "new": "x"}]
    changed += [{k: v for k, v in part.description.items() if k != key} for key in part.description]
    for description in changed:
        other = replace(part, description=description)
        pair = (other, BACKBONE) if part is DETECTOR else (DETECTOR, other)
        digests.add(fingerprint(*pair))
    assert len(digests) == 1 + len(changed)


def test_the_alignment_changes_it():
    nudged = ((0.3000001, 0.4), *POINTS[1:])
    templates = [
        AlignmentTemplate((32, 40), POINTS),
        AlignmentTemplate((40, 32), POINTS),
        AlignmentTemplate((32, 40), nudged),
        AlignmentTemplate((32, 40), POINTS[::-1]),
    ]
    digests = {fingerprint(DETECTOR, replace(BACKBONE, template=t)) for t in templates}
    assert len(digests) == len(templates)


def test_the_golden_images_are_the_same_bytes_everywhere():
    digest = hashlib.sha256()
    for number in range(GOLDEN_COUNT):
        image, landmarks = golden_image(number)
        assert image.shape == (256, 256, 3)
        digest.update(image.tobytes())
        digest.update(landmarks.astype("<f4").tobytes())
    assert digest.hexdigest() == GOLDEN_SHA256


@pytest.mark.parametrize("number", [-1, 8])
def test_there_are_eight(number):
    with pytest.raises(ValueError, match="0 to 7"):
        golden_image(number)


def test_golden_embeddings_agree_with_themselves_and_not_with_another_colour_order():
    golden = golden_embeddings(BACKBONE)
    assert golden.shape == (8, 60)
    assert golden_agree(golden, golden_embeddings(Thumbnail()))
    assert not golden_agree(golden, golden_embeddings(Thumbnail(flip=True)))


def test_every_row_must_agree():
    golden = golden_embeddings(BACKBONE)
    assert golden_agree(golden, golden + np.float32(1e-5))
    assert not golden_agree(golden, golden[:7])
    assert not golden_agree(golden[:0], golden[:0])
    turned = golden.copy()
    turned[5, 0] += 0.05
    assert not golden_agree(golden, turned)
    for value in (np.nan, 0.0):
        broken = golden.copy()
        broken[3] = value
        assert not golden_agree(golden, broken)
        assert not golden_agree(broken, golden)
