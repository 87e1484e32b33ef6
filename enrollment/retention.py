"""Whose data is due, and why: rules that look at dates alone. Nothing is deleted here.

Law in two lines: a request is answered within one month of its arrival (GDPR, Regulation (EU)
2016/679, art. 12(3)), and data whose consent was withdrawn or has ended is erased without undue
delay (art. 17(1)(b)). What is erased stays a person's decision, one by one.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from enrollment.retention_policy import RetentionPolicy
from store.records import Looked, Standing


class DueKind(StrEnum):
    """Why somebody is due; the worst first."""

    REQUEST_OVERDUE = "request_overdue"
    WITHDRAWN = "consent_withdrawn"
    EXPIRED = "consent_expired"
    PURPOSE = "purpose_ended"
    NO_CONSENT = "no_consent"
    REQUEST = "request"
    EXPIRES = "consent_expires"
    SUSPENDED = "suspended_long"
    IDLE = "idle_long"


_ORDER = {kind: place for place, kind in enumerate(DueKind)}
# Time alone decides, so that they may be erased all at once; what people ask for is looked at.
BY_TIME = frozenset(
    {DueKind.WITHDRAWN, DueKind.EXPIRED, DueKind.SUSPENDED, DueKind.PURPOSE, DueKind.IDLE}
)
# Nothing that anybody agreed to carries these any more.
WITHOUT_CONSENT = frozenset({DueKind.WITHDRAWN, DueKind.EXPIRED})


@dataclass(frozen=True)
class Due:
    """One reason. at: since when, or until when, depending on the kind.

    request: what is asked for, "erasure" or "export", where the reason is a request.
    """

    kind: DueKind
    at: datetime
    request: str | None = None

    def days(self, now: datetime) -> int:
        """Whole days until `at`; negative where it is past."""
        return (self.at - now) // timedelta(days=1)


@dataclass(frozen=True)
class DuePerson:
    """Somebody who is due. reasons: at least one, the worst first."""

    subject_id: str
    state: str
    reasons: tuple[Due, ...]

    @property
    def worst(self) -> Due:
        return self.reasons[0]


def reasons(
    standing: Standing, policy: RetentionPolicy, now: datetime, consent_required: bool
) -> tuple[Due, ...]:
    """Why this person is due, the worst first; empty where they are not."""
    found = [
        *_consent(standing, policy, now, consent_required),
        *_request(standing, now),
        *_suspension(standing, policy, now),
        *_purpose(policy, now),
        *_idleness(standing, policy, now),
    ]
    return tuple(sorted(found, key=lambda due: (_ORDER[due.kind], due.at)))


def everybody_due(
    standings: Iterable[Standing], policy: RetentionPolicy, now: datetime, consent_required: bool
) -> list[DuePerson]:
    """Those who are due, the worst first, and of equals the one who waits longest."""
    found = []
    for standing in standings:
        why = reasons(standing, policy, now, consent_required)
        if why:
            found.append(DuePerson(standing.subject_id, standing.state, why))
    return sorted(found, key=lambda p: (_ORDER[p.worst.kind], p.worst.at, p.subject_id))


def counts(people: Sequence[DuePerson]) -> dict[DueKind, int]:
    """How many there are of each kind, by their worst reason; the worst first."""
    found = dict.fromkeys(DueKind, 0)
    for person in people:
        found[person.worst.kind] += 1
    return {kind: count for kind, count in found.items() if count}


def looked_at(policy: RetentionPolicy, now: datetime) -> Looked:
    """Whom these rules may be about."""
    return Looked(
        ending=_ending(policy, now),
        quiet=None if policy.idle_days is None else now - timedelta(days=policy.idle_days),
        everybody=bool(list(_purpose(policy, now))),
    )


def _ending(policy: RetentionPolicy, now: datetime) -> datetime:
    """Consents that end later than that are of no interest now."""
    return now + timedelta(days=policy.warn_days)


def one_month_after(at: datetime) -> datetime:
    """The same day of the next month, or its last day where it has none such.

    Regulation (EEC, Euratom) No 1182/71, art. 3(2)(c), which would let the period run to the end
    of that day, and to the next working day: the stricter time is kept to.
    """
    year, month = (at.year + 1, 1) if at.month == 12 else (at.year, at.month + 1)
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))


def _consent(
    standing: Standing, policy: RetentionPolicy, now: datetime, required: bool
) -> Iterable[Due]:
    if standing.consents == 0:
        if required:
            yield Due(DueKind.NO_CONSENT, standing.enrolled_at)
    elif standing.held == 0:
        yield Due(DueKind.WITHDRAWN, standing.withdrawn_at or standing.enrolled_at)
    elif not standing.unlimited and standing.ends_at is not None:
        if standing.ends_at <= now:
            yield Due(DueKind.EXPIRED, standing.ends_at)
        elif standing.ends_at <= _ending(policy, now):
            yield Due(DueKind.EXPIRES, standing.ends_at)


def _request(standing: Standing, now: datetime) -> Iterable[Due]:
    if standing.due_at is not None:
        late = standing.due_at <= now
        kind = DueKind.REQUEST_OVERDUE if late else DueKind.REQUEST
        yield Due(kind, standing.due_at, standing.requested)


def _suspension(standing: Standing, policy: RetentionPolicy, now: datetime) -> Iterable[Due]:
    since = standing.suspended_at
    if since is not None and now - since > timedelta(days=policy.suspended_days):
        yield Due(DueKind.SUSPENDED, since)


def _purpose(policy: RetentionPolicy, now: datetime) -> Iterable[Due]:
    if policy.purpose_ends is not None:
        after = datetime.combine(policy.purpose_ends, time(), UTC) + timedelta(days=1)
        if after <= now:
            yield Due(DueKind.PURPOSE, after)


def _idleness(standing: Standing, policy: RetentionPolicy, now: datetime) -> Iterable[Due]:
    if policy.idle_days is not None:
        until = standing.dealt_at + timedelta(days=policy.idle_days)
        if until <= now:
            yield Due(DueKind.IDLE, standing.dealt_at)
