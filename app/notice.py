"""What became of the last press, said once at the top of the page it was made on."""

import streamlit as st

from app.plain import plain, sentence

_ICONS = {"success": "check_circle", "error": "error", "info": "info"}


def notice(page: str, kind: str, text: str) -> None:
    """Say `text` ("success", "error" or "info") when the page is drawn next. Plain text."""
    st.session_state[f"{page}-notice"] = (kind, text)


def show_notice(page: str) -> None:
    said = st.session_state.pop(f"{page}-notice", None)
    if said is not None:
        kind, text = said
        draw = {"success": st.success, "error": st.error, "info": st.info}[kind]
        draw(plain(sentence(text)), icon=f":material/{_ICONS[kind]}:")
