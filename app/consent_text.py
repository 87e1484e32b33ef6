"""What people are offered to agree to."""

from datetime import UTC, date, datetime, time, tzinfo

from app.language import Language


def offered_consent(language: Language) -> str:
    """What a person agrees to unless the operator writes something else: who, what, what for, for
    how long, and how to withdraw."""
    return language.say(
        "Who: the company that runs this Rollcall, on a machine of its own.\n"
        "What: cut-outs of my face from the photos I give, and numbers computed from them, both "
        "encrypted.\n"
        "What for: to recognise me, by name, in front of the company's own cameras and on its own "
        "photos.\n"
        "How long: until I withdraw, or leave the company.\n"
        "How to withdraw: I tell the person who enrolled me, at any time and without a reason. "
        "Everything is then erased."
    )


def end_of_day(day: date | None, zone: tzinfo) -> datetime | None:
    """The last second of a day where the visitor is, in UTC."""
    if day is None:
        return None
    return datetime.combine(day, time(23, 59, 59), zone).astimezone(UTC)
