"""When the gallery learns: the last night, and what is known of the next."""

import streamlit as st

from app.plain import plain
from app.visit import Visit
from app.way import show_way


def show_night(visit: Visit) -> None:
    say = visit.say
    st.subheader(say("Night"))
    st.text(last_night(visit))
    st.caption(
        plain(
            say(
                "rollcall serve runs the night once a day, at 02:00 UTC unless it was started with "
                "--nightly-at, and makes up for one that was missed a minute after its start. "
                "Whether this server was told another time is not known here."
            )
        )
    )
    show_way(visit, "nightly", say("All nights"), "bedtime")


def last_night(visit: Visit) -> str:
    """What became of the latest one, in a sentence."""
    say, language = visit.say, visit.language
    night = visit.service.last_night()
    if night is None:
        return say("No night has been run yet.")
    if night.finished_at is None:
        return say("A night is being run since {moment}.", moment=language.moment(night.started_at))
    outcomes = {
        "promoted": say("what was learnt serves"),
        "refused": say("nothing new serves, because something would get worse"),
    }
    outcome = str(night.details.get("outcome"))
    return say(
        "Last night, {moment}: {outcome}.",
        moment=language.moment(night.finished_at),
        outcome=outcomes.get(outcome, outcome),
    )
