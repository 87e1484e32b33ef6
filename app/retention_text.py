"""For how long what is kept, in sentences made from the values in force.

Shown on a page, and printed for whoever must publish them: 740 ILCS 14/15(a) asks for a policy.
"""

from datetime import datetime, time

from app.language import Language
from enrollment.retention_policy import RetentionPolicy
from enrollment.review_policy import ReviewPolicy


def rules_of(
    language: Language, policy: RetentionPolicy, review: ReviewPolicy, *, asked: bool
) -> list[str]:
    """Args: asked: nobody is enrolled here without a consent."""
    say, say_many = language.say, language.say_many
    first = (
        say("Nobody is enrolled without a consent; its text, version, day and end are kept.")
        if asked
        else say("This gallery was made for consents that are kept elsewhere: none is asked for.")
    )
    return [
        first,
        say_many(
            "A consent that ends within {n} day is told of here; the one that holds longest "
            "counts.",
            "A consent that ends within {n} days is told of here; the one that holds longest "
            "counts.",
            policy.warn_days,
        ),
        say(
            "A consent that has ended is told of among the first; the person is found until "
            "somebody withdraws the consent or erases them, on this page."
        ),
        say(
            "A withdrawn consent counts at once: the person is found no more, and their erasure "
            "is due within one month."
        ),
        say(
            "A request for erasure or for a copy of one's data is answered within one month "
            "(GDPR art. 12(3)), on the same day of the next month, or its last day."
        ),
        say_many(
            "Whoever leaves is suspended on their last day; who has been suspended for more than "
            "{n} day is told of here.",
            "Whoever leaves is suspended on their last day; who has been suspended for more than "
            "{n} days is told of here.",
            policy.suspended_days,
        ),
        *_limits(language, policy),
        say_many(
            "A stranger's face waits for review for at most {n} day, then it is deleted.",
            "A stranger's face waits for review for at most {n} days, then it is deleted.",
            round(review.days),
        )
        + " "
        + say_many("At most {n} face waits.", "At most {n} faces wait.", review.most),
        say(
            "Who is erased can be read in no backup any more, and does not come back when one is "
            "restored: the keys of the people in a backup lie apart from it, and are erased there."
        ),
        say("Nothing of a person is erased by itself: somebody confirms it, here."),
        say(
            "Who was recognised, when and where is kept nowhere, so it does not count as dealing "
            "with somebody."
        ),
    ]


def _limits(language: Language, policy: RetentionPolicy) -> list[str]:
    found = []
    if policy.idle_days is not None:
        found.append(
            language.say_many(
                "Who was not enrolled, photographed or asked for consent for {n} day is told of "
                "here.",
                "Who was not enrolled, photographed or asked for consent for {n} days is told of "
                "here.",
                policy.idle_days,
            )
        )
    if policy.purpose_ends is not None:
        day = language.day(datetime.combine(policy.purpose_ends, time(12)))
        found.append(
            language.say(
                "All this is kept for a purpose that ends on {day}; after it everybody is told of "
                "here.",
                day=day,
            )
        )
    return found
