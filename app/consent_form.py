"""What the person agrees to: read first, ticked, and kept word for word with its version."""

from datetime import date, datetime, timedelta

import streamlit as st

from app.consent_text import offered_consent
from app.draft import Draft
from app.visit import Visit
from enrollment.consent_version import consent_version


def ask_consent(visit: Visit, draft: Draft) -> str | None:
    """Show the text and ask for the tick; what is missing, or None."""
    say = visit.say
    text = _text(visit, draft)
    with st.container(border=True):
        st.text(text)
    st.caption(
        say(
            "Version {version}. This text, its version, the time and who enrolls ({actor}) are "
            "kept with the person.",
            version=consent_version(text),
            actor=visit.service.acting.actor,
        )
    )
    with st.expander(say("Write another text, or set an end")):
        st.text_area(
            say("The text that the person agrees to; it is stored word for word"),
            key=_text_key(visit, draft),
            height="content",
        )
        draft.until = _until(visit, draft)
    key = draft.agreed_key(text)
    agreed = st.checkbox(
        say("The person has read this and agrees to it"), draft.agreed_to == text, key=key
    )
    draft.agreed_to = text if agreed else None
    if not text:
        return say("The text is empty: write what the person agrees to.")
    if not agreed:
        return say("There is no consent yet: tick the box when the person has agreed.")
    return None


def _text_key(visit: Visit, draft: Draft) -> str:
    """A field for each language: the text that is offered follows the language."""
    return draft.key(f"consent-{visit.language.code}")


def _text(visit: Visit, draft: Draft) -> str:
    offered, key = offered_consent(visit.language), _text_key(visit, draft)
    st.session_state.setdefault(key, offered if draft.consent is None else draft.consent)
    text = str(st.session_state[key]).strip()
    draft.consent = None if text == offered else text
    return text


def _until(visit: Visit, draft: Draft) -> date | None:
    key = draft.key("until")
    st.session_state.setdefault(key, draft.until)
    chosen = st.date_input(
        visit.say("The consent ends after this day (optional)"),
        key=key,
        value=None,
        min_value=datetime.now(visit.language.zone).date() + timedelta(days=1),
        help=visit.say("Empty: it holds until the person withdraws it."),
    )
    return chosen if isinstance(chosen, date) else None
