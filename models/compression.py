"""Two large layers made smaller: which weights or neurons go, and what is put in their place.

A layer is (inputs, outputs) and reads x @ matrix + bias, then ReLU; `first` is fc6, `second` fc7.
The outputs of the second, the embedding's numbers, always stay as many as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Affine:
    """matrix: (inputs, outputs). bias: (outputs,)."""

    matrix: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """ReLU(x @ matrix + bias)."""
        found: Floats = np.maximum(x @ self.matrix + self.bias, np.float32(0))
        return found


@dataclass(frozen=True)
class Curvature:
    """The diagonal of the Gauss-Newton matrix of what is embedded, for each weight.

    The error is E(w) = mean over crops of |f(w) - f(w0)|^2 / (2 |f(w0)|^2), f being ReLU(second):
    every crop weighs the same, as it does once its embedding is normalised. At w0 the residual is
    zero, so this is the diagonal of E's second derivative itself, and not an estimate of it. With
    x what the first layer is given, a its output, V the second matrix and g = 1 where f > 0:
    d2E/dV[j, o]2 = mean a[j]^2 g[o] / |f|^2, and d2E/dW[i, j]2 =
    mean x[i]^2 1[a[j] > 0] (sum over o of V[j, o]^2 g[o]) / |f|^2.

    inputs, outputs: (crops, inputs) and (crops, outputs), whose product over the crops it is.
    """

    inputs: Floats
    outputs: Floats

    def of_rows(self, rows: slice) -> Floats:
        """(rows, outputs): the second derivative by each of these weights."""
        product: Floats = self.inputs[:, rows].T @ self.outputs
        return product / np.float32(len(self.inputs))


def curvature(first: Affine, second: Affine, x: Floats) -> tuple[Curvature, Curvature]:
    """Of both layers' weights, at x, (crops, inputs): what the first is given for each crop."""
    a = first(x)
    f = second(a)
    length = np.maximum((f.astype(np.float64) ** 2).sum(axis=1, keepdims=True), 1e-30)
    open_ = ((f > 0) / length).astype(np.float32)
    behind = (a > 0) * (open_ @ (second.matrix**2).T)
    return Curvature(x**2, behind.astype(np.float32)), Curvature(a**2, open_)


def by_magnitude(matrix: Floats) -> Floats:
    """(inputs, outputs): |w| (Han, Pool, Tran, Dally 2015)."""
    found: Floats = np.abs(matrix)
    return found


def by_damage(matrix: Floats, second_derivative: Curvature) -> Floats:
    """(inputs, outputs): w^2 / 2 times E's second derivative by w: by how much the error grows
    where w alone goes (optimal brain damage: LeCun, Denker, Solla 1990)."""
    found = np.empty_like(matrix)
    for at in range(0, len(matrix), 1024):
        rows = slice(at, at + 1024)
        found[rows] = matrix[rows] ** 2 * second_derivative.of_rows(rows) / 2
    return found


def largest(saliency: Floats, share: float) -> NDArray[np.bool_]:
    """Which of them are kept: just as many as the share says, at least one; of equals the first."""
    flat = saliency.ravel()
    kept = max(round(share * flat.size), 1)
    limit = np.partition(flat, flat.size - kept)[flat.size - kept]
    mask = flat > limit
    mask[np.flatnonzero(flat == limit)[: kept - int(np.count_nonzero(mask))]] = True
    found: NDArray[np.bool_] = mask.reshape(saliency.shape)
    return found


def neurons_by_magnitude(first: Affine, second: Affine) -> Floats:
    """(neurons,): length of what comes in times length of what goes out.

    A factor may move from the one to the other without changing what is computed, and does not
    change this (after Li et al. 2017, who look at what comes in alone).
    """
    found: Floats = _lengths_in(first) * np.linalg.norm(second.matrix, axis=1)
    return found


def neurons_by_damage(second: Affine, second_derivative: Curvature) -> Floats:
    """(neurons,): the saliency of a gate on the neuron, which is the sum of those of the weights
    that leave it."""
    found: Floats = by_damage(second.matrix, second_derivative).sum(axis=1)
    return found


