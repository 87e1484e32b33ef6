"""Turning the pages of a long list."""

import streamlit as st

from app.visit import Visit


def offset_of(key: str, total: int, size: int) -> int:
    """Where the shown page of this list begins; never behind its end."""
    last = max((total - 1) // size, 0) * size
    return min(int(st.session_state.get(key, 0)), last)


def show_turning(visit: Visit, key: str, total: int, size: int) -> None:
    """Which part of the list is shown, and two buttons; nothing where all of it is."""
    if total <= size:
        return
    offset = offset_of(key, total, size)
    number = visit.language.number
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            visit.say("Back"),
            key=f"{key}-back",
            icon=":material/chevron_left:",
            disabled=offset == 0,
            on_click=_turn,
            args=(key, offset - size),
        )
        st.button(
            visit.say("Further"),
            key=f"{key}-further",
            icon=":material/chevron_right:",
            disabled=offset + size >= total,
            on_click=_turn,
            args=(key, offset + size),
        )
        st.caption(
            visit.say(
                "{first} to {last} of {total}",
                first=number(offset + 1),
                last=number(min(offset + size, total)),
                total=number(total),
            )
        )


def _turn(key: str, offset: int) -> None:
    st.session_state[key] = max(offset, 0)
