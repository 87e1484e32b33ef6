"""Choosing one person among many: type a part of the name, then choose."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

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
    named = _told_apart([(s.subject_id, s.name, s.external_id) for s in found])
    chosen = st.selectbox(
        visit.say_many("{n} person found", "{n} people found", total),
        list(named),
        format_func=named.__getitem__,
        index=0 if total == 1 else None,
        placeholder=say("Choose one"),
        key=f"{key}-choice-{typed}",
    )
    return str(chosen) if chosen else None


def _told_apart(people: Sequence[tuple[str, str, str | None]]) -> Mapping[str, str]:
    """Subject id -> what is shown. No two alike: Streamlit takes options of one text for one."""
    named = {
        subject_id: f"{name} [{external_id}]" if external_id else name
        for subject_id, name, external_id in people
    }
    often = Counter(named.values())
    return {
        subject_id: f"{shown} ({subject_id[:8]})" if often[shown] > 1 else shown
        for subject_id, shown in named.items()
    }
