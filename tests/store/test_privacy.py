"""Consents, requests and the paged trail, in SQLite and in PostgreSQL alike."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store.consent import version_of
from store.gallery import Gallery
from store.records import Looked
from tests.store.places import enroll, in_folder, make, postgresql

SOON = timedelta(days=30)


def check_standings(gallery: Gallery) -> None:
    now = datetime.now(UTC)
    fine, ends, taken, merged, asks, idle = (enroll(gallery, name, 1) for name in "ABCDEF")
    with gallery.change("test") as change:
        never = change.add_subject("G", None)
        for who in (ends, taken, merged):
            change.withdraw_consents([who])
        # In another zone, and without microseconds: times are compared as texts.
        eastern = (now + SOON / 2).astimezone().replace(microsecond=0)
        change.add_consent(ends, "consent", "until then", eastern)
        change.merge(merged, taken)
        change.add_request(asks, "export", now + SOON, "note")
        change.add_request(merged, "erasure", now, "")
        change.set_state(idle, "suspended")
    found = {s.subject_id: s for s in gallery.standings(Looked(now + SOON))}
    assert found.keys() == {ends, taken, asks, idle, never}
    assert fine not in found
    assert (found[ends].held, found[ends].consents) == (1, 2)
    assert found[ends].ends_at == eastern
    assert (found[taken].held, found[taken].consents) == (0, 2), "with those of who was merged"
    assert (found[taken].requested, found[taken].due_at) == ("erasure", now)
    assert (found[asks].requested, found[asks].unlimited) == ("export", True)
    assert found[idle].suspended_at is not None
    assert found[asks].suspended_at is None
    assert found[never].consents == 0
    assert ends not in {s.subject_id for s in gallery.standings(Looked(now + SOON / 3))}
    later = Looked(now - SOON, quiet=now + SOON)
    quiet = {s.subject_id: s for s in gallery.standings(later)}
    assert fine in quiet, "nobody has dealt with them since"
    assert now <= quiet[fine].dealt_at <= datetime.now(UTC)
    assert quiet[taken].dealt_at >= quiet[taken].enrolled_at
    assert fine not in {s.subject_id for s in gallery.standings(Looked(now - SOON, quiet=now))}
    everybody = {s.subject_id for s in gallery.standings(Looked(now - SOON, everybody=True))}
    assert everybody == {fine, ends, taken, asks, idle, never}
    requests, total = gallery.requests()
    assert [(r.subject_id, r.kind) for r in requests] == [(taken, "erasure"), (asks, "export")]
    assert (total, gallery.open_requests()) == (2, 2)
    with gallery.change("test") as change:
        assert change.answer_request(requests[1].request_id, "refused", "why")
        assert not change.answer_request(requests[1].request_id, "done", "")
    assert gallery.open_requests() == 1
    ((closed,), _) = gallery.requests(answered=True)
    assert (closed.outcome, closed.answer) == ("refused", "why")
    assert {text.version: text.people for text in gallery.consent_texts()} == {
        version_of("yes"): 3,
        version_of("until then"): 1,
    }


def check_trail(gallery: Gallery) -> None:
    one, other = enroll(gallery, "A"), enroll(gallery, "B")
    names = gallery.pseudonyms([one, other])
    whole, total = gallery.audit_page(limit=100)
    assert [record.seq for record in whole] == list(range(total, 0, -1))
    about, count = gallery.audit_page(names=[names[one]], limit=2)
    assert (len(about), count) == (2, 3)
    assert {record.pseudonym for record in about} == {names[one]}
    (kept, *_), count = gallery.audit_page(["samples.add"])
    assert (count, kept.details, kept.actor) == (2, {"samples": 2}, "test")
    assert set(gallery.audit_actions()) == {
        "consent.add", "samples.add", "seal.first", "subject.add",
    }  # fmt: skip
    assert gallery.audit_page(offset=100)[0] == []


def test_who_may_be_due_is_read(tmp_path: Path) -> None:
    check_standings(make(in_folder(tmp_path)))


def test_the_trail_is_read_in_pages(tmp_path: Path) -> None:
    check_trail(make(in_folder(tmp_path)))


@pytest.mark.slow
def test_postgresql_reads_the_same(tmp_path: Path) -> None:
    with postgresql() as url:
        gallery = make(url)
        check_trail(gallery)
        with gallery.change("test") as change:
            change.erase(list(gallery.subjects()))
        check_standings(gallery)
        gallery.close()


def test_one_who_was_merged_is_read_alone(tmp_path: Path) -> None:
    gallery = make(in_folder(tmp_path))
    one, other = enroll(gallery, "A", 2), enroll(gallery, "B", 1)
    with gallery.change("test") as change:
        change.merge(one, other)
        subject, family = change.person(other)
    assert subject is not None
    assert (subject.name, set(family)) == ("B", {one, other})
    (alone,) = gallery.some_subjects([one]).values()
    assert (alone.state, alone.templates) == ("merged", 2)
    assert gallery.family_of(one) == [one]
