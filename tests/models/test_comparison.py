"""What the head is compared with must itself be right, or it would lose for the wrong reason."""

import numpy as np
import pytest

from models.comparison import NearestTemplate, RidgeHead, StreamingLda
from models.head_trainer import unit_rows

D = 12


def vectors_of(subject: int, n: int, noise: float = 0.6) -> np.ndarray:
    centre = np.random.default_rng([7, subject]).normal(size=D)
    spread = np.random.default_rng([8, subject]).normal(size=(n, D)) * noise
    return unit_rows((centre + spread).astype(np.float32))


def company(people: int) -> dict[str, np.ndarray]:
    """Sparse ids, uneven numbers of photos, one among them."""
    return {f"subject-{17 * i + 5}": vectors_of(i, 1 + (3 * i) % 7) for i in range(people)}


def filled(head, people: dict[str, np.ndarray]):
    for subject_id, vectors in people.items():
        head.add(subject_id, vectors)
    return head


def new_heads() -> list:
    return [NearestTemplate(), StreamingLda(D), RidgeHead(D, features=64)]


@pytest.mark.parametrize("head", new_heads(), ids=lambda head: type(head).__name__)
def test_the_checklist(head) -> None:
    assert head.scores(vectors_of(0, 3)).shape == (3, 0)
    people = company(20)
    filled(head, people)
    assert head.subject_ids == tuple(people)
    probes = np.concatenate([vectors_of(i, 30)[10:] for i in range(20)])
    scores = head.scores(probes)
    assert scores.shape == (400, 20)
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1) == np.repeat(np.arange(20), 20)).mean() > 0.7
    with pytest.raises(ValueError, match="already"):
        head.add("subject-5", vectors_of(0, 2))
    with pytest.raises(ValueError, match="n >= 1"):
        head.add("nobody", vectors_of(0, 0))


def test_nearest_is_the_best_cosine_of_each() -> None:
    people = company(9)
    probes = vectors_of(100, 5)
    expected = np.stack([(probes @ v.T).max(axis=1) for v in people.values()], axis=1)
    head = filled(NearestTemplate(), people)
    assert head.scores(probes) == pytest.approx(expected, abs=1e-6)
    head.remove("subject-22")
    assert head.scores(probes) == pytest.approx(np.delete(expected, 1, axis=1), abs=1e-6)


def test_lda_is_the_log_likelihood_of_gaussians_with_one_spread() -> None:
    people = company(15)
    means = [v.astype(np.float64).mean(axis=0) for v in people.values()]
    about = np.concatenate([v - m for v, m in zip(people.values(), means, strict=True)])
    freedom = sum(len(v) - 1 for v in people.values())
    measured = about.T @ about / freedom
    spread = 0.5 * measured + 0.5 * np.trace(measured) / D * np.eye(D)
    probes = vectors_of(100, 4)
    away = probes[:, None, :] - np.stack(means)[None]
    likelihood = -0.5 * np.einsum("pcd,de,pce->pc", away, np.linalg.inv(spread), away)
    shared = likelihood - filled(StreamingLda(D), people).scores(probes)
    assert shared == pytest.approx(np.repeat(shared[:, :1], 15, axis=1), rel=1e-6), "shared by all"


def test_lda_of_single_photos_has_no_scatter() -> None:
    head = filled(StreamingLda(D), {f"s{i}": vectors_of(i, 1) for i in range(5)})
    probes = np.concatenate([vectors_of(i, 1) for i in range(5)])
    assert (head.scores(probes).argmax(axis=1) == np.arange(5)).all()


def test_lda_forgets() -> None:
    people = company(15)
    head = filled(StreamingLda(D), people)
    head.remove("subject-56", people.pop("subject-56"))
    probes = vectors_of(3, 6)
    expected = filled(StreamingLda(D), people).scores(probes)
    assert head.scores(probes) == pytest.approx(expected, rel=1e-9)


def test_ridge_is_its_definition() -> None:
    people = company(8)
    head = filled(RidgeHead(D, features=32, penalty=2.0, seed=3), people)
    hidden = np.maximum(
        np.concatenate(list(people.values())).astype(np.float64)
        @ np.random.default_rng(3).normal(size=(D, 32)),
        0,
    )
    owners = np.repeat(np.arange(8), [len(v) for v in people.values()])
    weights = 1 / np.bincount(owners)[owners]
    g = hidden.T @ (hidden * weights[:, None]) + 2.0 * np.eye(32)
    q = hidden.T @ (np.eye(8)[owners] * weights[:, None])
    assert head.weights == pytest.approx(np.linalg.inv(g) @ q, rel=1e-8, abs=1e-12)


def relative(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def test_ridge_remove_is_refit_a_hundred_times() -> None:
    """Not only after one removal: the error must not add up either."""
    people = company(110)
    head = filled(RidgeHead(D, features=48), people)
    order = np.random.default_rng(0).permutation(list(people))
    for removed, subject_id in enumerate(order[:100], start=1):
        head.remove(subject_id, people.pop(subject_id))
        refitted = filled(RidgeHead(D, features=48), people)
        assert head.subject_ids == refitted.subject_ids
        assert relative(head.weights, refitted.weights) <= 1e-9, f"removal {removed}"


@pytest.mark.slow
def test_ridge_remove_is_refit_at_full_width() -> None:
    people = company(20)
    head = filled(RidgeHead(D), people)
    for subject_id in list(people)[::11]:
        head.remove(subject_id, people.pop(subject_id))
        assert relative(head.weights, filled(RidgeHead(D), people).weights) <= 1e-9


def test_ridge_takes_a_subject_back() -> None:
    people = company(6)
    head = filled(RidgeHead(D, features=32), people)
    before = head.weights
    head.remove("subject-90", people["subject-90"])
    head.add("subject-90", people["subject-90"])
    assert relative(head.weights, before) <= 1e-9
