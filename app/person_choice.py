"""Choosing one person among many: type a part of the name, then choose."""

import streamlit as st

from app.plain import plain
from app.visit import Visit

_MOST = 20


def choose_person(visit: Visit, label: str, key: str) -> str | None:
    """The subject id of who was chosen; None so far."""
    say = visit.say
    typed = st.text_input(
        label,
        key=f"{key}-search",
        placeholder=say("Part of the name or of the staff number"),
        autocomplete="off",
    )
    if not typed.strip():
        return None
    found, total = visit.service.people_page(typed, limit=_MOST)
    if not found:
        st.info(say("Nobody is called so. Look for another part of the name."))
        return None
    named = {
        s.subject_id: plain(s.name + (f" [{s.external_id}]" if s.external_id else ""))
        for s in found
    }
    chosen = st.selectbox(
        visit.say_many("{n} person found", "{n} people found", total),
        list(named),
        format_func=named.__getitem__,
        index=0 if total == 1 else None,
        placeholder=say("Choose one"),
        key=f"{key}-choice-{typed}",
    )
    return str(chosen) if chosen else None
