"""Who was set aside because they look like somebody enrolled: asked about one after the other."""

import streamlit as st

from app.bulk_work import answered, results_of
from app.collision import show_collision
from app.plain import plain
from app.tasks import Task
from app.visit import Visit
from enrollment.bulk import BulkResult, Outcome, Question, left_out

_DRAWN = "bulk-question"


def show_questions(visit: Visit, task: Task) -> None:
    """The first question that is still open, with both faces and the answers."""
    say = visit.say
    asked = [result for result in results_of(task) if result.question is not None]
    if not asked:
        return
    result = asked[0]
    question = result.question
    if question is None:
        return
    st.subheader(
        plain(
            visit.say_many(
                "{n} person looks like somebody enrolled",
                "{n} people look like somebody enrolled",
                len(asked),
            )
        )
    )
    st.text(say("One after the other. Who is cancelled is left out."))
    drawn: object = st.session_state.get(_DRAWN)
    answer = show_collision(visit, question.collision)
    st.divider()
    st.session_state[_DRAWN] = question
    # The second of two clicks belongs to the question before, whose buttons were in this place.
    if answer is not None and drawn is question:
        _act(visit, task, result, question, answer)
        st.rerun()


def _act(visit: Visit, task: Task, result: BulkResult, question: Question, answer: str) -> None:
    if answer == "cancel":
        _replace(task, result, left_out(result))
        return
    with st.spinner(visit.say("Looking at the photos")):
        now = answered(visit.service, question, answer)
    _replace(task, result, now)
    if now.outcome in (Outcome.ENROLLED, Outcome.ADDED):
        said = visit.say("{name}: {kept} photos were kept", name=result.name, kept=now.kept)
        st.toast(plain(said), icon=":material/check_circle:")


def _replace(task: Task, old: BulkResult, new: BulkResult) -> None:
    for i, result in enumerate(task.results):
        if result is old:  # else another visitor has answered it meanwhile
            task.results[i] = new
