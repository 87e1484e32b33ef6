"""Two sites' heads as one: rows beside each other, and nothing serves that nobody measured."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from enrollment.champion import arrays_of
from enrollment.errors import BadInput
from enrollment.joined_heads import served_by, side_by_side
from enrollment.merge_report import MergeReport
from enrollment.night_trials import photo_searches
from enrollment.planning import NightPolicy
from models.head_file import HeadArrays
from models.head_trainer import FitOptions, HeadTrainer, unit_rows
from models.learners import Joint, Lesson, Regularizers, SideBySide
from store.records import Templates
from tests.enrollment.test_night_trials import D, lesson_of
from tests.faults.killed_merges import train
from tests.two_sites import Site, make_site

R3 = range(3)


def rows(count: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, D)).astype(np.float32)
    return unit_rows(drawn)


def head(names: list[str], templates: dict[int, str], seed: int) -> HeadArrays:
    owners = np.asarray([names.index(s) for s in templates.values()], np.int64)
    ids = np.asarray(list(templates), np.int64)
    return HeadArrays(tuple(names), rows(len(names), seed), ids, owners)


def gallery(templates: dict[int, str]) -> Templates:
    vectors = rows(len(templates), 99)
    return Templates(tuple(templates), tuple(templates.values()), vectors, 1)


def test_rows_of_different_people_stand_side_by_side() -> None:
    one = head(["a", "b"], {1: "a", 2: "b"}, 0)
    other = head(["c"], {3: "c", 4: "c"}, 1)
    joined = side_by_side([one, other], gallery({1: "a", 2: "b", 3: "c", 4: "c"}))
    assert joined.subject_ids == ("a", "b", "c")
    assert np.allclose(joined.rows, np.concatenate([one.rows, other.rows]), atol=1e-6)
    assert joined.row_of("c", [3, 4]) is not None


def test_a_shared_person_has_the_mean_by_photos() -> None:
    one, other = head(["a"], {1: "a"}, 0), head(["x"], {3: "x", 4: "x", 5: "x"}, 1)
    joined = side_by_side([one, other], gallery({1: "a", 3: "a", 4: "a", 5: "a"}))
    expected = unit_rows(one.rows + 3 * other.rows)
    assert np.allclose(joined.rows, expected, atol=1e-6)


def test_what_no_head_has_learnt_counts_by_its_mean() -> None:
    found = gallery({1: "a", 2: "b", 3: "b", 6: "a"})
    one = head(["a"], {1: "a"}, 0)
    joined = side_by_side([one], found)
    assert np.allclose(joined.rows[1], unit_rows(found.vectors[1:3].sum(0)[None])[0], atol=1e-6)
    assert np.allclose(
        joined.rows[0], unit_rows((one.rows[0] + found.vectors[3])[None])[0], atol=1e-6
    )


def test_a_row_of_templates_that_are_not_all_here_is_not_used() -> None:
    found = gallery({1: "a"})
    joined = side_by_side([head(["a"], {1: "a", 2: "a"}, 0)], found)
    assert np.allclose(joined.rows[0], found.vectors[0], atol=1e-6)


def test_a_row_serves_only_for_the_templates_it_was_made_from() -> None:
    joined = head(["a", "b"], {1: "a", 2: "b"}, 0)
    trained = rows(2, 5)
    ids, owners = np.asarray([1, 2, 3]), np.asarray([0, 1, 1])
    served = served_by(joined, ["a", "b"], ids, owners, trained)
    assert np.array_equal(served[0], joined.rows[0])
    assert np.array_equal(served[1], trained[1])


@pytest.fixture
def sites(tmp_path: Path) -> tuple[Site, Site]:
    here = make_site(tmp_path / "here", {f"H{i}": (i, R3) for i in range(1, 4)})
    there = make_site(tmp_path / "there", {f"T{i}": (i, R3) for i in range(11, 14)})
    for site in (here, there):
        with site.open() as service:
            train(service)
    return here, there


def merged(here: Site, there: Site) -> MergeReport:
    report = here.merge(there)
    assert report.head_id, report.head_why
    return report


def test_a_merge_makes_a_challenger_that_does_not_serve(sites: tuple[Site, Site]) -> None:
    here, there = sites
    report = merged(here, there)
    with here.open() as service:
        made = service.head(report.head_id or "")
        assert (made.state, made.manifest["mode"]) == ("challenger", "merged")
        assert made.manifest["gallery"] == report.other_gallery_id
        assert [h.head_id for h in service.heads() if h.state == "champion"] == ["trained"]
        arrays = arrays_of(made, service._archive, 32)
        with there.open() as other:
            theirs = arrays_of(other.head("trained"), other._archive, 32)
        for name, row in zip(theirs.subject_ids, theirs.rows, strict=True):
            assert np.allclose(arrays.rows[arrays.subject_ids.index(name)], row, atol=1e-6)
        with pytest.raises(BadInput, match="nobody has measured"):
            service.promote_head(made.head_id)
    assert here.merge(there).head_id == report.head_id, "made once"


def test_who_is_erased_takes_the_joined_head_along(sites: tuple[Site, Site]) -> None:
    here, there = sites
    report = merged(here, there)
    with here.open() as service:
        service.erase("T12")
        assert report.head_id not in {h.head_id for h in service.heads()}
        assert not list(service._archive._heads.glob("*merged*"))
    again = here.merge(there)
    assert again.head_id is None, "the head of there has seen somebody who was erased here"
    assert "1 people" in again.head_why


@pytest.mark.slow
def test_the_gate_judges_it_like_any_other(sites: tuple[Site, Site]) -> None:
    here, there = sites
    report = merged(here, there)
    policy = NightPolicy(mode="merged", options=FitOptions(epochs=2))
    with here.open() as service:
        joined = arrays_of(service.head(report.head_id or ""), service._archive, 32)
        result = service.nightly(policy, force=True)
        assert result.outcome in ("promoted", "refused")
        judged = [h for h in service.heads() if h.manifest.get("mode") == "merged"]
        assert {h.state for h in judged} <= {"refused", "champion"}
        assert len(judged) == 1
        assert "strangers" in judged[0].manifest
        arrays = arrays_of(judged[0], service._archive, 32)
        for name, row in zip(joined.subject_ids, joined.rows, strict=True):
            assert np.array_equal(arrays.rows[arrays.subject_ids.index(name)], row)


@pytest.mark.slow
def test_nights_after_a_merge_may_stay_near_it(sites: tuple[Site, Site]) -> None:
    here, there = sites
    merged(here, there)
    quick = FitOptions(epochs=2)
    with here.open() as service:
        near = service.nightly(NightPolicy(mode="joint", proximal=1.0, options=quick), force=True)
        assert near.outcome in ("promoted", "refused")


def two_site_lesson() -> Lesson:
    lesson, _ = lesson_of([4] * 6)
    sites = np.asarray([owner % 2 for owner in lesson.owners])
    sites[:2], sites[2:4] = 0, 1  # the first one is at both
    return replace(lesson, sites=sites)


@pytest.mark.slow
def test_side_by_side_is_each_site_alone() -> None:
    lesson, trainer = two_site_lesson(), HeadTrainer(D)
    options = FitOptions(epochs=3)
    together = SideBySide(options).learn(lesson, trainer)
    total = np.zeros_like(together)
    for site in (0, 1):
        mine = np.flatnonzero(lesson.sites == site)
        subjects, photos = np.unique(lesson.owners[mine], return_counts=True)
        part = Joint(options).learn(lesson.of_subjects(subjects, mine), trainer)
        total[subjects] += photos[:, None] * part
    assert np.allclose(together, unit_rows(total), atol=1e-6)


@pytest.mark.slow
def test_the_proximal_term_holds_rows_near_the_anchor() -> None:
    lesson, trainer = two_site_lesson(), HeadTrainer(D)
    anchor = lesson.means()
    anchor[5] = 0  # nobody there knows the last one
    lesson = replace(lesson, anchor=anchor)

    def moved(mu: float) -> tuple[float, float]:
        learner = Joint(FitOptions(epochs=30), Regularizers(proximal=mu))
        distance = np.linalg.norm(learner.learn(lesson, trainer) - lesson.means(), axis=1)
        return float(distance[:5].max()), float(distance[5])

    free, near, tight = moved(0.0), moved(0.1), moved(10.0)
    assert free[0] > 2 * near[0] > 2 * tight[0]
    assert tight[1] > tight[0], "a row without an anchor is free"


def test_the_anchor_has_not_seen_the_photos_that_are_searched_for() -> None:
    lesson, ids = lesson_of([4] * 4)
    lesson = replace(lesson, anchor=rows(4, 3))
    anchors = []

    class Spy:
        name = "spy"

        def learn(self, smaller: Lesson, trainer: object, tick: object = None) -> np.ndarray:
            anchors.append(smaller.anchor)
            return smaller.means()

    photo_searches(Spy(), lesson, ids, HeadTrainer(D))
    assert len(anchors) == 3
    assert not any(np.allclose(a, lesson.anchor) for a in anchors)


def test_one_anchor_at_a_time() -> None:
    with pytest.raises(ValueError, match="goes with no other"):
        Regularizers(ewc=1.0, proximal=1.0)
