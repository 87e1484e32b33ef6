"""Which language a visitor reads: the browser's, until another one is chosen."""

import streamlit as st

from app.language import Language, languages, nearest_language, zone_of

_KEY = "language"


def chosen_language() -> Language:
    code = st.session_state.get(_KEY) or nearest_language(st.context.locale)
    return Language(code, zone_of(st.context.timezone))


def show_language_choice(language: Language) -> None:
    known = languages()
    st.session_state.setdefault(_KEY, language.code)
    st.selectbox(language.say("Language"), list(known), format_func=known.__getitem__, key=_KEY)
