"""Which person a visitor looks at, and what is open there, kept between two runs."""

from dataclasses import dataclass, field

import streamlit as st

from enrollment.erasure import ErasureReceipt

ADDRESS = "id"  # as in /people?id=..., so that a person can be linked to
_STATE = "person-visit"


@dataclass
class PersonVisit:
    """open: the dialog that is open: "rename", "merge" or "erase". said: what has just been done.

    name: as it was when renaming began. wanted: the name that others have already. other: who is
    picked to be merged. receipt, unfinished: of an erasure; one of them, once it was done.
    turn: part of the fields' keys; another turn gives empty fields.
    """

    subject_id: str
    open: str | None = None
    said: str | None = None
    refused: str | None = None
    name: str = ""
    wanted: str | None = None
    other: str | None = None
    receipt: ErasureReceipt | None = None
    erased: bool = False
    unfinished: str | None = None
    turn: int = 0
    all_photos: bool = field(default=False)

    def key(self, field_name: str) -> str:
        return f"person-{field_name}-{self.subject_id}-{self.turn}"

    def start(self, dialog: str, other: str | None = None, name: str = "") -> None:
        """Open a dialog with empty fields."""
        self.open, self.other, self.name = dialog, other, name
        self.said = self.refused = self.wanted = None
        self.turn += 1

    def end(self, said: str | None = None, refused: str | None = None) -> None:
        """Close the dialog; say what came of it."""
        self.open = self.other = self.wanted = None
        self.said, self.refused = said, refused


def visit_of(subject_id: str) -> PersonVisit:
    """The visit of this person; a new one when another person was looked at before."""
    state = st.session_state.get(_STATE)
    if not isinstance(state, PersonVisit) or state.subject_id != subject_id:
        state = PersonVisit(subject_id)
        st.session_state[_STATE] = state
    return state


def go_to(subject_id: str, said: str | None = None) -> None:
    """Show this person at the next run."""
    st.session_state[_STATE] = PersonVisit(subject_id, said=said)
    st.query_params[ADDRESS] = subject_id


def go_to_list() -> None:
    """Show everybody at the next run."""
    st.session_state.pop(_STATE, None)
    st.query_params.pop(ADDRESS, None)
