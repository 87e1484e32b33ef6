"""Two sites, one company: who comes, who stays away, and what travels along."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from enrollment.enroller import Collision, allow_collision
from enrollment.errors import BadInput, FingerprintMismatch
from enrollment.merge_report import LeftOutReason
from enrollment.opening import write_gallery
from models.alignment import align
from store.errors import GalleryDamaged, KeyMissing
from store.gallery import new_gallery_id
from store.records import Sighting
from tests import tiny
from tests.two_sites import FACTS, Site, found_as, make_site

R3 = range(3)


@pytest.fixture
def here(tmp_path: Path) -> Site:
    return make_site(tmp_path / "here", {"Ada": (1, R3), "Bea": (2, R3)})


@pytest.fixture
def there(tmp_path: Path) -> Site:
    return make_site(tmp_path / "there", {"Cem": (3, R3), "Dan": (4, R3)})


def same(_twin: Collision) -> str:
    return "same"


def test_everybody_comes_with_their_id_and_is_found(here: Site, there: Site) -> None:
    before = there.files()
    theirs = there.subjects()
    report = here.merge(there)
    assert (report.brought, report.samples, report.finished) == (2, 6, True)
    assert there.files() == before, "the other site was written to"
    mine = here.subjects()
    for name in ("Cem", "Dan"):
        assert mine[name].subject_id == theirs[name].subject_id
        assert mine[name].enrolled_at == theirs[name].enrolled_at
    with here.open() as service:
        assert [found_as(service, n) for n in (1, 2, 3, 4)] == ["Ada", "Bea", "Cem", "Dan"]
        assert service.verify_gallery().sound
        (given,) = service.consents(mine["Cem"].subject_id)
        assert given.text == "agreed on 2026-11-21"
        samples = service.samples(mine["Cem"].subject_id)
    with there.open() as service:
        (same_given,) = service.consents(mine["Cem"].subject_id)
        kept = service.samples(mine["Cem"].subject_id)
    assert given == same_given
    assert [(s.captured_at, s.image) for s in samples] == [(s.captured_at, s.image) for s in kept]


def test_nothing_of_there_can_be_read_with_its_key_alone(here: Site, there: Site) -> None:
    """Sealed with keys of here: no row of ciphertext is the same at both sites."""
    here.merge(there)

    def sealed(site: Site) -> set[bytes]:
        with closing(sqlite3.connect(site.settings.home / "gallery.db")) as rows:
            return {
                bytes(value)
                for column, table in (
                    ("vector", "templates"),
                    ("image", "samples"),
                    ("wrapped", "subject_keys"),
                    ("content_mac", "samples"),
                )
                for (value,) in rows.execute(f"SELECT {column} FROM {table}")  # noqa: S608
            }

    assert not sealed(here) & sealed(there)


def test_again_brings_only_what_is_new(here: Site, there: Site) -> None:
    here.merge(there)
    with here.open() as service:
        generation = service.generation()
    again = here.merge(there)
    assert (again.brought, again.present, again.updated, again.samples) == (0, 2, 0, 0)
    with here.open() as service:
        assert service.generation() == generation
    there.enroll({"Cem": (3, [7]), "Eva": (5, R3)})
    third = here.merge(there)
    assert (third.brought, third.updated, third.samples) == (1, 1, 4)
    assert here.subjects()["Cem"].templates == 4


def test_both_ways_ends_with_the_same_people(here: Site, there: Site) -> None:
    here.merge(there)
    report = there.merge(here)
    assert (report.brought, report.present) == (2, 2)
    assert {n: s.subject_id for n, s in here.subjects().items()} == {
        n: s.subject_id for n, s in there.subjects().items()
    }


def test_the_same_person_is_asked_about_and_united(here: Site, there: Site) -> None:
    there.enroll({"A. Lovelace": (1, [10, 11, 12])})
    asked: list[tuple[str, str]] = []

    def answer(twin: Collision) -> str:
        asked.append((twin.name, twin.near.name))
        assert twin.near.score >= twin.limit
        return "same"

    left = here.merge(there)
    assert [(one.name, one.near_name, one.reason) for one in left.left_out] == [
        ("A. Lovelace", "Ada", LeftOutReason.MAYBE_SAME)
    ]
    assert not left.finished
    assert left.brought == 2, "nobody else waits"
    report = here.merge(there, answer)
    assert asked == [("A. Lovelace", "Ada")]
    assert (report.brought, report.united, report.finished) == (1, 1, True)
    mine = here.subjects()
    assert mine["A. Lovelace"].merged_into == mine["Ada"].subject_id
    assert mine["Ada"].templates == 6
    again = here.merge(there, lambda twin: pytest.fail("asked twice"))
    assert again.finished
    with here.open() as service:
        assert found_as(service, 1) == "Ada"
        assert service.unmerge("A. Lovelace").templates == 3
        assert len(service.consents(mine["A. Lovelace"].subject_id)) == 1


def test_twins_stay_two_people(here: Site, there: Site) -> None:
    there.enroll({"Twin": (1, [10, 11, 12])})
    report = here.merge(there, allow_collision)
    assert (report.told_apart, report.united) == (1, 0)
    assert here.subjects()["Twin"].merged_into is None
    with here.open() as service:
        deeds, _ = service._gallery.audit_page(["subject.different"])
    assert len(deeds) == 1


def test_a_photo_that_is_at_both_sites_comes_once(here: Site, there: Site) -> None:
    there.enroll({"A. Lovelace": (1, [2, 11])})  # photo 2 is enrolled here
    report = here.merge(there, same)
    assert report.duplicates == 1
    assert here.subjects()["Ada"].templates == 4
    assert here.merge(there).updated == 0


def test_a_name_alone_is_a_question(here: Site, there: Site) -> None:
    there.enroll({"ada": (9, R3)})
    (left,) = here.merge(there).left_out
    assert (left.reason, left.score < 0.85) == (LeftOutReason.SAME_NAME, True)
    assert here.merge(there, allow_collision).brought == 1


def test_a_number_of_two_people_is_a_question(tmp_path: Path) -> None:
    here = make_site(tmp_path / "here", {"Ada (7)": (1, R3)})
    there = make_site(tmp_path / "there", {"Zoe (7)": (8, R3)})
    (left,) = here.merge(there).left_out
    assert left.reason is LeftOutReason.SAME_NUMBER
    report = here.merge(there, allow_collision)
    zoe = here.subjects()["Zoe (7)"]
    assert report.numbers_dropped == [zoe.subject_id]
    assert zoe.external_id is None


def test_who_was_erased_here_does_not_come_back(here: Site, there: Site) -> None:
    here.merge(there)
    cem = there.subjects()["Cem"].subject_id
    with here.open() as service:
        service.erase("Cem")
    report = here.merge(there)
    assert (report.brought, report.erased_here, report.finished) == (0, 1, True)
    assert "Cem" not in str(report.as_document())
    assert cem not in {s.subject_id for s in here.subjects().values()}


def test_who_was_erased_here_as_somebody_of_here_does_not_come_back(
    here: Site, there: Site
) -> None:
    there.enroll({"A. Lovelace": (1, [10, 11, 12])})
    here.merge(there, same)
    with here.open() as service:
        service.erase("Ada")
    report = here.merge(there, same)
    assert report.erased_here == 1
    assert {"Ada", "A. Lovelace"}.isdisjoint(here.subjects())


def test_who_was_erased_there_goes_here_once_somebody_says_so(here: Site, there: Site) -> None:
    here.merge(there)
    with there.open() as service:
        cem = service.person("Cem").subject_id
        service.erase("Cem")
    there.enroll({"Eva": (5, R3)})
    waits = here.merge(there)
    assert (waits.waiting_erasures, waits.finished, waits.brought) == ([cem], False, 0)
    assert "Cem" in here.subjects()
    done = here.merge(there, erase_theirs=True)
    assert (done.erased, done.brought, done.finished) == (1, 1, True)
    assert "Cem" not in here.subjects()
    with here.open() as service:
        assert service._gallery.is_erased(cem), "a restore here must not bring them back"
        assert found_as(service, 3) is None
        assert service.verify_gallery().sound


def test_erasing_theirs_leaves_the_record_of_here(here: Site, there: Site) -> None:
    there.enroll({"A. Lovelace": (1, [10, 11, 12])})
    here.merge(there, same)
    with there.open() as service:
        service.erase("A. Lovelace")
    assert here.merge(there, erase_theirs=True).erased == 1
    assert here.subjects()["Ada"].templates == 3


def test_a_consent_that_is_taken_back_there_is_taken_back_here(here: Site, there: Site) -> None:
    here.merge(there)
    with there.open() as service:
        service.privacy.withdraw(service.person("Cem").subject_id)
    report = here.merge(there)
    assert (report.withdrawn, report.suspended) == (1, 1)
    cem = here.subjects()["Cem"]
    assert cem.state == "suspended"
    with here.open() as service:
        (given,) = service.consents(cem.subject_id)
        assert given.withdrawn_at is not None
        assert found_as(service, 3) is None
        with pytest.raises(BadInput):
            service.resume("Cem")


def test_without_a_consent_that_holds_nobody_comes(here: Site, there: Site) -> None:
    with there.open() as service:
        service.privacy.withdraw(service.person("Cem").subject_id)
    report = here.merge(there)
    assert [one.reason for one in report.left_out] == [LeftOutReason.ASKED_TO_GO]
    assert report.brought == 1


def test_a_gallery_without_consents_brings_nobody_where_they_are_needed(
    here: Site, tmp_path: Path
) -> None:
    there = make_site(tmp_path / "none", {}, consent_policy="none")
    there.enroll({"Cem": (3, R3)}, consent="")
    report = here.merge(there)
    assert [one.reason for one in report.left_out] == [LeftOutReason.NO_CONSENT]
    assert report.brought == 0


def test_who_is_suspended_here_does_not_come_back_by_the_other_site(
    here: Site, there: Site
) -> None:
    there.enroll({"A. Lovelace": (1, [10, 11, 12])})
    with here.open() as service:
        service.suspend("Ada")
    (left,) = here.merge(there, same).left_out
    assert left.reason is LeftOutReason.SUSPENDED
    with here.open() as service:
        assert found_as(service, 1) is None


def test_who_is_suspended_there_comes_suspended(here: Site, there: Site) -> None:
    with there.open() as service:
        service.suspend("Cem")
    report = here.merge(there)
    assert report.suspended == 1
    assert here.subjects()["Cem"].state == "suspended"
    assert here.merge(there).updated == 0


def test_people_who_were_united_there_come_united(here: Site, there: Site) -> None:
    there.enroll({"Cemal": (3, [10, 11])})
    with there.open() as service:
        service.merge("Cemal", "Cem")
    assert here.merge(there).brought == 2
    mine = here.subjects()
    assert mine["Cemal"].merged_into == mine["Cem"].subject_id
    with here.open() as service:
        assert found_as(service, 3) == "Cem"


def test_a_new_name_there_is_told_and_changes_nothing(here: Site, there: Site) -> None:
    here.merge(there)
    with there.open() as service:
        service.rename("Cem", "Cem Aydin")
    (differs,) = here.merge(there).differs
    assert (differs.name, differs.what, differs.there) == ("Cem", "name", "Cem Aydin")
    assert "Cem" in here.subjects()


def test_each_person_stands_in_the_audit_trail_with_where_they_came_from(
    here: Site, there: Site
) -> None:
    report = here.merge(there)
    with here.open() as service:
        deeds, count = service._gallery.audit_page(["subject.import"])
        merges, _ = service._gallery.audit_page(["gallery.merge"])
        assert service._gallery.verify_audit().intact
    assert count == 2
    assert {d.details["gallery"] for d in deeds} == {report.other_gallery_id}
    assert merges[0].details["brought"] == 2


def test_another_pipeline_is_refused(here: Site, tmp_path: Path) -> None:
    other = Site(tmp_path / "other")
    write_gallery(other.settings, replace(FACTS, gallery_id=new_gallery_id(), fingerprint="e" * 64))
    with pytest.raises(FingerprintMismatch, match=r"(?s)eeeeeeeeeeee.*rebackbone"):
        here.merge(other)


def test_the_same_gallery_is_refused(here: Site) -> None:
    with pytest.raises(BadInput, match="this very gallery"):
        here.merge(here)


def test_no_gallery_is_refused(here: Site, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no gallery"):
        here.merge(Site(tmp_path / "nowhere"))


def test_without_the_other_key_nothing_is_read(here: Site, there: Site) -> None:
    for key in there.settings.key_folder.glob("*.key"):
        key.unlink()
    with pytest.raises(KeyMissing):
        here.merge(there)
    assert set(here.subjects()) == {"Ada", "Bea"}


def test_a_gallery_that_was_changed_outside_is_refused(here: Site, there: Site) -> None:
    with closing(sqlite3.connect(there.settings.home / "gallery.db")) as rows:
        rows.execute("UPDATE subjects SET name = 'Eve', name_key = 'eve' WHERE name = 'Cem'")
        rows.commit()
    with pytest.raises(GalleryDamaged):
        here.merge(there)
    assert set(here.subjects()) == {"Ada", "Bea"}


def test_an_older_state_of_the_other_gallery_is_refused(
    here: Site, there: Site, tmp_path: Path
) -> None:
    """A copy from before an erasure would bring the erased."""
    database = there.settings.home / "gallery.db"
    older = database.read_bytes()
    with there.open() as service:
        service.erase("Cem")
    database.write_bytes(older)
    with pytest.raises(GalleryDamaged, match="older state"):
        here.merge(there)


def say_no(site: Site, subject: str | None, person: int, like: str | None = None) -> None:
    """Remember a face of `person` as not this subject's, or as a stranger's."""
    image = align_of(person)
    with site.open() as service:
        (vector,) = service.backbone.embed(image[None])
        found = {s.name: s.subject_id for s in service.everybody()}
        nearest = found[like] if like else None
        seen = Sighting("x", datetime.now(UTC), "unknown", nearest, None, {}, vector)
        with service._gallery.change("test") as change:
            change.add_negative(
                seen, subject and found[subject], {"same_person": 0.5, "source": "door"}
            )


def align_of(person: int) -> NDArray[np.uint8]:
    detected = tiny.TinyDetector().detect(tiny.picture((person, 50)))
    template = tiny.TinyBackbone.template
    return align(tiny.picture((person, 50)), detected[0].landmarks, template)


def test_noes_come_along_but_not_those_about_colleagues(here: Site, there: Site) -> None:
    say_no(there, "Cem", person=30)
    say_no(there, None, person=31)  # a stranger to both
    say_no(there, None, person=1)  # Ada visited them, and is a colleague here
    report = here.merge(there)
    assert (report.negatives, report.negatives_left) == (2, 1)
    again = here.merge(there)
    assert (again.negatives, again.negatives_left) == (0, 1)
    with here.open() as service:
        kept = service._gallery.negative_list()
        assert len(kept) == 2
        assert {n.subject_id for n in kept} == {None, here.subjects()["Cem"].subject_id}
        assert found_as(service, 1) == "Ada"


def test_a_no_that_looks_like_somebody_who_stays_away_stays_away(here: Site, there: Site) -> None:
    say_no(there, None, person=31, like="Cem")
    here.merge(there)
    with here.open() as service:
        service.erase("Cem")
        assert not service._gallery.negative_list(), "it went with the person"
    report = here.merge(there)
    assert (report.negatives, report.negatives_left) == (0, 1)


def test_one_who_is_written_is_written_whole(here: Site, there: Site) -> None:
    """The vectors are the very same numbers."""
    here.merge(there)
    with here.open() as mine, there.open() as theirs:
        cem = mine.person("Cem").subject_id
        ours = {t.template_id: t.vector for t in mine._gallery.stored_templates([cem])}
        others = {t.template_id: t.vector for t in theirs._gallery.stored_templates([cem])}
    assert ours.keys() == others.keys()
    assert all(np.array_equal(ours[i], others[i]) for i in ours)
