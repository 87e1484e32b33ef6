"""Why somebody is due, in words with their dates."""

from datetime import datetime

from app.deed_words import request_kind
from app.language import Language
from enrollment.retention import Due, DueKind

# Never colour alone: each has its icon and its words.
_LOOKS = {
    DueKind.REQUEST_OVERDUE: ("red", "alarm"),
    DueKind.WITHDRAWN: ("red", "undo"),
    DueKind.EXPIRED: ("red", "event_busy"),
    DueKind.NO_CONSENT: ("red", "help"),
    DueKind.REQUEST: ("orange", "schedule"),
    DueKind.EXPIRES: ("orange", "event_upcoming"),
    DueKind.SUSPENDED: ("gray", "pause_circle"),
    DueKind.PURPOSE: ("red", "flag"),
    DueKind.IDLE: ("gray", "hourglass_bottom"),
}


def look_of(kind: DueKind) -> tuple[str, str]:
    """Colour and icon of its badge."""
    return _LOOKS[kind]


def kind_in_words(kind: DueKind, language: Language) -> str:
    say = language.say
    return {
        DueKind.REQUEST_OVERDUE: say("Request overdue"),
        DueKind.WITHDRAWN: say("Consent withdrawn"),
        DueKind.EXPIRED: say("Consent ended"),
        DueKind.NO_CONSENT: say("No consent"),
        DueKind.REQUEST: say("Request open"),
        DueKind.EXPIRES: say("Consent ends soon"),
        DueKind.SUSPENDED: say("Suspended for long"),
        DueKind.PURPOSE: say("Purpose ended"),
        DueKind.IDLE: say("Not dealt with for long"),
    }[kind]


def due_in_words(due: Due, now: datetime, language: Language) -> str:
    """One reason, in a sentence."""
    say, day = language.say, language.day(due.at)
    if due.kind in (DueKind.REQUEST, DueKind.REQUEST_OVERDUE):
        asked = request_kind(due.request or "", language)
        left = days_left(due.at, now, language)
        return say("Asked for {kind}; answer by {day}: {left}", kind=asked, day=day, left=left)
    return {
        DueKind.WITHDRAWN: say("Consent withdrawn on {day}: erase the data", day=day),
        DueKind.EXPIRED: say("Consent ended on {day}: ask again, or erase the data", day=day),
        DueKind.NO_CONSENT: say("No consent since {day}: ask for it, or erase the data", day=day),
        DueKind.EXPIRES: say("Consent ends on {day}: ask again", day=day),
        DueKind.SUSPENDED: say("Suspended since {day}: resume, or erase the data", day=day),
        DueKind.PURPOSE: say("The purpose ended before {day}: erase the data", day=day),
        DueKind.IDLE: say(
            "No photo and no consent since {day}: ask for consent again, or erase the data", day=day
        ),
    }[due.kind]


def days_left(due_at: datetime, now: datetime, language: Language) -> str:
    """How long until a deadline, or how long it is past."""
    late = now - due_at
    if late.total_seconds() >= 0:
        return language.say_many("{n} day overdue", "{n} days overdue", late.days + 1)
    left = (due_at - now).days
    if left == 0:
        return language.say("due within a day")
    return language.say_many("{n} day left", "{n} days left", left)
