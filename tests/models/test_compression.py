"""What goes and what it costs, on layers so small that every figure can be checked."""

import numpy as np
import pytest

from models.compression import (
    Affine,
    as_bytes,
    by_damage,
    by_magnitude,
    curvature,
    factors,
    largest,
    merged,
    neurons_by_damage,
    neurons_by_magnitude,
    rank_of,
    without_neurons,
)

INPUTS, NEURONS, OUTPUTS = 7, 6, 5


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def layers(rng):
    def layer(inputs, outputs):
        return Affine(
            rng.normal(size=(inputs, outputs)).astype(np.float32),
            rng.normal(size=outputs).astype(np.float32),
        )

    return layer(INPUTS, NEURONS), layer(NEURONS, OUTPUTS)


@pytest.fixture
def x(rng):
    return np.abs(rng.normal(size=(4, INPUTS))).astype(np.float32)


def embedded(layers, x):
    return layers[1](layers[0](x))


def error(weights, layers, x, which):
    """E of the docstring of `Curvature`, in 64 bits, with one layer's matrix replaced."""
    matrices = [layer.matrix.astype(np.float64) for layer in layers]

    def run(matrices):
        a = np.maximum(x.astype(np.float64) @ matrices[0] + layers[0].bias, 0)
        return np.maximum(a @ matrices[1] + layers[1].bias, 0)

    parent = run(matrices)
    matrices[which] = weights
    off = ((run(matrices) - parent) ** 2).sum(axis=1)
    return (off / (2 * (parent**2).sum(axis=1))).mean()


@pytest.mark.parametrize("which", [0, 1])
def test_the_second_derivative_is_the_numerical_one(layers, x, which):
    found = curvature(*layers, x)[which].of_rows(slice(None))
    weights = layers[which].matrix.astype(np.float64)
    step = 1e-5
    for place in np.ndindex(weights.shape):
        moved = [weights.copy(), weights.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        both = error(moved[0], layers, x, which) + error(moved[1], layers, x, which)
        assert found[place] == pytest.approx(both / step**2, rel=1e-3, abs=1e-5)
    assert (found > 0).any()


def test_the_damage_foretells_the_error_where_all_stays_open(layers, x):
    """Without ReLU's corners E is a square, so the saliency of one weight is the error itself."""
    first, second = layers
    opened = Affine(first.matrix, first.bias + 50), Affine(second.matrix, second.bias + 500)
    expected = by_damage(opened[1].matrix, curvature(*opened, x)[1])
    for place in ((0, 0), (3, 2)):
        without = opened[1].matrix.astype(np.float64)
        without[place] = 0
        assert error(without, opened, x, 1) == pytest.approx(expected[place], rel=1e-3)


def test_a_neurons_damage_is_that_of_a_gate_on_it(layers, x):
    found = neurons_by_damage(layers[1], curvature(*layers, x)[1])
    weights = layers[1].matrix.astype(np.float64)
    step = 1e-5
    for j in range(NEURONS):
        gates = [weights.copy(), weights.copy()]
        gates[0][j] *= 1 + step
        gates[1][j] *= 1 - step
        both = sum(error(gate, layers, x, 1) for gate in gates)
        assert found[j] == pytest.approx(both / step**2 / 2, rel=1e-3, abs=1e-6)


def test_magnitude_keeps_the_largest(layers):
    matrix = layers[0].matrix
    mask = largest(by_magnitude(matrix), 0.25)
    assert mask.sum() == round(0.25 * matrix.size)
    assert np.abs(matrix[mask]).min() > np.abs(matrix[~mask]).max()


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 1.0])
def test_as_many_are_kept_as_asked_also_of_equals(share):
    same = np.zeros((5, 4), np.float32)
    assert largest(same, share).sum() == max(round(share * 20), 1)


def test_magnitude_of_a_neuron_does_not_ask_where_a_factor_is(layers):
    first, second = layers
    factor = np.float32(8)
    moved = Affine(first.matrix * factor, first.bias * factor), second.matrix / factor
    expected = neurons_by_magnitude(first, second)
    np.testing.assert_allclose(
        neurons_by_magnitude(moved[0], Affine(moved[1], second.bias)), expected, rtol=1e-5
    )


def test_merging_multiples_changes_nothing(layers, x, rng):
    """Twice as many neurons, each there again as a multiple, in any order: half of them do."""
    first, second = layers
    factor = rng.uniform(0.3, 3, NEURONS).astype(np.float32)
    order = rng.permutation(2 * NEURONS)
    doubled = (
        Affine(
            np.concatenate([first.matrix, first.matrix * factor], axis=1)[:, order],
            np.concatenate([first.bias, first.bias * factor])[order],
        ),
        Affine(
            np.concatenate([second.matrix, rng.normal(size=second.matrix.shape)])[order].astype(
                np.float32
            ),
            second.bias,
        ),
    )
    small = merged(*doubled, 0.5)
    assert small[0].matrix.shape == (INPUTS, NEURONS)
    np.testing.assert_allclose(embedded(small, x), embedded(doubled, x), rtol=1e-4, atol=1e-4)


def test_merging_is_nearer_than_dropping(rng):
    """Neurons in near pairs: to give one's weights to the other costs less than to lose them."""
    base = rng.normal(size=(INPUTS, 20))
    near = base + 0.02 * rng.normal(size=base.shape)
    first = Affine(np.concatenate([base, near], axis=1).astype(np.float32), np.zeros(40, "f4"))
    second = Affine(rng.normal(size=(40, OUTPUTS)).astype(np.float32), np.zeros(OUTPUTS, "f4"))
    x = np.abs(rng.normal(size=(30, INPUTS))).astype(np.float32)
    whole = embedded((first, second), x)
    dropped = without_neurons(first, second, largest(neurons_by_magnitude(first, second), 0.5))
    off = [
        np.linalg.norm(embedded(two, x) - whole) for two in (merged(first, second, 0.5), dropped)
    ]
    assert off[0] < 0.1 * off[1]


def test_everything_kept_is_the_parent(layers, x):
    for small in (merged(*layers, 1.0), without_neurons(*layers, np.ones(NEURONS, bool))):
        np.testing.assert_array_equal(embedded(small, x), embedded(layers, x))


def test_bytes_are_off_by_half_a_step_at_most(layers):
    matrix = layers[0].matrix.copy()
    matrix[:, 2] = 0
    values, scale = as_bytes(matrix)
    assert values.dtype == np.int8
    assert np.abs(values.astype(int)).max() == 127
    assert (np.abs(values * scale - matrix) <= scale * 0.5001).all()


def test_factors_are_the_nearest_of_their_rank(rng):
    matrix = rng.normal(size=(40, 12)).astype(np.float32)
    left, right = factors(matrix, 5)
    assert left.shape == (40, 5)
    assert right.shape == (5, 12)
    values = np.linalg.svd(matrix, compute_uv=False)
    off = np.linalg.norm(matrix - left @ right)
    assert off == pytest.approx(np.sqrt((values[5:] ** 2).sum()), rel=1e-4)
    assert (40 + 12) * rank_of(40, 12, 0.5) <= 0.5 * 40 * 12
