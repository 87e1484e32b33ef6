"""The real networks: dlib's with its real weights, VGG-Face with stand-in weights."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.alignment import align
from models.backbone import open_backbone, resolve_backbone
from models.detector import open_detector
from models.dlib_resnet import DlibResnet
from models.errors import WeightsDamaged
from models.fingerprint import fingerprint, golden_agree, golden_embeddings
from models.golden import GOLDEN_COUNT, golden_image
from models.tensorflow_runtime import load_tensorflow
from models.vgg_face import FILE, URLS
from models.weights import sha256_of
from tests.models.tiny_onnx import matrix, tiny_model, write_toml

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """A folder with a weights file of the right structure and random numbers (580 MB)."""
    home = tmp_path_factory.mktemp("weights")
    if shutil.disk_usage(home).free < 2 << 30:
        pytest.skip("less than 2 GB free for the stand-in weights")
    tf, _ = load_tensorflow()
    from deepface.models.facial_recognition.tf.VGGFace import base_model

    tf.keras.utils.set_random_seed(7)
    base_model().save_weights(str(home / FILE))
    yield home
    (home / FILE).unlink()


@pytest.fixture(scope="session")
def vgg(stand_in):
    return open_backbone("vgg-face", stand_in)


@pytest.fixture(scope="session")
def dlib_resnet():
    return open_backbone("dlib-resnet", Path("unused"))


@pytest.fixture(params=["vgg", "dlib_resnet"])
def backbone(request):
    return request.getfixturevalue(request.param)


def crops(backbone):
    pictures = (golden_image(number) for number in range(GOLDEN_COUNT))
    return np.stack([align(image, points, backbone.template) for image, points in pictures])


def test_unit_rows_of_the_right_size(backbone):
    rows = backbone.embed(crops(backbone))
    assert rows.shape == (8, backbone.dimension)
    assert rows.dtype == np.float32
    assert backbone.dimension == {"vgg-face": 4096, "dlib-resnet": 128}[backbone.name]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert backbone.embed(crops(backbone)[:0]).shape == (0, backbone.dimension)


def test_a_batch_of_one_equals_a_batch_of_many(backbone):
    images = crops(backbone)
    together = backbone.embed(images)
    alone = np.concatenate([backbone.embed(images[i : i + 1]) for i in range(8)])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    eleven = backbone.embed(np.concatenate([images, images[:3]]))
    np.testing.assert_allclose(eleven, np.concatenate([together, together[:3]]), atol=1e-5)


def test_the_order_of_crops_does_not_matter(backbone):
    images = crops(backbone)
    np.testing.assert_allclose(
        backbone.embed(images[::-1]), backbone.embed(images)[::-1], atol=1e-5
    )


def test_the_colour_order_matters(backbone):
    images = crops(backbone)
    assert not golden_agree(backbone.embed(images), backbone.embed(images[..., ::-1]))


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
    before, golden = sha256_of(backbone.weights.path), golden_embeddings(backbone)
    backbone.embed(np.random.default_rng(0).permuted(crops(backbone), axis=1))
    assert sha256_of(backbone.weights.path) == before == backbone.weights.sha256
    np.testing.assert_array_equal(golden_embeddings(backbone), golden)


def test_nothing_in_vgg_face_can_be_trained(vgg):
    before = vgg.weights_digest()
    assert vgg.trainable_variables == ()
    vgg.embed(crops(vgg))
    assert vgg.weights_digest() == before


def test_vgg_face_is_what_deepface_computes(vgg, stand_in):
    from deepface.models.facial_recognition.tf.VGGFace import WEIGHTS_URL, base_model
    from deepface.modules.preprocessing import normalize_input, resize_image
    from deepface.modules.verification import l2_normalize
    from tensorflow.keras.models import Model

    assert list(URLS) == WEIGHTS_URL
    network = base_model()
    network.load_weights(str(stand_in / FILE))
    descriptor = Model(network.layers[0].input, network.layers[-5].output)
    images = crops(vgg)[:2]
    fed = [
        normalize_input(resize_image(image[:, :, ::-1] / 255.0, (224, 224)), "base")
        for image in images
    ]
    theirs = descriptor(np.concatenate(fed), training=False).numpy().reshape(2, 4096)
    np.testing.assert_allclose(vgg.embed(images), l2_normalize(theirs, axis=1), atol=1e-6)


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


ONE_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from models.alignment import align
from models.backbone import open_backbone
from models.detector import open_detector
from models.golden import golden_image
home, toml = Path(sys.argv[1]), sys.argv[2]
detector = open_detector("mtcnn")
backbones = [open_backbone(spec, home) for spec in ("vgg-face", "dlib-resnet", "onnx:" + toml)]
import keras
assert keras.__version__.startswith("3"), keras.__version__
keras.Sequential([keras.layers.Dense(2)]).build((None, 4))
for _ in range(2):
    image, points = golden_image(2)
    detector.detect(image)
    for backbone in backbones:
        rows = backbone.embed(align(image, points, backbone.template)[None])
        assert rows.shape == (1, backbone.dimension)
print("together")
"""


def test_all_of_them_live_in_one_process(stand_in, tmp_path):
    (tmp_path / "tiny.onnx").write_bytes(tiny_model(["n", 3, 20, 16], matrix()))
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", ONE_PROCESS, str(stand_in), str(write_toml(tmp_path))],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("together")


def test_backbones_and_detectors_have_different_fingerprints(vgg, dlib_resnet):
    detector = open_detector("mtcnn")
    assert fingerprint(detector, vgg) != fingerprint(detector, dlib_resnet)
