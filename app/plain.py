"""Text that is shown as it is, in places where Streamlit would read Markdown."""

import re

# Streamlit replaces these in text that Markdown has parsed already, so a backslash does not help:
# icons and emoji, links without brackets, arrows and dashes.
_REPLACED = re.compile(
    r"(?<=[:@])(?=\S)|(?<=-)(?=[->])|(?<=[<>=~])(?=[-=])|(?<=www)(?=\.)", re.IGNORECASE
)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_WORD_JOINER = "\u2060"  # invisible, and no space


def plain(text: str) -> str:
    """`text` for st.error, st.table and the like: names and messages are never markup."""
    return _PUNCTUATION.sub(r"\\\1", _REPLACED.sub(_WORD_JOINER, " ".join(text.split())))


def sentence(text: str) -> str:
    """A message of the rooms below, which begin small, as it stands on a page of its own."""
    return text[:1].upper() + text[1:]
