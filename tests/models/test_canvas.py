import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.canvas import LONGEST_SIDE, RawFace, find_faces

GREEN = (0, 255, 0)


def green_patches(smallest: int):
    """A detector for green: a real one, so that the way back can be checked to the pixel."""

    def look(canvas):
        ys, xs = np.nonzero((canvas[:, :, 1] > 200) & (canvas[:, :, 0] < 60))
        if len(xs) < smallest:
            return []
        left, top, right, bottom = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
        points = np.array(
            [
                (left, top),
                (right, top),
                ((left + right) / 2, (top + bottom) / 2),
                (left, bottom),
                (right, bottom),
            ],
            np.float32,
        )
        return [RawFace((left, top, right, bottom), points, 0.9)]

    return look


@settings(max_examples=60, deadline=None)
@given(st.integers(60, 2600), st.integers(60, 2600), st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_boxes_and_landmarks_come_back_in_the_original_pixels(width, height, fx, fy):
    image = np.full((height, width, 3), 90, np.uint8)
    side = max(16, min(width, height) // 4)
    x, y = int((width - side) * fx), int((height - side) * fy)
    image[y : y + side, x : x + side] = GREEN
    (face,) = find_faces(image, green_patches(4))
    slack = 1 + max(width, height) / LONGEST_SIDE
    assert np.abs(np.array(face.box) - (x, y, side, side)).max() <= 2 * slack
    assert np.abs(face.landmarks[0] - (x, y)).max() <= 2 * slack
    assert all(type(value) is int for value in face.box)
    assert face.landmarks.shape == (5, 2)
    assert face.landmarks.dtype == np.float32


def test_a_small_image_is_not_scaled_and_a_large_one_is():
    seen = []
    find_faces(np.zeros((300, 200, 3), np.uint8), lambda canvas: seen.append(canvas.shape) or [])
    find_faces(np.zeros((3000, 2000, 3), np.uint8), lambda canvas: seen.append(canvas.shape) or [])
    assert seen == [(300, 200, 3), (600, 400, 3), (960, 640, 3), (960, 640, 3)]


def test_the_second_look_maps_back_too():
    image = np.full((100, 80, 3), GREEN, np.uint8)

    def only_with_a_border(canvas):
        return green_patches(4)(canvas) if canvas[0, 0, 1] < 200 else []

    (face,) = find_faces(image, only_with_a_border)
    assert face.box == (0, 0, 80, 100)
    np.testing.assert_allclose(face.landmarks[4], (80, 100))


def test_a_long_strip_is_not_looked_at_when_nothing_is_left_of_it():
    looks = []
    strip = np.zeros((20, 30000, 3), np.uint8)
    assert find_faces(strip, lambda canvas: looks.append(canvas) or []) == []
    assert looks == []


def raw(left, top, right, bottom, confidence=0.9):
    return RawFace((left, top, right, bottom), np.full((5, 2), 3, np.float32), confidence)


def test_the_largest_is_first_and_duplicates_are_dropped():
    found = [raw(0, 0, 10, 10), raw(20, 20, 60, 60, 0.8), raw(22, 22, 60, 61, 0.99)]
    faces = find_faces(np.zeros((100, 100, 3), np.uint8), lambda canvas: found)
    assert [face.box for face in faces] == [(22, 22, 38, 39), (0, 0, 10, 10)]


def test_boxes_are_clipped_and_impossible_ones_dropped():
    found = [
        raw(-20, -5, 30, 30),
        raw(200, 200, 300, 300),
        raw(50, 50, 40, 40),
        raw(float("nan"), 0, 5, 5),
    ]
    faces = find_faces(np.zeros((100, 100, 3), np.uint8), lambda canvas: found)
    assert [face.box for face in faces] == [(0, 0, 30, 30)]


@pytest.mark.parametrize("shape", [(1, 1, 3), (10, 10, 3), (19, 500, 3)])
def test_tiny_images_have_no_face(shape):
    assert find_faces(np.zeros(shape, np.uint8), lambda canvas: [raw(0, 0, 1, 1)]) == []


@pytest.mark.parametrize(
    "image", [np.zeros((30, 30), np.uint8), np.zeros((30, 30, 4), np.uint8), np.zeros((30, 30, 3))]
)
def test_another_image_is_refused(image):
    with pytest.raises(ValueError, match="an image is"):
        find_faces(image, lambda canvas: [])
