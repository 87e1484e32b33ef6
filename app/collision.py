"""A newcomer is as near to somebody enrolled as one person is to itself: a human decides."""

import streamlit as st

from app.draft import Request
from app.plain import plain
from enrollment.enroller import Collision, CollisionAnswer
from enrollment.service import Service

_FACE = 144  # px
_CHOICES = (
    ("same", "The same person: add the photos there", ":material/merge:"),
    ("different", "Different people, such as twins", ":material/group:"),
    ("cancel", "Cancel", ":material/close:"),
)


def ask_about(request: Request) -> tuple[CollisionAnswer, list[Collision]]:
    """An answer from what was answered before, and the list of what has still to be asked."""
    open_questions: list[Collision] = []

    def answer(collision: Collision) -> str:
        if collision.near.subject_id in request.answers:
            return request.answers[collision.near.subject_id]
        open_questions.append(collision)
        return "cancel"

    return answer, open_questions


def show_collision(service: Service, collision: Collision) -> str | None:
    """Both faces and the three answers; the one that was chosen, or None so far."""
    near = collision.near
    st.warning(
        plain(
            f"{collision.name} is as near to {near.name} (score {near.score:.3f}) as photos of "
            "one person are to each other. Nothing is stored until you choose."
        ),
        title="Is this the same person?",
        icon=":material/group:",
    )
    with st.container(horizontal=True):
        with st.container(width=_FACE, gap="xxsmall"):
            st.image(collision.crop, width=_FACE, alt=f"New: {collision.name}")
            st.text(f"New: {collision.name}")
        face = service.face(near.subject_id)
        with st.container(width=_FACE, gap="xxsmall"):
            if face is not None:
                st.image(face, width=_FACE, alt=f"Enrolled: {near.name}")
            st.text(f"Enrolled: {near.name}")
    for answer, label, icon in _CHOICES:
        if st.button(label, icon=icon, key=f"collision-{answer}"):
            return answer
    return None
