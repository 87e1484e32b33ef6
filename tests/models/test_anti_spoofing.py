"""deepface's way of asking, with stand-in weights that know bright from dark."""

from pathlib import Path

import numpy as np
import pytest

from models.anti_spoofing import FILES, AntiSpoofing, find_weights, how_to_place
from models.errors import BadModelFile, WeightsMissing
from tests.models.tiny_onnx import tiny_model


def write_weights(folder: Path, classes: int = 3) -> Path:
    """Class 1 gets the mean brightness, 0..1, the others nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    matrix = np.zeros((80 * 80 * 3, classes), np.float32)
    matrix[:, 1] = 1 / (255 * 80 * 80 * 3)
    for name, _ in FILES:
        (folder / name).write_bytes(tiny_model(["n", 80, 80, 3], matrix))
    return folder


def test_both_networks_are_asked(tmp_path: Path) -> None:
    asked = AntiSpoofing([tmp_path / "none", write_weights(tmp_path / "weights")])
    bright, dark = np.full((240, 320, 3), 230, np.uint8), np.full((240, 320, 3), 20, np.uint8)
    box = (100, 60, 80, 100)
    assert asked.real(bright, box) == pytest.approx(230 / 255, abs=0.01)
    assert asked.real(dark, box) == pytest.approx(20 / 255, abs=0.01)
    framed = dark.copy()
    framed[60:160, 100:180] = 255
    assert 0.1 < asked.real(framed, box) < 0.6, "they look at more than the face"


def test_weights_that_are_not_there_or_are_others(tmp_path: Path) -> None:
    assert find_weights([tmp_path]) is None
    with pytest.raises(WeightsMissing, match="MiniFASNetV2"):
        AntiSpoofing([tmp_path])
    assert str(tmp_path) in how_to_place([tmp_path])
    with pytest.raises(BadModelFile, match="three shares"):
        AntiSpoofing([write_weights(tmp_path / "two", classes=2)])
    (tmp_path / "two" / FILES[0][0]).write_bytes(b"no network")
    with pytest.raises(BadModelFile):
        AntiSpoofing([tmp_path / "two"])
