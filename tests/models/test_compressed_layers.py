"""Every form computes what it says, and what does not fit together is refused before it runs."""

import dataclasses

import numpy as np
import pytest

from models.compressed_layers import (
    FORMS,
    factored,
    form_of,
    in_bytes,
    problem_of,
    running,
    sparse,
)
from models.compression import Affine, by_magnitude, largest
from models.integer_product import IntegerProduct

INPUTS, OUTPUTS = 30, 8


@pytest.fixture
def layer():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(INPUTS, OUTPUTS)).astype(np.float32)
    return Affine(matrix, rng.normal(size=OUTPUTS).astype(np.float32))


@pytest.fixture
def x():
    return np.abs(np.random.default_rng(2).normal(size=(5, INPUTS))).astype(np.float32)


def forms(layer):
    return {
        "dense": layer,
        "factors": factored(layer, 1.3),  # of full rank
        "sparse": sparse(layer, np.ones(layer.matrix.shape, bool)),
        "bytes": in_bytes(layer),
    }


@pytest.mark.parametrize("form", list(FORMS))
def test_a_form_that_keeps_all_computes_the_same(layer, x, form):
    kept = forms(layer)[form]
    assert form_of(kept) == form
    assert problem_of(kept, INPUTS) is None
    off = 0.1 if form == "bytes" else 1e-5
    np.testing.assert_allclose(running(kept, INPUTS)(x), layer(x), atol=off)


def test_sparse_has_the_kept_weights_alone(layer, x):
    mask = largest(by_magnitude(layer.matrix), 0.2)
    kept = sparse(layer, mask)
    assert len(kept.values) == round(0.2 * layer.matrix.size)
    expected = Affine(np.where(mask, layer.matrix, np.float32(0)), layer.bias)
    np.testing.assert_allclose(running(kept, INPUTS)(x), expected(x), atol=1e-5)


@pytest.mark.parametrize("form", list(FORMS))
def test_a_row_alone_equals_the_row_among_others(layer, x, form):
    run = running(forms(layer)[form], INPUTS)
    x[0] *= 100  # of another size than the others
    np.testing.assert_allclose(run(x)[1:2], run(x[1:2]), rtol=1e-6)


def test_integers_are_exact_where_16_bits_are_not_enough():
    """Two products of bytes exceed 16 bits, where processors without VNNI add them up."""
    values = np.full((64, 3), 127, np.int8)
    values[:, 1] = -127
    found = IntegerProduct(values, np.ones(3, np.float32))(np.full((2, 64), 255, np.float32))
    np.testing.assert_array_equal(found, [[64 * 255 * 127, -64 * 255 * 127, 64 * 255 * 127]] * 2)


def test_rows_of_zeros_stay_zeros():
    product = IntegerProduct(np.ones((4, 2), np.int8), np.ones(2, np.float32))
    np.testing.assert_array_equal(product(np.zeros((1, 4), np.float32)), [[0, 0]])


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ("dense", {"matrix": np.zeros((INPUTS, OUTPUTS + 1), np.float32)}),
        ("dense", {"bias": np.full(OUTPUTS, np.nan, np.float32)}),
        ("dense", {"matrix": np.zeros((INPUTS, OUTPUTS), np.float64)}),
        ("bytes", {"values": np.zeros((INPUTS, OUTPUTS), np.float32)}),
        ("bytes", {"scale": np.ones(OUTPUTS - 1, np.float32)}),
        ("factors", {"left": np.zeros((INPUTS - 1, 2), np.float32)}),
        ("sparse", {"inputs": np.full(INPUTS * OUTPUTS, INPUTS, np.uint16)}),
        ("sparse", {"starts": np.full(OUTPUTS + 1, 3, np.int64)}),
        ("sparse", {"starts": np.arange(OUTPUTS + 1, dtype=np.int64) * 10**9}),
        ("sparse", {"values": np.zeros(3, np.float32)}),
    ],
)
def test_what_does_not_fit_is_refused(layer, form, changes):
    broken = dataclasses.replace(forms(layer)[form], **changes)
    assert problem_of(broken, INPUTS) is not None
