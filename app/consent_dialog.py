"""A consent is taken back, or given again."""

from datetime import datetime, timedelta

import streamlit as st

from app.consent_text import end_of_day
from app.notice import notice
from app.plain import plain, sentence
from app.privacy_dialog import ask, leave
from app.visit import Visit
from app.who import show_who
from enrollment.errors import RollcallError
from store.errors import StoreError

_YEARS = 5


def show_withdrawal(visit: Visit, subject_id: str) -> None:
    """Ask before a consent is taken back."""
    who = visit.service.subject(subject_id)
    if who is None:
        leave()
        return

    def body() -> None:
        say = visit.say
        show_who(visit, subject_id)
        st.write(
            say(
                "At once nobody finds this person any more. Their erasure is asked for, to be done "
                "within one month; erase them here when you are sure."
            )
        )
        if st.button(
            say("Withdraw the consent"), key="withdraw-yes", type="primary", icon=":material/undo:"
        ):
            try:
                due = visit.service.privacy.withdraw(subject_id)
            except (RollcallError, StoreError) as error:
                notice("privacy", "error", visit.language.tell(error.args[0]))
            else:
                done = say(
                    "The consent of {name} is withdrawn, and nobody finds them any more. Erase "
                    "them by {day}.",
                    name=who.name,
                    day=visit.language.day(due),
                )
                notice("privacy", "success", done)
            leave()

    ask(visit.say("Withdraw the consent?"), body)


def show_consent_again(visit: Visit, subject_id: str) -> None:
    """Write down that somebody has agreed again."""
    who = visit.service.subject(subject_id)
    if who is None:
        leave()
        return
    given = visit.service.consents(subject_id)
    before = given[-1].text if given else ""

    def body() -> None:
        say = visit.say
        show_who(visit, subject_id)
        text = st.text_area(
            say("The text that the person agrees to; it is stored word for word"),
            before,
            key=f"again-text-{subject_id}",
            height="content",
        )
        until = _until(visit, subject_id)
        agreed = st.checkbox(
            say("The person has read this and agrees to it"), key=f"again-yes-{subject_id}"
        )
        st.caption(say("Afterwards the person can be found again."))
        if st.button(
            say("Write it down"),
            key="again-save",
            type="primary",
            icon=":material/handshake:",
            disabled=not agreed,
        ):
            try:
                visit.service.privacy.consent_again(subject_id, text, until)
            except (RollcallError, StoreError) as error:
                st.error(
                    plain(sentence(visit.language.tell(error.args[0]))), icon=":material/error:"
                )
            else:
                done = say("The new consent of {name} is written down.", name=who.name)
                notice("privacy", "success", done)
                leave()

    ask(visit.say("Consent again"), body)


def _until(visit: Visit, subject_id: str) -> datetime | None:
    """When it ends: at the end of that day, where the visitor is."""
    say = visit.say
    today = datetime.now(visit.language.zone).date()
    if not st.checkbox(say("It ends on a day"), value=True, key=f"again-ends-{subject_id}"):
        return None
    day = st.date_input(
        say("The last day"),
        today + timedelta(days=365),
        min_value=today,
        max_value=today + timedelta(days=365 * _YEARS),
        key=f"again-day-{subject_id}",
    )
    if not hasattr(day, "year"):
        return None
    return end_of_day(day, visit.language.zone)
