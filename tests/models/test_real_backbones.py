"""The real networks: dlib's with its real weights, VGG-Face with stand-in weights."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.stand_in import stand_in_network
from models import vgg_face
from models.alignment import align
from models.backbone import open_backbone, resolve_backbone
from models.detector import open_detector
from models.dlib_resnet import DlibResnet
from models.errors import WeightsDamaged
from models.fingerprint import fingerprint, golden_agree
from models.golden import golden_image
from models.vgg_face import FILE, URLS
from models.weights import sha256_of
from tests.models.tiny_onnx import matrix, tiny_model, write_toml

pytestmark = pytest.mark.slow


# VGG-Face takes half a second of a core for each crop, also for those that fill up a batch: batches
# are small here, the tests share the rows of five crops, and embed one where one says enough.
BATCH = 4


@pytest.fixture(scope="module")
def deepface_network():
    return stand_in_network()


@pytest.fixture(scope="module")
def stand_in(deepface_network, tmp_path_factory):
    """A folder with these weights in a file as deepface would have it (580 MB)."""
    home = tmp_path_factory.mktemp("weights")
    if shutil.disk_usage(home).free < 2 << 30:
        pytest.skip("less than 2 GB free for the stand-in weights")
    deepface_network.save_weights(str(home / FILE))
    yield home
    (home / FILE).unlink()


@pytest.fixture(scope="module")
def vgg(stand_in):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vgg_face, "CPU_BATCH", BATCH)
        return open_backbone("vgg-face", stand_in)


@pytest.fixture(scope="module")
def dlib_resnet():
    return open_backbone("dlib-resnet", Path("unused"))


@pytest.fixture(scope="module", params=["vgg", "dlib_resnet"])
def backbone(request):
    return request.getfixturevalue(request.param)


def crops(backbone):
    """Golden images' crops, and the first again: more than a batch."""
    pictures = (golden_image(number) for number in (*range(BATCH), 0))
    return np.stack([align(image, points, backbone.template) for image, points in pictures])


@pytest.fixture(scope="module")
def rows(backbone):
    """The embeddings of `crops(backbone)`, all at once."""
    return backbone.embed(crops(backbone))


def test_unit_rows_of_the_right_size(backbone, rows):
    assert rows.shape == (BATCH + 1, backbone.dimension)
    assert rows.dtype == np.float32
    assert backbone.dimension == {"vgg-face": 4096, "dlib-resnet": 128}[backbone.name]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert backbone.embed(crops(backbone)[:0]).shape == (0, backbone.dimension)


def test_a_crop_alone_equals_the_crop_among_many_wherever_it_is(backbone, rows):
    images = crops(backbone)
    alone = np.concatenate([backbone.embed(images[i : i + 1]) for i in (0, 3)])
    np.testing.assert_allclose(rows[[0, 3, BATCH]], alone[[0, 1, 0]], atol=1e-5)
    assert not golden_agree(alone[:1], alone[1:])


def test_the_colour_order_matters(backbone, rows):
    image = crops(backbone)[:1]
    assert not golden_agree(rows[:1], backbone.embed(image[..., ::-1]))


def test_other_crops_are_refused(backbone):
    width, height = backbone.template.size
    for bad in (
        np.zeros((height, width, 3), np.uint8),
        np.zeros((1, height, width, 3), np.float32),
        np.zeros((1, height + 1, width, 3), np.uint8),
    ):
        with pytest.raises(ValueError, match="crops are"):
            backbone.embed(bad)


def test_it_is_frozen(backbone):
    image = crops(backbone)[:1]
    before = backbone.embed(image)
    backbone.embed(np.random.default_rng(0).permuted(image, axis=1))
    assert sha256_of(backbone.weights.path) == backbone.weights.sha256
    np.testing.assert_array_equal(backbone.embed(image), before)


def test_nothing_in_vgg_face_can_be_trained(vgg):
    before = vgg.weights_digest()
    assert vgg.trainable_variables == ()
    vgg.embed(crops(vgg)[:1])
    assert vgg.weights_digest() == before


