from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from demo.people import portrait
from models.detector import open_detector
from models.errors import BadModelFile, ModelError, WeightsMissing
from models.golden import golden_image
from models.mtcnn_detector import SMALLEST_FACE
from tests.models.places import shared

YUNET = ("weights", "face_detection_yunet_2023mar.onnx")


@pytest.fixture(scope="module", params=["mtcnn", "yunet"])
def detector(request):
    if request.param == "yunet":
        return open_detector(f"yunet:{shared(*YUNET)}")
    return open_detector("mtcnn")


@pytest.mark.parametrize("spec", ["", "haar", "mtcnn:file", "yunet", "yunet:"])
def test_an_unknown_detector_is_refused_in_one_line(spec):
    with pytest.raises(ModelError, match="use mtcnn or yunet:FILE") as error:
        open_detector(spec)
    assert "\n" not in str(error.value)


def test_yunet_names_the_missing_file(tmp_path):
    with pytest.raises(WeightsMissing, match="nowhere"):
        open_detector(f"yunet:{tmp_path / 'nowhere.onnx'}")


@pytest.mark.parametrize("content", [b"", b"no onnx", bytes(4096)])
def test_yunet_refuses_another_file(tmp_path, content):
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(BadModelFile, match="not a YuNet") as error:
        open_detector(f"yunet:{path}")
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("side", [1, 10, 20, 64, 300])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_one_colour_has_no_face(detector, side, value):
    assert detector.detect(np.full((side, side, 3), value, np.uint8)) == []


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(20, 2000, 3), (2000, 20, 3), (33, 47, 3)])
def test_noise_and_odd_shapes_do_not_fail(detector, shape):
    noise = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    assert isinstance(detector.detect(noise), list)


@pytest.mark.slow
def test_description_is_text(detector):
    assert all(type(k) is str and type(v) is str for k, v in detector.description.items())
    assert detector.description["detector"] == detector.name


@pytest.mark.slow
def test_a_press_photo(detector):
    import cv2

    path = shared("faces", "lfw", "known", "Abel_Pacheco", "Abel_Pacheco_0001.jpg")
    image = cv2.imread(str(path))[:, :, ::-1]
    (face, *_) = detector.detect(image)
    x, y, width, height = face.box
    assert 0 <= x < x + width <= 250
    assert 0 <= y < y + height <= 250
    assert all(type(value) is int for value in face.box)
    assert type(face.confidence) is float
    assert 0.8 < face.confidence <= 1
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])

    large = cv2.resize(image, (2000, 2000), interpolation=cv2.INTER_CUBIC)
    (again, *_) = detector.detect(np.ascontiguousarray(large))
    # a wrong scale or offset would be far more; YuNet itself wanders by 2 to 8 % of the face
    np.testing.assert_allclose(again.landmarks / 8, face.landmarks, atol=0.12 * width)
    (repeated, *_) = detector.detect(image)
    np.testing.assert_array_equal(repeated.landmarks, face.landmarks)


@pytest.mark.slow
def test_mtcnn_reads_no_pickle_of_the_current_folder(tmp_path, monkeypatch):
    for name in ("pnet.lz4", "rnet.lz4", "onet.lz4"):
        (tmp_path / name).write_bytes(b"not weights")
    monkeypatch.chdir(tmp_path)
    assert open_detector("mtcnn").detect(golden_image(0)[0]) is not None


@pytest.mark.slow
def test_threads_at_once_find_what_each_finds_alone(detector):
    photos = [portrait(person, 0, size=size) for person, size in enumerate((240, 320, 480, 640))]
    alone = [detector.detect(photo) for photo in photos]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(detector.detect, photos * 6))
    for found, wanted in zip(together, alone * 6, strict=True):
        assert [face.box for face in found] == [face.box for face in wanted]
        for one, other in zip(found, wanted, strict=True):
            assert (one.landmarks == other.landmarks).all()


@pytest.mark.slow
def test_mtcnn_as_graphs_finds_what_it_finds_operation_by_operation():
    ours = open_detector("mtcnn")
    from mtcnn import MTCNN

    theirs = MTCNN()
    photos = [portrait(person, 1, size=160 + 80 * person) for person in range(4)]
    nobody = np.random.default_rng(5).integers(0, 256, (64, 90, 3), np.uint8)
    for photo in [*photos, nobody]:
        found = ours._look(photo)
        wanted = theirs.detect_faces(
            photo, min_face_size=SMALLEST_FACE, fit_to_image=False, box_format="xyxy"
        )
        assert [face.corners for face in found] == [tuple(face["box"]) for face in wanted]
        assert [face.confidence for face in found] == [face["confidence"] for face in wanted]
        for one, other in zip(found, wanted, strict=True):
            assert one.landmarks[0] == pytest.approx(other["keypoints"]["left_eye"], abs=0)
