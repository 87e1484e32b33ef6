"""A person's face, name and state, the same wherever they are shown; the name opens the person."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.person_visit import go_to
from app.plain import plain
from app.visit import Visit

Face = NDArray[np.uint8]


def show_face(visit: Visit, face: Face | None, name: str, width: int) -> None:
    """(112, 112, 3) uint8 RGB; an empty frame where no photo is kept."""
    if face is None:
        with st.container(width=width, height=width, border=True):
            st.text("")
        return
    alt = visit.say("The face of {name}", name=name)
    st.image(face, width=width, alt=alt, output_format="JPEG")


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
