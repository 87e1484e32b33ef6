"""Which question the privacy page asks now: one at a time, and until it is answered."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

_KEY = "privacy-dialog"


@dataclass(frozen=True)
class Dialog:
    """kind: which question. about: the id of the person or request that it is about."""

    kind: str
    about: str


def opened() -> Dialog | None:
    found = st.session_state.get(_KEY)
    return found if isinstance(found, Dialog) else None


def open_dialog(kind: str, about: str = "") -> None:
    st.session_state[_KEY] = Dialog(kind, about)


def close_dialog() -> None:
    st.session_state.pop(_KEY, None)


def ask(title: str, body: Callable[[], None]) -> None:
    """Draw the question over the page."""
    st.dialog(title, on_dismiss=close_dialog)(body)()


def leave() -> None:
    """Close the question and draw the page anew; nothing behind it is run."""
    close_dialog()
    st.rerun()
