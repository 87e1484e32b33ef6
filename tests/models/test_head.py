import numpy as np
import pytest

from models.head import SoftmaxHead, imprint

D = 48


def people(n: int, photos: int = 3, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, photos, D)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=2, keepdims=True)


def head_of(vectors: np.ndarray, names: list[int] | None = None) -> SoftmaxHead:
    head = SoftmaxHead(D)
    for i in names if names is not None else range(len(vectors)):
        head.expand(f"s{i}", vectors[i])
    return head


def test_old_scores_stay_the_same_to_the_bit() -> None:
    """Through several doublings of the capacity, for one probe and for many."""
    vectors, probes = people(900), people(50, 1, seed=1)[:, 0]
    head = head_of(vectors[:3])
    for n in (1, 7, 50):
        kept = head_of(vectors[:3]).scores(probes[:n])
        for i in range(3, 900):
            head.expand(f"s{i}", vectors[i])
        assert np.array_equal(head.scores(probes[:n])[:, :3], kept)


def test_the_row_is_the_normalised_mean() -> None:
    vectors = people(4)
    rows = head_of(vectors).rows
    means = vectors.mean(axis=1)
    assert rows == pytest.approx(means / np.linalg.norm(means, axis=1, keepdims=True), abs=1e-6)
    assert head_of(vectors).scores(vectors[2]).argmax(axis=1).tolist() == [2, 2, 2]


def test_a_removed_subject_was_never_there() -> None:
    vectors, probes = people(600), people(5, 1, seed=1)[:, 0]
    head = head_of(vectors)
    head.remove(["s0", "s300", "nobody"])
    never = head_of(vectors, [i for i in range(600) if i not in (0, 300)])
    assert head.subject_ids == never.subject_ids
    assert head.rows.tobytes() == never.rows.tobytes()
    assert np.array_equal(head.scores(probes), never.scores(probes))


def test_the_order_of_arrival_changes_no_score() -> None:
    vectors, probes = people(40), people(5, 1, seed=1)[:, 0]
    one, other = head_of(vectors), head_of(vectors, list(reversed(range(40))))
    columns = [other.subject_ids.index(s) for s in one.subject_ids]
    assert np.array_equal(one.scores(probes), other.scores(probes)[:, columns])


def test_expanding_again_replaces_the_row() -> None:
    vectors = people(2)
    head = head_of(vectors)
    head.expand("s0", vectors[1])
    assert len(head) == 2
    assert np.array_equal(head.rows[0], head.rows[1])


def test_empty_head_and_probabilities() -> None:
    head, probes = SoftmaxHead(D), people(3, 1)[:, 0]
    assert head.scores(probes).shape == (3, 0)
    assert head.probabilities(probes).shape == (3, 0)
    shares = head_of(people(5)).probabilities(probes)
    assert shares.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_wrong_input_is_refused() -> None:
    head = head_of(people(2))
    with pytest.raises(ValueError, match="probes are"):
        head.scores(np.zeros((1, D + 1), np.float32))
    opposite = people(1)[0, :1]
    for bad in (
        np.zeros((0, D), np.float32),
        np.zeros((2, D - 1), np.float32),
        np.concatenate([opposite, -opposite]),
        np.full((1, D), np.nan, np.float32),
    ):
        with pytest.raises(ValueError, match="embeddings"):
            head.expand("new", bad)
    assert head.subject_ids == ("s0", "s1")
    assert imprint(opposite, D) == pytest.approx(opposite[0])


def test_removed_is_never_seen_100_of_100_times() -> None:
    """Random galleries, random people erased: rows and scores are those of who never knew them."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 60))
        vectors, probes = people(n, int(rng.integers(1, 5)), seed), people(5, 1, seed + 1)[:, 0]
        gone = set(rng.choice(n, int(rng.integers(1, n)), replace=False).tolist())
        head = head_of(vectors)
        head.remove([f"s{i}" for i in gone])
        never = head_of(vectors, [i for i in range(n) if i not in gone])
        assert head.subject_ids == never.subject_ids
        assert head.rows.tobytes() == never.rows.tobytes()
        assert head.scores(probes).tobytes() == never.scores(probes).tobytes()
