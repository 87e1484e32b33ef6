"""One person, so that nobody takes another of the same name for them."""

import streamlit as st

from app.visit import Visit
from enrollment.people import called


def show_who(visit: Visit, subject_id: str) -> None:
    """Name, staff number, since when; nothing where they are not here any more."""
    who = visit.service.subject(subject_id)
    if who is not None:
        st.text(called(who))
        st.caption(visit.say("Enrolled on {day}", day=visit.language.day(who.enrolled_at)))
