import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.errors import BadVector
from store.index import TemplateIndex

D = 8


def unit(seed: int, n: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, D)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(0, 1000), st.integers(1, 30), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_search_agrees_with_five_lines_of_numpy(seed: int, n: int, k: int) -> None:
    index, vectors, probes = TemplateIndex(D), unit(seed, n), unit(seed + 1, 3)
    index.add(list(range(100, 100 + n)), vectors)
    cosines = probes @ vectors.T
    for row, matches in zip(cosines, index.search(probes, k), strict=True):
        assert len(matches) == min(k, n)
        assert [s for _, s in matches] == pytest.approx(sorted(row, reverse=True)[:k], abs=1e-5)
        for template_id, score in matches:
            assert row[template_id - 100] == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize(
    "bad",
    [
        np.full((1, D), np.nan, np.float32),
        np.zeros((1, D), np.float32),
        np.full((1, D), np.inf, np.float32),
        np.ones((1, D), np.float32),
        unit(0, 1).astype(np.float64),
        unit(0, 1)[:, :4],
        unit(0, 2),
    ],
    ids=["nan", "zero", "inf", "long", "float64", "short", "two"],
)
def test_bad_vectors_never_enter(bad: np.ndarray) -> None:
    index = TemplateIndex(D)
    with pytest.raises(BadVector):
        index.add([1], bad)
    assert len(index) == 0
    assert index.search(unit(1, 1), 3) == [[]]


@pytest.mark.parametrize("ids", [[1, 1], [5, 7], [-1, 2]])
def test_ids_are_new_distinct_and_not_negative(ids: list[int]) -> None:
    index = TemplateIndex(D)
    index.add([5], unit(0, 1))
    with pytest.raises(BadVector):
        index.add(ids, unit(2, 2))
    assert len(index) == 1


def test_removed_ids_are_never_answered() -> None:
    index = TemplateIndex(D)
    index.add([1, 2, 3], unit(0, 3))
    assert index.remove([2, 99]) == 1
    assert {i for i, _ in index.search(unit(0, 3), 10)[1]} == {1, 3}
    with pytest.raises(KeyError):
        index.vectors([2])


def test_digest_depends_on_content_not_on_history() -> None:
    one, other, vectors = TemplateIndex(D), TemplateIndex(D), unit(0, 3)
    one.add([1, 2, 3], vectors)
    other.add([3, 9], vectors[[2, 0]])
    other.remove([9])
    other.add([1, 2], vectors[:2])
    assert one.digest() == other.digest()
    other.remove([1])
    assert one.digest() != other.digest()
