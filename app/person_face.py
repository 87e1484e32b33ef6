"""A person's face, name and state, the same wherever they are shown; the name opens the person."""

from base64 import b64encode
from collections.abc import Callable

import streamlit as st

from app.person_visit import go_to
from app.plain import plain
from app.visit import Visit


def show_face(visit: Visit, face: bytes | None, name: str, width: int) -> None:
    """face: a JPEG; an empty frame where no photo is kept."""
    if face is None:
        with st.container(width=width, height=width, border=True):
            st.text("")
        return
    alt = visit.say("The face of {name}", name=name)
    st.image(in_the_page(face), width=width, alt=alt)


def in_the_page(face: bytes) -> str:
    """A JPEG as an address that holds it: a file of its own would stay in the server's memory, in
    the clear, and takes Streamlit longer."""
    return f"data:image/jpeg;base64,{b64encode(face).decode()}"


def show_name(
    name: str, subject_id: str, key: str, on_click: Callable[[str], None] = go_to
) -> None:
    st.button(plain(name), key=key, type="tertiary", on_click=on_click, args=(subject_id,))


def show_state(visit: Visit, state: str) -> None:
    words = {
        "active": (visit.say("active"), "green", "check"),
        "suspended": (visit.say("suspended"), "orange", "pause"),
        "merged": (visit.say("merged"), "gray", "merge"),
    }
    word, colour, icon = words[state]
    st.markdown(f":{colour}-badge[:material/{icon}: {word}]")