def without_neurons(
    first: Affine, second: Affine, kept: NDArray[np.bool_]
) -> tuple[Affine, Affine]:
    """The layers with these neurons between them alone."""
    return (
        Affine(first.matrix[:, kept], first.bias[kept]),
        Affine(second.matrix[kept], second.bias),
    )


def merged(
    first: Affine, second: Affine, share: float, tick: Callable[[float], None] = lambda done: None
) -> tuple[Affine, Affine]:
    """As many neurons as the share says; the others are given to one that computes nearly the same.

    Srinivas and Babu (2015, "Data-free parameter pruning") with the scale of Kim et al. (2020,
    "Neuron merging"): ReLU(s z) = s ReLU(z) for s > 0, so neuron j may be s times neuron i, and
    its outgoing weights, times s, are added to those of i. The pair goes first for which
    |w_j - s w_i|^2 |out_j|^2 is least (w with its bias); where no neuron points the same way s is
    0, and the neuron just goes. Exact where neurons are multiples of each other; no photo is
    needed.

    Args:
        tick: told which share is done.
    """
    lengths = _lengths_in(first).astype(np.float64)
    alike = _cosines(first)
    np.fill_diagonal(alike, -np.inf)
    out = second.matrix.copy()
    outward = (out.astype(np.float64) ** 2).sum(axis=1)
    alive = np.ones(len(out), bool)
    best = alike.argmax(axis=1)
    gone = len(out) - max(round(share * len(out)), 1)
    for done in range(gone):
        near = np.clip(alike[np.arange(len(out)), best], 0, 1).astype(np.float64)
        costs = np.where(alive, lengths**2 * (1 - near**2) * outward, np.inf)
        j = int(costs.argmin())
        i = int(best[j])
        if near[j] > 0 and lengths[i] > 0:
            out[i] += np.float32(near[j] * lengths[j] / lengths[i]) * out[j]
            outward[i] = (out[i].astype(np.float64) ** 2).sum()
        alive[j] = False
        alike[:, j] = -np.inf
        orphans = np.flatnonzero(alive & (best == j))
        best[orphans] = alike[orphans].argmax(axis=1)
        tick((done + 1) / gone)
    return without_neurons(first, Affine(out, second.bias), alive)


def as_bytes(matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
    """values (inputs, outputs) in -127..127 and the scale of each column: no number is off by more
    than half of its column's scale."""
    scale = np.maximum(np.abs(matrix).max(axis=0) / np.float32(127), np.float32(1e-30))
    return np.rint(matrix / scale).astype(np.int8), scale


def rank_of(inputs: int, outputs: int, share: float) -> int:
    """The rank at which two factors have this share of the matrix's numbers, at least 1."""
    return max(int(share * inputs * outputs / (inputs + outputs)), 1)


def factors(matrix: Floats, rank: int) -> tuple[Floats, Floats]:
    """(inputs, rank) and (rank, outputs), whose product is nearest to the matrix in its sum of
    squares (truncated SVD; for fc6 and fc7 of VGG-16: Girshick 2015, "Fast R-CNN")."""
    from scipy.linalg import eigh

    squares = (matrix.T @ matrix).astype(np.float64)
    last = len(squares) - 1
    _, vectors = eigh(
        squares,
        subset_by_index=[max(last - rank + 1, 0), last],
        overwrite_a=True,
        check_finite=False,
    )
    most = vectors.astype(np.float32)
    return matrix @ most, np.ascontiguousarray(most.T)


def _lengths_in(first: Affine) -> Floats:
    squares = (first.matrix**2).sum(axis=0) + first.bias**2
    found: Floats = np.sqrt(squares)
    return found


def _cosines(first: Affine) -> Floats:
    """(neurons, neurons), of incoming weights and bias."""
    lengths = np.maximum(_lengths_in(first), np.float32(1e-30))
    products = first.matrix.T @ first.matrix + np.outer(first.bias, first.bias)
    found: Floats = products / np.outer(lengths, lengths)
    return found
