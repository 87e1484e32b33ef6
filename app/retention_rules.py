"""For how long what is kept, in words made from the values in force."""

import streamlit as st

from app.plain import plain
from app.retention_text import rules_of
from app.visit import Visit


def show_rules(visit: Visit) -> None:
    privacy = visit.service.privacy
    rules = rules_of(
        visit.language, privacy.policy, privacy.review_policy, asked=privacy.consent_required
    )
    for rule in rules:
        st.markdown(f"- {rule}")
    _show_texts(visit)


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
