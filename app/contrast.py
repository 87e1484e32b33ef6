"""What Streamlit's theme cannot say: colours that can be read (4.5 : 1, WCAG 2.1 AA)."""

import streamlit as st

# The primary colour has to carry white letters, so in the dark it is too dark to be letters
# itself, as Streamlit makes it in what is chosen of several; and captions are too pale by light.
_STYLE = """<style>
[data-testid="stButtonGroup"] button[aria-checked="true"] p,
[data-testid="stSliderThumbValue"], [data-testid="stSliderThumbValue"] p {
  color: light-dark(#1f5fbf, #8ab4f8);
}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {
  color: light-dark(#5d5c5a, #b0aeab);
  opacity: 1;
}
</style>"""


def keep_contrast() -> None:
    st.html(_STYLE)
