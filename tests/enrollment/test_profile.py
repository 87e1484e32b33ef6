"""One person whole: the find rate, who is near, what is given out."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from enrollment.calibration import leave_subjects_out
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.left_out import leave_photos_out
from enrollment.portrait import crop_of, open_portrait, thumbnail_of
from enrollment.roster import Roster
from enrollment.service import Service
from store.gallery import Gallery
from store.records import NewSample
from tests.store.places import D, in_folder, make

pytestmark = pytest.mark.slow

Person = Callable[..., Enrollee]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """30 people of one to four photos, who are hard to tell apart."""
    made = make(in_folder(tmp_path))
    rng = np.random.default_rng(7)
    with made.change("test") as change:
        for n in range(30):
            subject_id = change.add_subject(f"Person {n}", None)
            consent = change.add_consent(subject_id, "consent", "yes")
            rows = rng.normal(size=D) + 0.5 * rng.normal(size=(1 + n % 4, D))
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            samples = [NewSample(rng.bytes(32), b"x", {}, row.astype(np.float32)) for row in rows]
            change.add_samples(subject_id, consent, samples)
    yield made
    made.close()


@pytest.fixture
def staff(service: Service, person: Person) -> Service:
    people = [person(1, name="Ada"), person(1, range(10, 13), "Bea"), person(3, name="Carl")]
    list(service.enroll(people, "I agree.", allow_collision))
    return service


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_each_person_alone_adds_up_to_all_of_them(gallery: Gallery, threshold: float) -> None:
    """As the operating point counts it, which leaves everybody's photos out in one go."""
    templates = gallery.templates()
    mated = leave_subjects_out(templates.vectors, templates.subject_ids).mated
    roster = Roster(gallery)
    alone = [leave_photos_out(gallery, roster, s, threshold) for s in gallery.subjects()]
    assert sum(one.tried for one in alone) == len(mated)
    assert sum(one.found for one in alone) == int((mated >= threshold).sum())
    assert 0 < sum(one.found for one in alone) < len(mated), "some are found and some are not"


def test_the_find_rate_says_how_sure_it_is(service: Service, person: Person) -> None:
    list(service.enroll([person(n) for n in (1, 2, 3)], "yes", allow_collision))
    carl = service.person("Person 3").subject_id
    found = service.profiles.left_out(carl)
    assert (found.found, found.tried, found.share) == (3, 3, 1.0)
    assert found.interval_95 is not None
    assert found.interval_95[0] < 0.5
    service.suspend(carl)
    nothing = service.profiles.left_out(carl)
    assert (nothing.share, nothing.interval_95) == (None, None)


def test_who_is_near_and_who_is_not(staff: Service) -> None:
    ada, bea, carl = (staff.person(name).subject_id for name in ("Ada", "Bea", "Carl"))
    near = staff.profiles.neighbours(ada)
    assert [(n.subject_id, n.near) for n in near] == [(bea, True), (carl, False)]
    assert near[0].likeness == pytest.approx(staff.likeness(*map(staff.person, ("Ada", "Bea"))))
    assert staff.profiles.neighbours(ada, most=1) == near[:1]
    staff.suspend("Ada")
    assert staff.profiles.neighbours(ada) == []
    assert staff.profiles.likeness(ada, bea) is None


def test_a_thumbnail_shows_the_same_face(staff: Service) -> None:
    (sample, *_) = staff.samples(staff.person("Ada").subject_id)
    small = open_portrait(thumbnail_of(sample.image, sample.details))
    exact = crop_of(sample.image, sample.details)
    assert small.shape == exact.shape
    assert np.abs(small.astype(int) - exact.astype(int)).mean() < 12
    assert len(staff.profiles.faces([staff.person(n).subject_id for n in ("Ada", "Bea")])) == 2


def test_everything_about_one_person_in_a_file(staff: Service) -> None:
    ada = staff.person("Ada").subject_id
    with staff._gallery.change("test") as change:
        change.put_night("2026-11-21", {ada: (2, 3)})
        change.add_head("head-1", "champion", 1, {"mode": "imprint"}, [ada])
    staff.merge("Carl", "Ada")
    staff.calibrate()
    with zipfile.ZipFile(io.BytesIO(staff.profiles.dossier(ada))) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    documents = {n: json.loads(c) for n, c in files.items() if n.endswith(".json")}
    assert documents["person.json"]["name"] == "Ada"
    assert [m["name"] for m in documents["person.json"]["merged"]] == ["Carl"]
    assert [c["text"] for c in documents["consents.json"]] == ["I agree."] * 2
    kept = staff.samples(ada)
    assert {files[f"photos/{s.sample_id}.jpg"] for s in kept} == {s.image for s in kept}
    assert {p["sample_id"] for p in documents["photos.json"]} == {s.sample_id for s in kept}
    assert "quality" in documents["photos.json"][0]["details"]
    vectors = np.array([t["vector"] for t in documents["templates.json"]["templates"]])
    assert vectors.shape == (6, staff.facts.dimension)
    assert documents["recognition.json"]["nights"] == [
        {"day": "2026-11-21", "found": 2, "tried": 3}
    ]
    assert [h["head_id"] for h in documents["recognition.json"]["heads"]] == ["head-1"]
    assert documents["recognition.json"]["operating_points"][-1]["colleagues_near"]
    assert "subject.export" in [entry["action"] for entry in documents["audit.json"]]
    bea = staff.person("Bea").subject_id.encode()
    assert not [n for n, c in files.items() if b"Bea" in c or bea in c], "nobody else is in it"
    with pytest.raises(BadInput, match="nobody"):
        staff.profiles.dossier("no-such-id")


@pytest.mark.parametrize(
    ("looks", "act"),
    [
        (2, lambda service: service.merge("Carl", "Ada")),
        (2, lambda service: service.merge("Ada", "Carl")),
        (1, lambda service: service.suspend("Carl")),
        (1, lambda service: service.rename("Carl", "Karl")),
    ],
)
@pytest.mark.parametrize("erased", [True, False])
def test_who_was_quicker_is_told(
    staff: Service,
    monkeypatch: pytest.MonkeyPatch,
    looks: int,
    act: Callable[[Service], object],
    erased: bool,
) -> None:
    """Carl goes between the look and the lock. Merged each way, nobody would answer."""
    ada, carl = staff.person("Ada").subject_id, staff.person("Carl").subject_id

    def go() -> None:
        with staff._gallery.change("somebody else") as change:
            if erased:
                change.erase([carl])
            else:
                change.merge(carl, ada)

    seen: list[str] = []

    def looked(who: str) -> object:
        found = Service.person(staff, who)
        seen.append(who)
        if len(seen) == looks:
            go()
        return found

    monkeypatch.setattr(staff, "person", looked)
    with pytest.raises(BadInput, match="meanwhile"):
        act(staff)
    assert [s.name for s in staff.people()] == ["Ada", "Bea"]


def test_two_erase_the_same_person(staff: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    carl = staff.person("Carl")
    staff.erase("Carl")
    monkeypatch.setattr(staff, "person", lambda who: carl)  # looked at before
    with pytest.raises(BadInput, match="meanwhile"):
        staff.erase("Carl")
