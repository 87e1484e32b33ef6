"""Who passed the camera, as a table: one line a person, the newest first."""

from collections.abc import Sequence

import streamlit as st

from app.passed import MOST, Passed
from app.plain import plain
from app.verdict import decision_badge
from app.visit import Visit
from enrollment.identifier import Identification
from enrollment.rights import Right

_NOTHING = plain("-")


def show_passed(visit: Visit, passed: Sequence[Passed], threshold: float) -> None:
    """Args:
    threshold: from which score on a name is given now.
    """
    say = visit.say
    if not passed:
        st.caption(say("Whoever passes the camera gets a line here, with a name or as unknown."))
        return
    st.table([_line(visit, one, threshold) for one in passed], hide_index=True)
    st.caption(
        say("The newest {n} people, in this window alone: nothing of this list is stored.", n=MOST)
    )
    if visit.may(Right.SCORES):
        st.caption(say("A name is given from score {threshold:.3f} on.", threshold=threshold))


def _line(visit: Visit, one: Passed, threshold: float) -> dict[str, str]:
    say, language, answer = visit.say, visit.language, one.passage.answer
    score = {say("Score"): _NOTHING if answer.score is None else f"{answer.score:.3f}"}
    return {
        say("Time"): plain(language.moment(one.at)),
        say("Decision"): decision_badge(language, answer.decision),
        say("Name"): plain(answer.name) if answer.name else _NOTHING,
        **(score if visit.may(Right.SCORES) else {}),
        say("Why"): plain(_why(visit, one, threshold)) or _NOTHING,
    }


def _why(visit: Visit, one: Passed, threshold: float) -> str:
    answer = one.passage.answer
    if answer.reasons:
        return visit.language.tell_all([reason.message for reason in answer.reasons])
    if answer.decision == "known":
        return visit.say_many(
            "{n} face, after {seconds} s",
            "{n} faces agree, after {seconds} s",
            one.passage.embedded,
            seconds=visit.language.number(one.passage.seconds_to_decision, 1),
        )
    return _why_unknown(visit, answer, threshold)


def _why_unknown(visit: Visit, answer: Identification, threshold: float) -> str:
    say = visit.say
    if answer.vetoed:
        return say("somebody said of a face like this one that it is not this person")
    if answer.score is None or answer.score < threshold:
        return say("like nobody who is enrolled: the score is below the threshold")
    return say("two people are too near to each other to say which one it is")
