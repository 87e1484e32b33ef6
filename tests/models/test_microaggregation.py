import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.microaggregation import microaggregate


def unit_rows(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(0, 60), st.integers(1, 7))
def test_as_many_rows_as_groups_of_the_least_size(n: int, least: int) -> None:
    rows = microaggregate(unit_rows(n), least)
    assert rows.shape == (n // least, 8)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)


def test_nobody_is_in_two_groups_or_in_none() -> None:
    """Orthogonal vectors show in a mean who is in it."""
    rows = microaggregate(np.eye(14, dtype=np.float32), 4)
    members = rows > 0
    assert members.sum(axis=0).tolist() == [1] * 14
    assert sorted(members.sum(axis=1).tolist()) == [4, 4, 6]


def test_alike_vectors_come_together() -> None:
    centres = np.eye(5, dtype=np.float32)
    near = np.repeat(centres, 3, axis=0) + 0.05 * unit_rows(15, 5)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    rows = microaggregate(near.astype(np.float32), 3)
    assert (rows @ centres.T).max(axis=1) == pytest.approx(1, abs=0.01)


def test_groups_of_one_are_the_vectors() -> None:
    vectors = unit_rows(9)
    rows = microaggregate(vectors, 1)
    assert (rows @ vectors.T).max(axis=1) == pytest.approx(1, abs=1e-6)
