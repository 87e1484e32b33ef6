import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.alignment import AlignmentTemplate, align, similarity
from models.dlib_resnet import TEMPLATE

FACE = np.array([(80, 90), (130, 88), (105, 120), (85, 145), (128, 144)], dtype=np.float64)


@given(
    angle=st.floats(-math.pi, math.pi),
    scale=st.floats(0.05, 20),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_a_similarity_is_found_again(angle, scale, shift):
    turn = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    moved = FACE @ turn.T + shift
    found = similarity(FACE, moved)
    np.testing.assert_allclose(found[:, :2], turn, atol=1e-9 * scale + 1e-9)
    np.testing.assert_allclose(FACE @ found[:, :2].T + found[:, 2], moved, atol=1e-6)


@given(noise=st.lists(st.floats(-8, 8), min_size=10, max_size=10), seed=st.integers(0, 999))
def test_it_is_the_least_squares_optimum(noise, seed):
    target = FACE + np.array(noise).reshape(5, 2)
    best = similarity(FACE, target)

    def error(a, b, x, y):
        moved = FACE @ np.array([[a, -b], [b, a]]).T + (x, y)
        return ((moved - target) ** 2).sum()

    values = best[0, 0], best[1, 0], best[0, 2], best[1, 2]
    steps = np.random.default_rng(seed).normal(size=(20, 4)) * (1e-3, 1e-3, 0.1, 0.1)
    least = error(*values)
    assert all(error(*(values + step)) >= least - 1e-9 for step in steps)


@given(noise=st.lists(st.floats(-40, 40), min_size=10, max_size=10))
def test_it_never_mirrors(noise):
    matrix = similarity(FACE, FACE[:, ::-1] + np.array(noise).reshape(5, 2))
    assert np.linalg.det(matrix[:, :2]) >= 0


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2))])
def test_points_that_fix_nothing_are_refused(bad):
    with pytest.raises(ValueError, match=r"landmark|points"):
        similarity(bad, FACE)


def test_a_crop_is_cut_where_the_template_says():
    image = np.zeros((240, 240, 3), np.uint8)
    points = np.asarray(TEMPLATE.landmarks, np.float32) * TEMPLATE.size + (40, 30)
    rows, columns = np.mgrid[0:240, 0:240]
    image[:, :, 0], image[:, :, 1] = rows, columns
    crop = align(image, points.astype(np.float32), TEMPLATE)
    assert crop.shape == (150, 150, 3)
    assert crop.dtype == np.uint8
    assert abs(int(crop[75, 75, 0]) - 105) <= 1
    assert abs(int(crop[75, 75, 1]) - 115) <= 1


def test_outside_the_image_is_black():
    image = np.full((50, 50, 3), 200, np.uint8)
    points = np.asarray(TEMPLATE.landmarks, np.float32) * TEMPLATE.size + 1000
    assert align(image, points.astype(np.float32), TEMPLATE).max() == 0


def test_width_and_height_are_not_mixed_up():
    template = AlignmentTemplate((60, 90), TEMPLATE.landmarks)
    image = np.zeros((100, 100, 3), np.uint8)
    assert align(image, FACE.astype(np.float32), template).shape == (90, 60, 3)


@settings(max_examples=30)
@given(shape=st.sampled_from([(10, 10), (10, 10, 4), (0, 5, 3)]))
def test_another_image_is_refused(shape):
    with pytest.raises(ValueError, match="an image is"):
        align(np.zeros(shape, np.uint8), FACE.astype(np.float32), TEMPLATE)


def test_a_large_face_is_averaged_down():
    """Single-pixel noise must fade in the crop of a large photo, and the face must stay put."""
    noise = np.random.default_rng(0).integers(0, 256, (2000, 2000, 3)).astype(np.uint8)
    large = FACE * 8
    crop = align(noise, large.astype(np.float32), TEMPLATE)
    assert crop.std() < 25
    smooth = np.zeros((250, 250, 3), np.uint8)
    smooth[..., 0] = np.arange(250)[None]
    smooth[..., 1] = np.arange(250)[:, None]
    grown = np.kron(smooth, np.ones((8, 8, 1), np.uint8))
    small_crop = align(smooth, FACE.astype(np.float32), TEMPLATE).astype(int)
    large_crop = align(grown, (FACE * 8 + 3.5).astype(np.float32), TEMPLATE).astype(int)
    assert np.abs(small_crop - large_crop).max() <= 2
