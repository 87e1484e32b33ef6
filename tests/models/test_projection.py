import numpy as np
import pytest

from models.projection import MOST_TSNE, PCA, TSNE, method_for, project


def crowd(people: int, groups: int = 1, seed: int = 0) -> np.ndarray:
    """(people, 32) unit rows, in turn around as many centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, 32))
    rows = centres[np.arange(people) % groups] + 0.2 * rng.normal(size=(people, 32))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("people", [0, 1, 2, 3, 4, 5, 12, MOST_TSNE + 1])
def test_everybody_has_a_place_in_the_square(people: int) -> None:
    places = project(crowd(people))
    assert places.shape == (people, 2)
    assert np.isfinite(places).all()
    assert (np.abs(places) <= 1 + 1e-9).all()
    if people > 1:
        assert np.ptp(places, axis=0).max() == pytest.approx(2), "the square is filled"


@pytest.mark.parametrize("people", [3, 30])
def test_the_same_rows_lie_in_the_same_places(people: int) -> None:
    assert (project(crowd(people)) == project(crowd(people))).all()


@pytest.mark.parametrize("people", [4, 36, MOST_TSNE + 4])
def test_who_is_alike_lies_near(people: int) -> None:
    places = project(crowd(people, groups=2))
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    same = np.equal.outer(np.arange(people) % 2, np.arange(people) % 2)
    np.fill_diagonal(distances, np.inf)
    nearest = distances.argmin(axis=1)
    assert same[np.arange(people), nearest].all()


def test_people_who_are_all_the_same_lie_in_one_place() -> None:
    places = project(np.repeat(crowd(1), 8, axis=0))
    assert np.abs(places - places[0]).max() < 1e-6


def test_few_and_very_many_are_laid_out_by_pca() -> None:
    assert [method_for(n) for n in (4, 5, MOST_TSNE, MOST_TSNE + 1)] == [PCA, TSNE, TSNE, PCA]


def test_rows_are_a_matrix() -> None:
    with pytest.raises(ValueError, match="dimension"):
        project(np.zeros(4, np.float32))
