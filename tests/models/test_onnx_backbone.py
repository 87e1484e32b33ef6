import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.backbone import open_backbone
from models.errors import BadModelFile, ModelError
from models.onnx_backbone import GENERIC_PRIORS
from models.onnx_file import refuse_external_data
from tests.models.places import shared
from tests.models.tiny_onnx import matrix, tiny_model, write_toml


def backbone(folder, shape=("n", 3, 20, 16), weights=None, **toml):
    (folder / "tiny.onnx").write_bytes(
        tiny_model(list(shape), matrix() if weights is None else weights)
    )
    return open_backbone(f"onnx:{write_toml(folder, **toml)}", folder)


def crops(count, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, 20, 16, 3), dtype=np.uint8)


def expected(images):
    values = images[:, :, :, ::-1].astype(np.float64) * 0.5 - (1, 2, 3)
    rows = values.transpose(0, 3, 1, 2).reshape(len(images), 960) @ matrix()
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_pixels_reach_the_network_as_the_toml_says(tmp_path):
    b = backbone(tmp_path)
    np.testing.assert_allclose(b.embed(crops(5)), expected(crops(5)), atol=1e-5)
    assert (b.name, b.dimension, b.licence) == ("tiny", 24, "CC0-1.0")
    assert b.priors is GENERIC_PRIORS
    assert b.device.startswith(("CPU", "GPU"))
    assert b.weights.path == (tmp_path / "tiny.onnx").resolve()


def test_nhwc_and_rgb(tmp_path):
    b = backbone(tmp_path, ("n", 20, 16, 3), layout='"nhwc"', colour='"rgb"')
    rows = (crops(3) * 0.5 - (1, 2, 3)).reshape(3, -1) @ matrix()
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(b.embed(crops(3)), rows, atol=1e-5)


@pytest.mark.parametrize("batch", ["n", 1, 4])
@pytest.mark.parametrize("count", [0, 1, 4, 33, 70])
def test_any_batch_for_any_count(tmp_path, batch, count):
    b = backbone(tmp_path, (batch, 3, 20, 16))
    rows = b.embed(crops(count))
    assert rows.shape == (count, 24)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(rows, expected(crops(count)), atol=1e-5)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((20, 16, 3), np.uint8),
        np.zeros((1, 16, 20, 3), np.uint8),
        np.zeros((1, 20, 16, 3), np.float32),
        np.zeros((1, 3, 20, 16), np.uint8),
    ],
)
def test_other_crops_are_refused(tmp_path, bad):
    with pytest.raises(ValueError, match="crops are"):
        backbone(tmp_path).embed(bad)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_embedding_that_means_nothing_is_refused(tmp_path, value):
    weights = np.full((960, 24), value, np.float32)
    with pytest.raises(ModelError, match="zero or not finite"):
        backbone(tmp_path, weights=weights).embed(crops(2))


def refusal(folder, content, **toml):
    (folder / "tiny.onnx").write_bytes(content)
    with pytest.raises(BadModelFile) as error:
        open_backbone(f"onnx:{write_toml(folder, **toml)}", folder)
    text = str(error.value)
    assert "\n" not in text
    assert "tiny.onnx" in text
    return text


def test_weights_in_another_file_are_refused(tmp_path):
    (tmp_path / "weights.bin").write_bytes(matrix().tobytes())
    content = tiny_model(["n", 3, 20, 16], matrix(), external=True)
    assert "external data" in refusal(tmp_path, content)


def test_a_name_that_is_no_text_is_refused(tmp_path):
    """One flip of 11,000 did this: onnxruntime opens such a file."""
    content = tiny_model(["n", 3, 20, 16], matrix())
    assert content.count(b"\x12\x01n") == 2, "of input and output"
    assert "is no text" in refusal(tmp_path, content.replace(b"\x12\x01n", b"\x12\x01\xee"))


def test_another_input_is_refused(tmp_path):
    content = tiny_model(["n", 3, 20, 16], matrix())
    assert "layout and input say" in refusal(tmp_path, content, layout='"nhwc"')
    assert "layout and input say" in refusal(tmp_path, content, input="[20, 16]")


@pytest.mark.parametrize("cut", [1, 40, 200, 5000])
def test_a_truncated_file_is_refused(tmp_path, cut):
    refusal(tmp_path, tiny_model(["n", 3, 20, 16], matrix())[:-cut])


@pytest.mark.parametrize("content", [b"", b"hello", bytes(100), b"\x80" * 50])
def test_what_is_no_onnx_is_refused(tmp_path, content):
    refusal(tmp_path, content)


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_judged_without_a_traceback(content):
    with contextlib.suppress(BadModelFile):
        refuse_external_data(content)


@pytest.mark.slow
def test_retail_0095(tmp_path):
    source = shared("weights", "face-reidentification-retail-0095.onnx")
    (tmp_path / "tiny.onnx").write_bytes(source.read_bytes())
    b = open_backbone(
        f"onnx:{write_toml(tmp_path, input='[128, 128]', scale='1.0', mean='[0, 0, 0]')}", tmp_path
    )
    images = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    rows = b.embed(images)
    assert rows.shape == (3, 256)
    np.testing.assert_allclose(b.embed(images[1:2])[0], rows[1], atol=1e-6)
