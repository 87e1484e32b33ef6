"""For how long what is kept, in words made from the values in force."""

import streamlit as st

from app.plain import plain
from app.visit import Visit


def show_rules(visit: Visit) -> None:
    for rule in _rules(visit):
        st.markdown(f"- {rule}")
    _show_texts(visit)


def _rules(visit: Visit) -> list[str]:
    say, say_many, privacy = visit.say, visit.say_many, visit.service.privacy
    policy, review = privacy.policy, privacy.review_policy
    first = (
        say("Nobody is enrolled without a consent; its text, version, day and end are kept.")
        if privacy.consent_required
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
            "Who has been suspended for more than {n} day is told of here.",
            "Who has been suspended for more than {n} days is told of here.",
            policy.suspended_days,
        ),
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
            "Who was recognised, when and where is kept nowhere, so nobody is told of for not "
            "having been seen for long."
        ),
    ]


def _show_texts(visit: Visit) -> None:
    say, texts = visit.say, visit.service.privacy.texts()
    st.subheader(say("What people agreed to"))
    if not texts:
        st.info(
            say(
                "Nobody has agreed to anything yet. Enroll somebody: their consent is "
                "asked for first."
            )
        )
    for text in texts:
        title = visit.say_many(
            "Text {version}: {n} person, since {day}",
            "Text {version}: {n} people, since {day}",
            text.people,
            version=plain(text.version),
            day=visit.language.day(text.first_given_at),
        )
        with st.expander(title):
            st.text(text.text)
