"""Does a score mean what it seems to? The error of the probabilities read off it."""

import numpy as np
from numpy.typing import NDArray

_BINS = 15
_ENOUGH = 100
_STEPS = 50


def calibration_error(
    scores: NDArray[np.float64], right: NDArray[np.bool_], seed: int = 0
) -> float | None:
    """Expected calibration error, in bins of equal mass (Guo et al., ICML 2017; research 3.5).

    A logistic curve through one half of the searches (Platt 1999) is read on the other half.

    Args:
        scores: (n,), -inf where nobody was named; right: whether the name is the right one.

    Returns:
        None with fewer than 100 searches that named somebody: nothing can be said.
    """
    named = np.isfinite(scores)
    x, y = scores[named], right[named].astype(np.float64)
    if len(x) < _ENOUGH:
        return None
    order = np.random.default_rng(seed).permutation(len(x))
    fitted, held = order[::2], order[1::2]
    slope, offset = _logistic(x[fitted], y[fitted])
    probability = 1 / (1 + np.exp(-(slope * x[held] + offset)))
    ranked = np.argsort(probability, kind="stable")
    gaps = [
        abs(probability[b].mean() - y[held][b].mean()) * len(b)
        for b in np.array_split(ranked, _BINS)
        if len(b)
    ]
    return float(sum(gaps) / len(held))


def _logistic(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset by Newton's method, with a ridge so that all-right halves converge."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights = np.zeros(2)
    ridge = np.diag([1e-2, 1e-4])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-(design @ weights)))
        slope = design.T @ (y - p) - ridge @ weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design + ridge
        weights = weights + np.linalg.solve(curvature, slope)
    return float(weights[0]), float(weights[1])
