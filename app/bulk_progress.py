"""How far the enrolling of many people is, drawn anew every second until it has ended."""

from datetime import UTC, datetime

import streamlit as st

from app.bulk_results import counts_in_words, show_results
from app.bulk_work import results_of
from app.plain import plain, sentence
from app.tasks import Task
from app.visit import Visit

_LEAST_SECONDS = 3.0  # before that nobody can say how long it takes


@st.fragment(run_every=1)
def show_progress(visit: Visit, task: Task) -> None:
    """The bar, who is worked on, what came of the others, and a button that ends it."""
    if not task.running:
        st.rerun()
    say = visit.say
    results = results_of(task)
    number = visit.language.number
    at = plain(sentence(visit.language.tell(task.stage)))
    photos = say("{done} of {total} photos", done=number(task.done), total=number(task.total))
    st.progress(task.share, text=f"{plain(photos)} · {at}")
    st.text(_pace(visit, task))
    st.text(counts_in_words(visit, results))
    stopping = st.session_state.get("bulk-stopping") is task
    st.button(
        say("Stop"),
        icon=":material/stop_circle:",
        key="bulk-stop",
        disabled=stopping,
        on_click=_stop,
        args=(task,),
        help=say("Everybody who was enrolled until then stays."),
    )
    if stopping:
        st.text(say("It stops after this photo."))
    show_results(visit, results)


def _stop(task: Task) -> None:
    st.session_state["bulk-stopping"] = task
    task.stop()


def _pace(visit: Visit, task: Task) -> str:
    seconds = (datetime.now(UTC) - task.started).total_seconds()
    if seconds < _LEAST_SECONDS or not task.done:
        return visit.say("It has just begun.")
    pace = task.done / seconds
    left = (task.total - task.done) / pace
    return visit.say(
        "{pace} photos per second, about {left} left",
        pace=visit.language.number(pace, 1),
        left=visit.language.duration(left),
    )