def test_vgg_face_is_what_deepface_computes(vgg, deepface_network):
    from deepface.models.facial_recognition.tf.VGGFace import WEIGHTS_URL
    from deepface.modules.preprocessing import normalize_input, resize_image
    from deepface.modules.verification import l2_normalize
    from tensorflow.keras.models import Model

    assert list(URLS) == WEIGHTS_URL
    layers = deepface_network.layers
    descriptor = Model(layers[0].input, layers[-5].output)
    image = crops(vgg)[2]
    fed = normalize_input(resize_image(image[:, :, ::-1] / 255.0, (224, 224)), "base")
    theirs = descriptor(fed, training=False).numpy().reshape(1, 4096)
    np.testing.assert_allclose(vgg.embed(image[None]), l2_normalize(theirs, axis=1), atol=1e-6)


def test_a_present_file_is_found_by_auto(stand_in, tmp_path):
    spec, reason = resolve_backbone("auto", tmp_path, search=[stand_in])
    assert spec == "vgg-face"
    assert str(stand_in) in reason


def test_a_truncated_file_is_refused(stand_in, tmp_path):
    shutil.copy(stand_in / FILE, tmp_path / FILE)
    with (tmp_path / FILE).open("r+b") as file:
        file.truncate((stand_in / FILE).stat().st_size - 1000)
    with pytest.raises(WeightsDamaged, match="download it again") as error:
        open_backbone("vgg-face", tmp_path)
    assert "\n" not in str(error.value)


def test_other_arrays_are_refused(stand_in, tmp_path):
    import h5py

    shutil.copy(stand_in / FILE, tmp_path / FILE)
    with h5py.File(tmp_path / FILE, "r+") as file:
        layers = [str(name) for name in file.attrs["layer_names"]]
        file.attrs["layer_names"] = [name.encode() for name in layers[::-1]]
    with pytest.raises(WeightsDamaged, match="not those of VGG-Face"):
        open_backbone("vgg-face", tmp_path)


def test_a_file_that_changed_since_first_use_is_refused(stand_in, vgg, tmp_path):
    import h5py

    shutil.copy(stand_in / FILE, tmp_path / FILE)
    shutil.copy(stand_in / f"{FILE}.sha256", tmp_path / f"{FILE}.sha256")
    with h5py.File(tmp_path / FILE, "r+") as file:
        layer = next(name for name in file.attrs["layer_names"] if len(file[name]))
        name = file[layer].attrs["weight_names"][0]
        file[layer][name][0, 0, 0, 0] += 1
    with pytest.raises(WeightsDamaged, match="first used"):
        open_backbone("vgg-face", tmp_path)


def test_dlib_refuses_other_weights(tmp_path, monkeypatch):
    spec = importlib.util.find_spec("face_recognition_models")
    source = Path(spec.submodule_search_locations[0])
    package = tmp_path / "face_recognition_models"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('must not be imported')\n")
    name = "dlib_face_recognition_resnet_model_v1.dat"
    content = bytearray((source / "models" / name).read_bytes())
    content[1_000_000] ^= 1
    (package / "models" / name).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WeightsDamaged, match="other sha256"):
        DlibResnet()


def test_all_of_them_live_in_one_process(vgg, dlib_resnet, tmp_path):
    """In this one; and Keras 3 beside the Keras 2 of deepface and mtcnn."""
    (tmp_path / "tiny.onnx").write_bytes(tiny_model(["n", 3, 20, 16], matrix()))
    onnx = open_backbone(f"onnx:{write_toml(tmp_path)}", tmp_path)
    detector = open_detector("mtcnn")
    import keras

    assert keras.__version__.startswith("3")
    keras.Sequential([keras.layers.Dense(2)]).build((None, 4))
    image, points = golden_image(2)
    first, second = (
        [detector.detect(image)]
        + [b.embed(align(image, points, b.template)[None]) for b in (vgg, dlib_resnet, onnx)]
        for _ in range(2)
    )
    for one, other in zip(first[1:], second[1:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_backbones_and_detectors_have_different_fingerprints(vgg, dlib_resnet):
    detector = open_detector("mtcnn")
    assert fingerprint(detector, vgg) != fingerprint(detector, dlib_resnet)
