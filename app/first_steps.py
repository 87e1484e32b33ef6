"""From an empty gallery to the first person recognised, in three steps that tick themselves off."""

from dataclasses import dataclass

import streamlit as st

from app.visit import Visit
from app.way import go, show_way

# A gallery of that many has seen its first steps, whatever this process remembers.
_SETTLED = 10


@dataclass(frozen=True)
class FirstSteps:
    enrolled: bool
    recognised: bool
    colleagues: bool
    night: bool

    @property
    def done(self) -> bool:
        return self.enrolled and self.recognised and self.colleagues


def first_steps(visit: Visit) -> FirstSteps | None:
    """How far the first steps are; None where they are behind us."""
    people = visit.service.count()
    if people >= _SETTLED:
        return None
    night = visit.service.last_night() is not None
    recognised = people > 0 and (night or visit.service.has_recognised)
    steps = FirstSteps(people > 0, recognised, people > 1, night)
    return None if steps.done and steps.night else steps


def show_first_steps(visit: Visit, steps: FirstSteps) -> None:
    say = visit.say
    if not steps.enrolled:
        st.write(say("Three steps to the first person who is recognised; two minutes are enough."))
    _enroll(visit, steps)
    _try(visit, steps)
    _go_on(visit, steps)


def _enroll(visit: Visit, steps: FirstSteps) -> None:
    say = visit.say
    with st.container(border=True):
        _head(visit, say("1. Enroll the first person"), steps.enrolled)
        if steps.enrolled:
            return
        st.write(
            say(
                "A name, a consent and three photos that look into the camera, in good light: "
                "from a camera or from files. Begin with yourself."
            )
        )
        if visit.may_open("enroll") and st.button(
            say("Enroll the first person"),
            key="start-enroll",
            type="primary",
            icon=":material/person_add:",
        ):
            go("enroll")


def _try(visit: Visit, steps: FirstSteps) -> None:
    say = visit.say
    with st.container(border=True):
        _head(visit, say("2. See that they are recognised"), steps.recognised)
        if steps.recognised:
            return
        if not steps.enrolled:
            st.write(say("It works at once: no training, no waiting."))
            return
        st.write(
            say(
                "Give another photo of them, or look into the camera. About nine of ten such "
                "photos are recognised at once; more when more people are enrolled."
            )
        )
        if visit.may_open("identify") and st.button(
            say("Recognise somebody"),
            key="start-identify",
            type="primary",
            icon=":material/person_search:",
        ):
            go("identify")


def _go_on(visit: Visit, steps: FirstSteps) -> None:
    say = visit.say
    with st.container(border=True):
        _head(visit, say("3. What comes then"), steps.done)
        st.write(
            say(
                "Enroll your colleagues: the threshold that keeps strangers out is measured on "
                "them. At night the gallery learns by itself. A camera can watch the door."
            )
        )
        with st.container(horizontal=True):
            show_way(visit, "enroll", say("Enroll a colleague"), "person_add")
            show_way(visit, "bulk", say("Enroll many"), "group_add")
            show_way(visit, "nightly", say("Nightly"), "bedtime")
            show_way(visit, "door", say("Door"), "door_front")


def _head(visit: Visit, title: str, done: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(title, width="content")
        if done:
            st.badge(visit.say("done"), icon=":material/check:", color="green")
