"""A newcomer is as near to somebody enrolled as one person is to itself: a human decides."""

import streamlit as st

from app.draft import Request
from app.plain import plain
from app.visit import Visit
from enrollment.enroller import Collision, CollisionAnswer


def ask_about(request: Request) -> tuple[CollisionAnswer, list[Collision]]:
    """An answer from what was answered before, and the list of what has still to be asked."""
    open_questions: list[Collision] = []

    def answer(collision: Collision) -> str:
        if collision.near.subject_id in request.answers:
            return request.answers[collision.near.subject_id]
        open_questions.append(collision)
        return "cancel"

    return answer, open_questions


def show_collision(visit: Visit, collision: Collision) -> str | None:
    """Both faces and the three answers; the one that was chosen, or None so far."""
    near, say = collision.near, visit.say
    st.warning(
        plain(
            say(
                "{name} is as near to {near} (score {score:.3f}) as photos of one person are to "
                "each other. Nothing is stored until you choose.",
                name=collision.name,
                near=near.name,
                score=near.score,
            )
        ),
        title=say("Is this the same person?"),
        icon=":material/group:",
    )
    with st.container(horizontal=True, wrap=False):
        new = say("New: {name}", name=collision.name)
        with st.container(gap="xxsmall"):
            st.image(collision.crop, width="stretch", alt=new)
            st.text(new)
        enrolled = say("Enrolled: {name}", name=near.name)
        face = visit.service.face(near.subject_id)
        with st.container(gap="xxsmall"):
            if face is not None:
                st.image(face, width="stretch", alt=enrolled)
            st.text(enrolled)
    if collision.limit:
        st.caption(
            say(
                "Likeness {score:.2f}, where 1 is the same picture; from {limit:.2f} on this is "
                "asked.",
                score=near.score,
                limit=collision.limit,
            )
        )
    choices = (
        ("same", say("The same person: add the photos there"), ":material/merge:"),
        ("different", say("Different people, such as twins"), ":material/group:"),
        ("cancel", say("Cancel"), ":material/close:"),
    )
    for answer, label, icon in choices:
        if st.button(label, icon=icon, key=f"collision-{answer}"):
            return answer
    return None
