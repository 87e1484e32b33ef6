"""Which wording somebody agreed to: a few digits that change with any letter of it."""

import hashlib

_DIGITS = 8


def version_of(text: str) -> str:
    """The first digits of the text's SHA-256: nobody has to number texts, or can forget to."""
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
