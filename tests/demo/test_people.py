"""The drawn people: cheap properties always, real detectors and recognisers when asked for.

Bytes differ between versions of OpenCV, so no test looks at pixel hashes.
"""

import functools
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from demo.people import NAMES, PEOPLE, group, portrait

ENROLLED = (0, 1, 2)
PROBE = 3
SAMPLE = PEOPLE[::5]  # of those whom real networks look at: each picture costs them half a second
SURE = 0.9  # an MTCNN confidence


def distance(a, b):
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_people_have_one_name_each():
    assert len(PEOPLE) >= 20
    assert len(set(PEOPLE)) == len(PEOPLE)
    assert len(set(NAMES)) == len(NAMES) == len(PEOPLE)
    assert all(len(name.split()) >= 2 for name in NAMES)


@pytest.mark.parametrize("size", [120, 240, 480])
def test_portrait_is_a_square_rgb_picture(size):
    picture = portrait(PEOPLE[0], 0, size=size)

    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10


def test_portrait_is_the_same_for_the_same_arguments():
    first = portrait(PEOPLE[1], 5, size=240, hard=0.8)
    portrait(PEOPLE[2], 5, size=240)  # what was drawn in between does not matter

    assert np.array_equal(first, portrait(PEOPLE[1], 5, size=240, hard=0.8))


def test_pictures_and_people_differ():
    picture = portrait(PEOPLE[0], 0, size=160)

    assert distance(picture, portrait(PEOPLE[0], 1, size=160)) > 5
    assert distance(picture, portrait(PEOPLE[1], 0, size=160)) > 5


def test_harder_pictures_turn_the_head_further():
    easy, hard = (portrait(PEOPLE[0], 0, size=160, hard=hard) for hard in (0.0, 1.0))

    assert distance(easy, hard) > 2


def test_skin_is_redder_than_blue():
    face = portrait(PEOPLE[0], 0, size=240, hard=0.0)[90:130, 100:140].reshape(-1, 3)

    assert face[:, 0].mean() > face[:, 2].mean()


def test_group_puts_people_side_by_side():
    one = group([(PEOPLE[0], 0)], size=160)
    three = group([(seed, 0) for seed in PEOPLE[:3]], size=160)

    assert one.shape == (160, 160, 3)
    assert three.dtype == np.uint8
    assert three.shape[0] == 160
    assert 2 * 160 < three.shape[1] <= 3 * 160


def test_group_needs_someone():
    with pytest.raises(ValueError, match="at least one"):
        group([])


@pytest.fixture(scope="module")
def detect():
    """RGB picture -> the boxes (x, y, width, height) of the faces MTCNN is sure of."""
    mtcnn = pytest.importorskip("mtcnn")
    detector = mtcnn.MTCNN()

    def boxes(picture):
        found = detector.detect_faces(picture)
        return [face["box"] for face in found if face["confidence"] >= SURE]

    return boxes


@pytest.fixture(scope="module")
def seen(detect):
    """Person, picture's number -> the portrait and its boxes; each is looked at once."""

    @functools.cache
    def look(seed, number):
        picture = portrait(seed, number)
        return picture, detect(picture)

    return look


@pytest.fixture(scope="module")
def embed(seen):
    """Person, picture's number -> dlib's 128 numbers for the face in the portrait."""
    dlib = pytest.importorskip("dlib")
    # found, not imported: importing that package needs a pkg_resources that is gone
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        pytest.skip("face_recognition_models is not installed")
    folder = Path(spec.origin).parent / "models"
    model = SimpleNamespace(
        points=dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")),
        face=dlib.face_recognition_model_v1(
            str(folder / "dlib_face_recognition_resnet_model_v1.dat")
        ),
    )

    def vector(seed, number):
        picture, ((x, y, width, height), *_) = seen(seed, number)
        half = 0.25 * (width + height)
        middle_x, middle_y = x + width / 2, y + height / 2
        square = dlib.rectangle(
            int(middle_x - half),
            int(middle_y - 0.85 * half),
            int(middle_x + half),
            int(middle_y + 1.15 * half),
        )
        chip = dlib.get_face_chip(picture, model.points(picture, square), 150, 0.25)
        return np.array(model.face.compute_face_descriptor(chip))

    return vector


@pytest.mark.slow
def test_mtcnn_finds_exactly_one_face_in_every_portrait(seen):
    found = {
        (seed, number): len(seen(seed, number)[1])
        for seed in SAMPLE
        for number in (*ENROLLED, PROBE)
    }

    assert {key: count for key, count in found.items() if count != 1} == {}


@pytest.mark.slow
def test_mtcnn_finds_everyone_in_a_group(detect):
    assert len(detect(group([(seed, 0) for seed in PEOPLE[:3]]))) == 3


@pytest.mark.slow
def test_dlib_names_everyone_from_three_enrolled_pictures(embed):
    enrolled = np.array(
        [np.mean([embed(seed, number) for number in ENROLLED], axis=0) for seed in SAMPLE]
    )
    probes = np.array([embed(seed, PROBE) for seed in SAMPLE])
    far = np.linalg.norm(probes[:, None] - enrolled[None], axis=2)

    named = [SAMPLE[nearest] for nearest in far.argmin(axis=1)]
    assert named == list(SAMPLE)
    own = far.diagonal()
    others = far + np.diag(np.full(len(SAMPLE), np.inf))
    assert (others.min(axis=1) - own).min() > 0.02


def test_a_head_turns_where_it_is_told():
    straight, left, right = (
        portrait(PEOPLE[0], 0, size=160, hard=0.0, turned=(degrees, 0)) for degrees in (0, 30, -30)
    )

    assert distance(straight, left) > 2
    assert distance(left, right) > distance(straight, left)
    assert np.array_equal(left, portrait(PEOPLE[0], 0, size=160, hard=0.0, turned=(30, 0)))
