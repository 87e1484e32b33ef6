"""One person on the way into the gallery, kept in the visitor's session between two runs."""

from dataclasses import dataclass, field
from hashlib import sha256

import streamlit as st

from enrollment.enroller import Collision, SubjectReport
from enrollment.intake import Enrollee
from enrollment.photo import Photo

# What a person agrees to unless the operator writes something else: who, what for, for how long,
# and how to withdraw.
CONSENT = """\
Who: the company that runs this Rollcall, on a machine of its own.
What: cut-outs of my face from the photos I give, and numbers computed from them, both encrypted.
What for: to recognise me, by name, in front of the company's own cameras and on its own photos.
How long: until I withdraw, or leave the company.
How to withdraw: I tell the person who enrolled me, at any time and without a reason. \
Everything is then erased."""


@dataclass
class Request:
    """What was sent off with the button, as it was then.

    answers: to collisions, by the id of the person whom this one is near to.
    """

    person: Enrollee
    consent: str | None
    answers: dict[str, str] = field(default_factory=dict)


@dataclass
class Draft:
    """Everything typed and taken so far, and what came of it.

    turn: part of the fields' keys; another turn gives empty fields.
    pressed: the button was pressed and this run is to act on it.
    complaining: missing and wrong fields are named, because the button was pressed with them.
    """

    turn: int = 0
    name: str = ""
    external_id: str = ""
    consent: str = CONSENT
    agreed_to: str | None = None
    shots: list[Photo] = field(default_factory=list)
    taken: int = 0
    pressed: bool = False
    complaining: bool = False
    refusal: str | None = None
    request: Request | None = None
    collision: Collision | None = None
    report: SubjectReport | None = None

    def key(self, field_name: str) -> str:
        return f"enroll-{field_name}-{self.turn}"

    @property
    def agreed_key(self) -> str:
        """Another text is another question: the box is empty again."""
        return self.key(f"agreed-{sha256(self.consent.encode()).hexdigest()[:8]}")


def current_draft() -> Draft:
    if "enroll-draft" not in st.session_state:
        st.session_state["enroll-draft"] = Draft()
    draft: Draft = st.session_state["enroll-draft"]
    return draft


def next_person() -> None:
    """Empty the form; the text of the consent stays as it was last written."""
    old = current_draft()
    st.session_state["enroll-draft"] = Draft(turn=old.turn + 1, consent=old.consent)


def more_photos() -> None:
    """The same person and consent again, without photos."""
    old = current_draft()
    st.session_state["enroll-draft"] = Draft(
        turn=old.turn + 1,
        name=old.name,
        external_id=old.external_id,
        consent=old.consent,
        agreed_to=old.agreed_to,
    )
