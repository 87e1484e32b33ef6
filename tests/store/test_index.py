from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.codes import codes_of
from store.errors import BadVector
from store.index import Exact, TemplateIndex
from store.screened_rows import ScreenedRows

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


# -- the ladder -----------------------------------------------------------------------------------

WIDE = 64  # the screen serves from here on: with fewer numbers it is in doubt about everything
EXACT, SCREENED = 1 << 60, 0


def people(seed: int, n: int, each: int = 4, spread: float = 0.3) -> np.ndarray:
    """(n * each, WIDE): unit rows about a centre each."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n, 1, WIDE)) + spread * random.normal(size=(n, each, WIDE))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return vectors.reshape(-1, WIDE).astype(np.float32)


def numpy_answer(
    ids: list[int], vectors: np.ndarray, probe: np.ndarray, k: int
) -> list[tuple[int, float]]:
    cosines = (vectors.astype(np.float64) @ probe.astype(np.float64)).astype(np.float32)
    found = sorted(zip(ids, cosines.tolist(), strict=True), key=lambda f: (-f[1], f[0]))
    return found[:k]


def index_of(ids: list[int], vectors: np.ndarray, exact_bytes: int) -> TemplateIndex:
    index = TemplateIndex(vectors.shape[1], exact_bytes)
    index.add(ids, vectors)
    return index


def rows_for(ids: list[int], vectors: np.ndarray) -> Exact:
    """As a gallery gives them from its database."""
    position = {template_id: i for i, template_id in enumerate(ids)}
    return lambda wanted: vectors[[position[i] for i in wanted]]


@pytest.mark.parametrize("exact_bytes", [EXACT, SCREENED], ids=["exact", "screened"])
@pytest.mark.parametrize("k", [1, 5, 200, 5_000])
def test_every_rung_answers_as_numpy_to_the_bit(exact_bytes: int, k: int) -> None:
    """Of colleagues and of strangers, one by one and in a batch."""
    vectors = people(1, 500)
    ids = np.random.default_rng(2).permutation(2_000).tolist()
    index = index_of(ids, vectors, exact_bytes)
    probes = np.concatenate([people(1, 500)[:12], people(3, 12, each=1)])
    expected = [numpy_answer(ids, vectors, probe, k) for probe in probes]
    exact = rows_for(ids, vectors)
    assert index.search(probes, k, exact) == expected
    assert [index.search(probe[None], k, exact)[0] for probe in probes] == expected


def test_a_screen_in_doubt_compares_everything() -> None:
    """All rows within a hair of each other: the screen cannot tell them apart."""
    vectors = people(1, 1, each=1_500, spread=0.01)
    ids = list(range(1_500))
    index = index_of(ids, vectors, SCREENED)
    for probe in people(1, 1, each=3, spread=0.01):
        expected = numpy_answer(ids, vectors, probe, 3)
        assert index.search(probe[None], 3, rows_for(ids, vectors))[0] == expected


def test_without_exact_rows_a_cosine_is_a_hair_off() -> None:
    vectors, ids = people(1, 300), list(range(1_200))
    index = index_of(ids, vectors, SCREENED)
    for row, probe in zip(index.search(vectors[:20], 3), vectors[:20], strict=True):
        truth = dict(numpy_answer(ids, vectors, probe, 1_200))
        assert all(abs(truth[i] - score) < 5e-4 for i, score in row)
        assert len(row) == 3


def test_equal_templates_come_in_order_of_their_ids() -> None:
    vectors = np.repeat(people(1, 40, each=1), 30, axis=0)
    ids = np.random.default_rng(0).permutation(1_200).tolist()
    for exact_bytes in (EXACT, SCREENED):
        index = index_of(ids, vectors, exact_bytes)
        found = index.search(vectors[:1], 4, rows_for(ids, vectors))[0]
        assert [i for i, _ in found] == sorted(ids[:30])[:4]


def test_the_limit_is_crossed_upwards_alone() -> None:
    vectors, ids = people(1, 300), list(range(1_200))
    limit = 1_000 * WIDE * 4
    index = index_of(ids[:1_000], vectors[:1_000], limit)
    assert index.is_exact
    assert np.array_equal(index.vectors([3, 999]), vectors[[3, 999]])
    index.add(ids[1_000:], vectors[1_000:])
    assert not index.is_exact
    assert index.nbytes < 0.6 * vectors.nbytes
    at_once = index_of(ids, vectors, limit)
    assert index.digest() == at_once.digest(), "rows that came before the limit are no others"
    probe, exact = vectors[7:8], rows_for(ids, vectors)
    assert index.search(probe, 5, exact) == at_once.search(probe, 5, exact)
    index.remove(ids[500:])
    assert not index.is_exact, "an erasure does not read everything anew"
    fresh = index_of(ids[:500], vectors[:500], limit)
    assert fresh.is_exact
    assert index.search(probe, 5, exact) == fresh.search(probe, 5), "and nobody notices"
    other = index.another()
    other.add(ids[:500], vectors[:500])
    assert other.digest() == index.digest()
    expecting = TemplateIndex(WIDE, limit)
    expecting.expect(1_200)
    assert not expecting.is_exact


@pytest.mark.parametrize("exact_bytes", [EXACT, SCREENED], ids=["exact", "screened"])
@pytest.mark.parametrize(
    "gone", [[0], [1_199], [1_198, 1_199], [3, 700, 1_199], list(range(1_200))]
)
def test_who_is_removed_was_never_there(exact_bytes: int, gone: list[int]) -> None:
    """Answers, digest, and no trace in the memory that the index holds."""
    vectors, ids = people(1, 300), list(range(1_200))
    index = index_of(ids, vectors, exact_bytes)
    memory = [
        faiss.rev_swig_ptr(part.codes.data(), part.ntotal * part.code_size)
        for part in parts_of(index)
    ]
    traces = [[codes_of(part)[i].tobytes() for i in gone] for part in parts_of(index)]
    assert index.remove([*gone, 5_000]) == len(gone)
    kept = [i for i in ids if i not in set(gone)]
    never = index_of(kept, vectors[kept], exact_bytes)
    assert index.ids == never.ids
    assert index.digest() == never.digest()
    exact = rows_for(ids, vectors)
    assert index.search(vectors[:9], 4, exact) == never.search(vectors[:9], 4, exact)
    for held, of_gone, part in zip(memory, traces, parts_of(index), strict=True):
        assert not any(trace in held.tobytes() for trace in of_gone)
        assert not held[part.ntotal * part.code_size :].any(), "nor of who was last"
    index.add(gone, vectors[gone])
    assert index.digest() == index_of(ids, vectors, exact_bytes).digest()


def parts_of(index: TemplateIndex) -> list[Any]:
    rows = index._rows
    return [rows._half, rows._screen] if isinstance(rows, ScreenedRows) else [rows._rows]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_any_history_ends_in_the_same_index(
    steps: list[tuple[bool, int]], limit_in_rows: int
) -> None:
    vectors = people(4, 41, each=1)
    index, here = TemplateIndex(WIDE, limit_in_rows * WIDE * 4), set[int]()
    for comes, template_id in steps:
        if comes and template_id not in here:
            index.add([template_id], vectors[template_id : template_id + 1])
            here.add(template_id)
        elif not comes:
            assert index.remove([template_id]) == (template_id in here)
            here.discard(template_id)
    ids = sorted(here)
    exact = rows_for(list(range(41)), vectors)
    for probe in vectors[:3]:
        expected = numpy_answer(ids, vectors[ids], probe, 4)
        assert index.search(probe[None], 4, exact)[0] == expected
    fresh = index.another()
    fresh.add(ids, vectors[ids])
    assert fresh.digest() == index.digest()


def test_bad_vectors_never_enter_the_upper_rung() -> None:
    index = index_of([0], people(1, 1, each=1), SCREENED)
    bad = people(1, 2, each=1)
    bad[1] = np.nan
    with pytest.raises(BadVector):
        index.add([1, 2], bad)
    assert index.ids == {0}
    assert len(index.search(bad[:1], 3)[0]) == 1
