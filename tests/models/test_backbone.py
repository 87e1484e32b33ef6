import socket

import numpy as np
import pytest

from models.backbone import open_backbone, resolve_backbone
from models.embedding import unit_rows
from models.errors import ModelError, WeightsDamaged, WeightsMissing
from models.vgg_face import (
    DATA_BYTES,
    FILE,
    SHAPES,
    check_weights,
    download_weights,
)


@pytest.mark.parametrize("spec", ["", "facenet", "onnx", "onnx:", "vgg-face:x", "VGG-Face"])
def test_an_unknown_backbone_is_refused(spec, tmp_path):
    for call in (open_backbone, resolve_backbone):
        with pytest.raises(ModelError, match="use auto, vgg-face") as error:
            call(spec, tmp_path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("spec", ["vgg-face", "dlib-resnet", "onnx:a.toml"])
def test_what_is_asked_for_is_passed_through(spec, tmp_path):
    assert resolve_backbone(spec, tmp_path)[0] == spec


def test_auto_without_weights_is_the_embedded_one_and_says_so(tmp_path):
    spec, reason = resolve_backbone("auto", tmp_path)
    assert spec == "dlib-resnet"
    assert str(tmp_path) in reason
    assert "rollcall rebackbone vgg-face" in reason


def test_auto_says_why_the_download_failed(tmp_path):
    def refused(home, progress):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return download_weights(
                home, progress, [f"http://127.0.0.1:{taken.getsockname()[1]}/w"]
            )

    spec, reason = resolve_backbone("auto", tmp_path, download=refused)
    assert spec == "dlib-resnet"
    assert "cannot be reached" in reason
    assert "\n" not in reason


def test_auto_does_not_take_a_damaged_file(tmp_path):
    (tmp_path / FILE).write_bytes(b"<html>")
    spec, reason = resolve_backbone("auto", tmp_path / "home", search=[tmp_path])
    assert spec == "dlib-resnet"
    assert "6 bytes" in reason


def test_auto_takes_what_can_be_downloaded(tmp_path):
    asked = []

    def fetch(home, progress):
        asked.append(home)
        return home / FILE

    spec, reason = resolve_backbone("auto", tmp_path, download=fetch)
    assert spec == "vgg-face"
    assert asked == [tmp_path]
    assert "downloaded" in reason


def test_offline_vgg_face_is_one_line_that_says_what_to_do(tmp_path):
    with pytest.raises(WeightsMissing) as error:
        open_backbone("vgg-face", tmp_path)
    text = str(error.value)
    assert "\n" not in text
    for part in ("https://", str(tmp_path / FILE), "dlib-resnet"):
        assert part in text


def test_the_shapes_are_those_of_vgg_face():
    assert sum(int(np.prod(shape)) for shape in SHAPES) == 145_002_878
    assert DATA_BYTES == 4 * 145_002_878


@pytest.mark.parametrize("size", [0, 100, DATA_BYTES - 1, DATA_BYTES, DATA_BYTES + (17 << 20)])
def test_another_file_is_not_taken_for_the_weights(tmp_path, size):
    path = tmp_path / FILE
    with path.open("wb") as file:
        file.truncate(size)  # sparse: takes no disk
    with pytest.raises(WeightsDamaged, match="download it again") as error:
        check_weights(path)
    assert "\n" not in str(error.value)


def test_unit_rows():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, -2.0]]), 2, 2)
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, -1]], atol=1e-7)
    assert rows.dtype == np.float32
    assert unit_rows(np.empty((0, 2)), 0, 2).shape == (0, 2)
    for bad in ([[0.0, 0.0]], [[np.nan, 1.0]], [[np.inf, 1.0]], [[1.0, 2.0, 3.0]]):
        with pytest.raises(ModelError):
            unit_rows(np.array(bad), 1, 2)
