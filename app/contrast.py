"""What Streamlit's theme cannot say: readable colours where it uses one for two things."""

import streamlit as st

# The primary colour has to carry white letters, so in the dark it is too dark to be letters
# itself, as Streamlit makes it in what is chosen of several (4.5 : 1 is asked for by WCAG 2.2 AA).
_STYLE = """<style>
[data-testid="stButtonGroup"] button[aria-checked="true"] {
  color: light-dark(#1f5fbf, #8ab4f8);
}
</style>"""


def keep_contrast() -> None:
    st.html(_STYLE)
