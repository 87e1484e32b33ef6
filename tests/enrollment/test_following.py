"""Who follows a gallery change by change ends where one is who reads it anew."""

from pathlib import Path

import numpy as np
import pytest

from enrollment.roster import Roster
from store.gallery import Gallery, open_gallery
from store.index import EXACT_BYTES, TemplateIndex
from tests.store.places import KEY, D, enroll, in_folder, make
from tests.two_sites import AGREED, enrollees, found_as, make_site


def check_the_same(follower: Gallery, roster: Roster, url: str) -> None:
    fresh = open_gallery(url, KEY)
    anew = Roster(fresh)
    roster.refresh()
    anew.refresh()
    assert follower.verify().sound
    ours, theirs = follower.templates(), fresh.templates()
    assert (ours.ids, ours.subject_ids) == (theirs.ids, theirs.subject_ids)
    assert np.array_equal(ours.vectors, theirs.vectors)
    ids, rows = roster.rows()
    assert dict(zip(ids, rows.tolist(), strict=True)) == dict(
        zip(*(part if i == 0 else part.tolist() for i, part in enumerate(anew.rows())), strict=True)
    )
    assert all(roster.subject(s) == anew.subject(s) for s in ids)
    probes = np.eye(D, dtype=np.float32)
    for one, other in zip(roster.rank(probes), anew.rank(probes), strict=True):
        assert (one.subject_ids, one.head_agrees) == (other.subject_ids, other.head_agrees)
        assert one.scores == pytest.approx(other.scores, abs=1e-6)
    fresh.close()


def one_deed(gallery: Gallery, random: np.random.Generator, step: int) -> None:
    of: dict[str, list[str]] = {"active": [], "merged": [], "suspended": []}
    for subject_id, subject in gallery.subjects().items():
        of[subject.state].append(subject_id)
    deed = random.choice(["enroll", "rename", "suspend", "resume", "merge", "unmerge", "erase"])
    if deed == "enroll" or len(of["active"]) < 3:
        enroll(gallery, f"Newcomer {step}", seed=100 + step)
        return
    one, into = random.choice(of["active"], 2, replace=False).tolist()
    with gallery.change("test") as change:
        if deed == "rename":
            change.rename(one, f"Renamed {step}")
        elif deed == "suspend":
            change.set_state(one, "suspended")
        elif deed == "merge":
            change.merge(one, into)
        elif deed == "erase":
            change.erase(gallery.family_of(one))
        else:
            for other in of["suspended" if deed == "resume" else "merged"][:1]:
                change.set_state(other, "active")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("exact_bytes", [EXACT_BYTES, 0], ids=["exact", "screened"])
def test_every_history_is_followed(tmp_path: Path, seed: int, exact_bytes: int) -> None:
    """By two processes that both change it, one or several changes behind."""
    url = in_folder(tmp_path)
    gallery, other = make(url), open_gallery(url, KEY)
    for follower in (gallery, other):
        follower._index = TemplateIndex(D, exact_bytes)
    rosters = Roster(gallery), Roster(other)
    random = np.random.default_rng(seed)
    for i in range(6):
        enroll(gallery, f"Person {i}", seed=i)
    for step in range(14):
        one_deed((gallery, other)[random.integers(2)], random, step)
        for roster in rosters:
            if random.random() < 0.5:
                roster.refresh()
        if step % 5 == 4:
            for follower, roster in zip((gallery, other), rosters, strict=True):
                check_the_same(follower, roster, url)


@pytest.mark.parametrize("before", ["enrolled", "resumed"])
def test_what_another_process_undoes_is_undone_here(tmp_path: Path, before: str) -> None:
    """Somebody is changed here and changed back, or erased, there: their seal is again what this
    process saw first, or is gone as if it had never been."""
    url = in_folder(tmp_path)
    gallery, other = make(url), open_gallery(url, KEY)
    anna = enroll(gallery, "Anna", seed=1)
    if before == "resumed":
        with gallery.change("test") as change:
            change.set_state(anna, "suspended")
        other.refresh()
        assert other.templates().ids == ()
        with other.change("test") as change:
            change.set_state(anna, "active")
        with gallery.change("test") as change:
            change.set_state(anna, "suspended")
        assert other.templates().ids == ()
    with gallery.change("test") as change:
        change.erase([anna]) if before == "enrolled" else change.set_state(anna, "active")
    assert len(other.templates().ids) == (0 if before == "enrolled" else 2)
    bert = enroll(other, "Bert", seed=3)
    with gallery.change("test") as change:
        change.erase([bert])
    assert bert not in other.templates().subject_ids


def test_an_erasure_reads_nobody_else(tmp_path: Path) -> None:
    """Neither here nor in another process: it would take seconds in a gallery of a million."""
    url = in_folder(tmp_path)
    gallery, other = make(url), open_gallery(url, KEY)
    anna, bert = enroll(gallery, "Anna", seed=1), enroll(gallery, "Bert", seed=2)
    before = [gallery.refresh(), other.refresh()]
    with gallery.change("test") as change:
        change.erase([anna])
    assert [g.changed_since(b) for g, b in zip((gallery, other), before, strict=True)] == [
        {anna},
        {anna},
    ]
    assert gallery.grown_since(before[0]) is None, "a threshold is to be measured anew"
    assert other.templates().subject_ids == (bert, bert)
    with gallery.change("test") as change:
        carl = change.add_subject("Carl", None)
        change.merge(carl, bert)
    before = [gallery.refresh(), other.refresh()]
    with gallery.change("test") as change:
        change.set_state(carl, "active")
    assert gallery.changed_since(before[0]) is None, "who answers for whom has moved"
    assert other.changed_since(before[1]) is None


def test_who_came_here_and_goes_elsewhere_is_gone(tmp_path: Path) -> None:
    """A server went on naming whom it had enrolled itself, after another process erased them."""
    site = make_site(tmp_path, {})
    with site.open() as service, site.open() as other:
        list(service.enroll(enrollees({"Ada": (1, range(3)), "Bea": (2, range(3))}), AGREED))
        assert found_as(service, 1) == "Ada"
        other.erase("Ada")
        assert found_as(service, 1) is None
        list(service.enroll(enrollees({"Cem": (3, range(3)), "Dan": (4, range(3))}), AGREED))
        other.suspend("Cem")
        service.rename("Dan", "Dana")  # a change of its own comes first
        assert found_as(service, 3) is None
        assert found_as(service, 4) == "Dana"


def test_a_broken_reading_is_begun_anew(tmp_path: Path) -> None:
    """What failed in the middle is not taken for what was read."""
    url = in_folder(tmp_path)
    gallery, other = make(url), open_gallery(url, KEY)
    enroll(gallery, "Anna", seed=1)
    other.refresh()
    bert = enroll(gallery, "Bert", seed=2)

    class Broken(Exception):
        pass

    def broken(*_: object) -> None:
        raise Broken

    keep, other._index.add = other._index.add, broken
    with pytest.raises(Broken):
        other.refresh()
    other._index.add = keep
    assert bert in other.templates().subject_ids
    assert other.verify().sound
