"""Whose data is due, and why: the rules by table, then on a real gallery."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.privacy import Privacy
from enrollment.retention import (
    WITHOUT_CONSENT,
    DueKind,
    counts,
    everybody_due,
    looked_at,
    one_month_after,
    reasons,
)
from enrollment.retention_policy import RetentionPolicy
from enrollment.service import Service
from store.consent import version_of
from store.records import Standing

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
POLICY = RetentionPolicy(warn_days=30, suspended_days=180)
Person = Callable[..., Enrollee]


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def ahead(**time: float) -> datetime:
    return NOW + timedelta(**time)


GOOD = Standing(
    "anna", "active", ago(days=400), ago(days=40), consents=1, held=1, withdrawn_at=None,
    ends_at=None, unlimited=True, suspended_at=None, requested=None, due_at=None,
)  # fmt: skip
ENDS = replace(GOOD, unlimited=False)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (GOOD, []),
        (replace(ENDS, ends_at=ahead(days=31)), []),
        (replace(ENDS, ends_at=ahead(days=30)), [DueKind.EXPIRES]),
        (replace(ENDS, ends_at=ahead(seconds=1)), [DueKind.EXPIRES]),
        (replace(ENDS, ends_at=NOW), [DueKind.EXPIRED]),
        (replace(ENDS, ends_at=ago(days=1)), [DueKind.EXPIRED]),
        # A second consent that holds for longer, or for ever, is what counts.
        (replace(GOOD, consents=2, held=2, ends_at=ago(days=1)), []),
        (replace(GOOD, consents=2, held=1, withdrawn_at=ago(days=1)), []),
        (replace(ENDS, held=0, withdrawn_at=ago(days=1)), [DueKind.WITHDRAWN]),
        (replace(ENDS, consents=0, held=0), [DueKind.NO_CONSENT]),
        (replace(GOOD, requested="erasure", due_at=ahead(days=9)), [DueKind.REQUEST]),
        (replace(GOOD, requested="export", due_at=NOW), [DueKind.REQUEST_OVERDUE]),
        (replace(GOOD, dealt_at=ago(days=1094)), []),
        (replace(GOOD, dealt_at=ago(days=1095)), [DueKind.IDLE]),
        (replace(GOOD, state="suspended", suspended_at=ago(days=180)), []),
        (replace(GOOD, state="suspended", suspended_at=ago(days=181)), [DueKind.SUSPENDED]),
        (
            replace(
                ENDS, held=0, withdrawn_at=ago(days=200), state="suspended",
                suspended_at=ago(days=200), requested="erasure", due_at=ago(days=170),
            ),
            [DueKind.REQUEST_OVERDUE, DueKind.WITHDRAWN, DueKind.SUSPENDED],
        ),
    ],
)  # fmt: skip
def test_who_is_due_and_why(standing: Standing, expected: list[DueKind]) -> None:
    found = reasons(standing, POLICY, NOW, consent_required=True)
    assert [due.kind for due in found] == expected


@pytest.mark.parametrize(
    ("ends", "due"),
    [(NOW.date() + timedelta(days=1), False), (NOW.date(), False), (ago(days=1).date(), True)],
)
def test_after_the_last_day_of_its_purpose_everybody_is_due(ends: date, due: bool) -> None:
    policy = replace(POLICY, purpose_ends=ends)
    found = reasons(GOOD, policy, NOW, consent_required=True)
    assert [reason.kind for reason in found] == ([DueKind.PURPOSE] if due else [])
    assert looked_at(policy, NOW).everybody == due


def test_where_no_consent_is_asked_for_none_is_missed() -> None:
    never = replace(ENDS, consents=0, held=0)
    assert reasons(never, POLICY, NOW, consent_required=False) == ()
    ended = replace(ENDS, ends_at=ago(days=1))
    assert reasons(ended, POLICY, NOW, consent_required=False)


def test_the_worst_come_first_and_of_equals_who_waits_longest() -> None:
    standings = [
        replace(ENDS, subject_id="soon", ends_at=ahead(days=3)),
        replace(GOOD, subject_id="fine"),
        replace(ENDS, subject_id="ended", ends_at=ago(days=2)),
        replace(ENDS, subject_id="ended long", ends_at=ago(days=20)),
        replace(GOOD, subject_id="late", requested="erasure", due_at=ago(days=1)),
        replace(GOOD, subject_id="asks", requested="export", due_at=ahead(days=1)),
    ]
    found = everybody_due(standings, POLICY, NOW, consent_required=True)
    assert [p.subject_id for p in found] == ["late", "ended long", "ended", "asks", "soon"]
    assert counts(found) == {
        DueKind.REQUEST_OVERDUE: 1,
        DueKind.EXPIRED: 2,
        DueKind.REQUEST: 1,
        DueKind.EXPIRES: 1,
    }
    assert [p.worst.days(NOW) for p in found] == [-1, -20, -2, 1, 3]


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ((2026, 6, 15), (2026, 7, 15)),
        ((2026, 12, 31), (2027, 1, 31)),
        ((2026, 1, 31), (2026, 2, 28)),
        ((2028, 1, 30), (2028, 2, 29)),
        ((2026, 8, 31), (2026, 9, 30)),
    ],
)
def test_a_month_ends_on_the_same_day_or_the_last(
    at: tuple[int, int, int], due: tuple[int, int, int]
) -> None:
    assert one_month_after(datetime(*at, 9, 30, tzinfo=UTC)) == datetime(*due, 9, 30, tzinfo=UTC)


# -- on a gallery ---------------------------------------------------------------------------------


@pytest.fixture
def staffed(service: Service, person: Person) -> Service:
    list(service.enroll([person(n, range(1)) for n in (1, 2, 3)], "yes", allow_collision))
    return service


def ids(service: Service) -> list[str]:
    return [subject.subject_id for subject in service.people()]


def later(service: Service, **time: float) -> Privacy:
    """As the page shows it some time from now."""
    at = datetime.now(UTC) + timedelta(**time)
    return Privacy(service._gallery, POLICY, service._settings.review, "test", lambda: at)


def test_a_consent_keeps_its_words_its_version_and_its_end(
    service: Service, person: Person
) -> None:
    until = datetime.now(UTC) + timedelta(days=365)
    list(service.enroll([person(1, range(1))], "I agree.", consent_until=until))
    (anna,) = ids(service)
    (given,) = service.consents(anna)
    assert (given.text, given.version) == ("I agree.", version_of("I agree."))
    assert given.expires_at == until
    # The same words without an end: the end that was agreed to stays.
    list(service.enroll([person(1, range(1, 2))], "I agree."))
    assert len(service.consents(anna)) == 1
    longer = until + timedelta(days=365)
    list(service.enroll([person(1, range(2, 3))], "I agree.", consent_until=longer))
    assert [c.expires_at for c in service.consents(anna)] == [until, longer]
    assert not later(service, days=400).due_counts()
    assert later(service, days=720).due_counts() == {DueKind.EXPIRES: 1}
    assert later(service, days=731).due_counts() == {DueKind.EXPIRED: 1}


def test_a_consent_cannot_have_ended_before_it_begins(service: Service, person: Person) -> None:
    with pytest.raises(BadInput, match="still to come"):
        list(service.enroll([person(1)], "yes", consent_until=datetime.now(UTC)))
    assert not service.people()


def test_an_ended_consent_carries_no_new_photo(service: Service, person: Person) -> None:
    list(service.enroll([person(1, range(1))], "yes"))
    (anna,) = ids(service)
    with service._gallery.change("test") as change:
        change.withdraw_consents([anna])
        change.add_consent(anna, "consent", "until now", change.at)
    (report,) = service.enroll([person(1, range(1, 2))])
    assert [r.code for s in report.samples for r in s.reasons] == ["no_consent"]
    (report,) = service.enroll([person(1, range(1, 2))], "yes")
    assert report.accepted == 1


def test_taking_back_a_consent_is_one_step(staffed: Service) -> None:
    one = ids(staffed)[0]
    due = staffed.privacy.withdraw(one)
    assert staffed.person(one).state == "suspended", "nobody finds them any more"
    assert [c.withdrawn_at is None for c in staffed.consents(one)] == [False]
    ((request,), total) = staffed.privacy.requests()
    assert (request.kind, request.subject_id, total) == ("erasure", one, 1)
    assert request.due_at == due == one_month_after(request.requested_at)
    assert later(staffed, days=1).due_counts() == {DueKind.WITHDRAWN: 1}
    assert later(staffed, days=32).due_counts() == {DueKind.REQUEST_OVERDUE: 1}
    with pytest.raises(BadInput, match="no consent to take back"):
        staffed.privacy.withdraw(one)
    with pytest.raises(BadInput, match="has not agreed"):
        staffed.resume(one)
    assert [s.subject_id for s in staffed.privacy.without_consent()] == [one]
    staffed.privacy.consent_again(one, "yes, again", datetime.now(UTC) + timedelta(days=99))
    assert staffed.person(one).state == "active"
    assert staffed.privacy.due_counts() == {DueKind.REQUEST: 1}
    assert not staffed.privacy.without_consent()


def test_taking_back_counts_for_everybody_who_is_this_person(staffed: Service) -> None:
    one, other, _ = ids(staffed)
    staffed.merge(one, other)
    with pytest.raises(BadInput, match="not here any more"):
        staffed.privacy.withdraw(one)
    staffed.privacy.withdraw(other)
    given = [*staffed.consents(one), *staffed.consents(other)]
    assert all(consent.withdrawn_at for consent in given)
    assert staffed.privacy.due_counts() == {DueKind.WITHDRAWN: 1}


def test_the_consent_of_one_who_was_merged_holds_for_both(staffed: Service) -> None:
    one, other, _ = ids(staffed)
    with staffed._gallery.change("test") as change:
        change.withdraw_consents([other])
    assert staffed.privacy.due_counts() == {DueKind.WITHDRAWN: 1}
    staffed.merge(one, other)
    assert not staffed.privacy.due_counts()


def test_a_request_of_one_who_was_merged_is_the_persons(staffed: Service) -> None:
    one, other, _ = ids(staffed)
    staffed.privacy.add_request(one, "export", "for my lawyer")
    staffed.merge(one, other)
    ((request,), _) = staffed.privacy.requests()
    assert (request.subject_id, request.name) == (other, "Person 2")
    (line,) = staffed.privacy.due().lines
    assert (line.subject.subject_id, line.reasons[0].request) == (other, "export")


def test_a_request_is_answered_once_and_refused_with_a_reason(staffed: Service) -> None:
    one = ids(staffed)[0]
    privacy = staffed.privacy
    privacy.add_request(one, "export", "  by post ")
    with pytest.raises(BadInput, match="asked for that already"):
        privacy.add_request(one, "export")
    with pytest.raises(BadInput, match="one of erasure, export"):
        privacy.add_request(one, "cake")
    ((request,), _) = privacy.requests()
    assert request.note == "by post"
    with pytest.raises(BadInput, match="write why"):
        privacy.answer(request.request_id, "refused", " ")
    privacy.answer(request.request_id, "refused", "asked twice this week")
    with pytest.raises(BadInput, match="closed already"):
        privacy.answer(request.request_id, "done", "")
    assert privacy.requests() == ([], 0)
    ((closed,), _) = privacy.requests(answered=True)
    assert (closed.outcome, closed.answer) == ("refused", "asked twice this week")
    assert privacy.open_requests() == 0


def test_erasing_leaves_no_request_and_an_audit_that_tells(staffed: Service) -> None:
    one = ids(staffed)[0]
    staffed.privacy.add_request(one, "erasure", "my name is a secret")
    assert staffed.erase(one).erased_rows["requests"] == 1
    assert staffed.privacy.requests() == ([], 0)
    assert staffed.privacy.requests(answered=True) == ([], 0)
    deeds, _ = staffed.privacy.audit_page()
    trail = [deed.record.action for deed in deeds]
    assert trail.index("subject.erase") < trail.index("request.answer") < trail.index("request.add")
    (asked,) = [deed for deed in deeds if deed.record.action == "request.add"]
    assert asked.gone
    assert "secret" not in str(asked.record)
    assert staffed.privacy.verify_audit().intact


def test_the_trail_names_those_who_are_still_here(staffed: Service) -> None:
    one, other, third = ids(staffed)
    staffed.merge(one, other)
    staffed.erase(third)
    (merged,), total = staffed.privacy.audit_page(["subject.merge"])
    assert total == 1
    assert merged.subject is not None
    assert merged.other is not None
    assert (merged.subject.name, merged.other.name) == ("Person 1", "Person 2")
    about, total = staffed.privacy.audit_page(subject_id=other)
    assert {deed.record.action for deed in about} >= {"subject.add", "subject.merge"}
    assert len(about) == total
    first, total = staffed.privacy.audit_page(limit=2)
    second, _ = staffed.privacy.audit_page(offset=2, limit=2)
    numbers = [deed.record.seq for deed in [*first, *second]]
    assert numbers == [total, total - 1, total - 2, total - 3]
    assert "subject.erase" in staffed.privacy.audit_actions()


def test_an_altered_trail_is_told_of(staffed: Service) -> None:
    with staffed._gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'x' WHERE seq = 3")
    found = staffed.privacy.verify_audit()
    assert not found.intact
    assert found.verified_to == 2


def test_long_suspensions_are_told_of_and_due_people_come_in_pages(staffed: Service) -> None:
    for who in ids(staffed):
        staffed.suspend(who)
    assert not later(staffed, days=100).due_counts()
    privacy = later(staffed, days=181)
    assert privacy.due_counts() == {DueKind.SUSPENDED: 3}
    pages = [privacy.due(offset=n, limit=2) for n in (0, 2)]
    assert [len(page.lines) for page in pages] == [2, 1]
    assert [page.total for page in pages] == [3, 3]
    assert privacy.due([DueKind.EXPIRED]).total == 0


def test_without_a_policy_nobody_misses_a_consent(
    make_service: Callable[..., Service], person: Person
) -> None:
    service = make_service("none")
    list(service.enroll([person(1, range(1))]))
    (anna,) = ids(service)
    assert not service.privacy.due_counts()
    service.privacy.withdraw(anna)
    assert service.privacy.due_counts() == {DueKind.REQUEST: 1}
    assert service.person(anna).state == "suspended"


def test_wordings_are_counted_by_people(staffed: Service, person: Person) -> None:
    list(staffed.enroll([person(4, range(1))], "another", allow_collision))
    assert {text.version: text.people for text in staffed.privacy.texts()} == {
        version_of("yes"): 3,
        version_of("another"): 1,
    }


def test_what_another_process_changes_is_seen_at_once(staffed: Service) -> None:
    assert not staffed.privacy.due_counts()
    other = later(staffed)
    other.withdraw(ids(staffed)[0])
    assert staffed.privacy.due_counts() == {DueKind.WITHDRAWN: 1}
    other.consent_again(ids(staffed)[0], "yes")
    assert staffed.privacy.due_counts() == {DueKind.REQUEST: 1}


def test_what_time_alone_decides_is_listed_to_be_erased(staffed: Service) -> None:
    one, two, _ = ids(staffed)
    staffed.privacy.withdraw(one)
    staffed.privacy.add_request(two, "erasure")
    assert [line.subject.subject_id for line in later(staffed, days=1).overdue()] == [one]
    everybody = later(staffed, days=3 * 365 + 1).overdue()
    assert {line.subject.subject_id for line in everybody} == set(ids(staffed))
    kinds = {line.subject.subject_id: [r.kind for r in line.reasons] for line in everybody}
    assert DueKind.IDLE in kinds[two]
    staffed.privacy.consent_again(two, "I still agree.")
    assert two in {line.subject.subject_id for line in later(staffed, days=1096).overdue()}


def test_whoever_agrees_again_after_the_list_was_shown_is_not_erased(staffed: Service) -> None:
    one, two, three = ids(staffed)
    staffed.privacy.withdraw(one)
    staffed.privacy.withdraw(two)
    listed = [person.subject_id for person in staffed.privacy.without_consent()]
    assert set(listed) == {one, two}
    staffed.privacy.consent_again(two, "agreed once more")
    done = list(staffed.erase_due([one, two, three], WITHOUT_CONSENT))
    assert [receipt and receipt.subject_id for receipt in done] == [one, None, None]
    assert set(ids(staffed)) == {two, three}
