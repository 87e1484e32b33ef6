"""One person on the way into the gallery, kept in the visitor's session between two runs."""

from dataclasses import dataclass, field, replace
from datetime import date

import streamlit as st

from app.tasks import Task
from enrollment.consent_version import consent_version
from enrollment.enroller import Collision, SubjectReport
from enrollment.foresight import Verdict
from enrollment.guide import Guide
from enrollment.intake import Enrollee
from enrollment.photo import Photo


@dataclass(frozen=True)
class Given:
    """A photo, and what the form knows it by: the same from run to run."""

    key: str
    photo: Photo


@dataclass
class Request:
    """What was sent off with the button, as it was then.

    answers: to collisions, by the id of the person whom this one is near to.
    until: the day on which the consent ends.
    newcomer: nobody of this name was enrolled then.
    keys: what the form knows the person's photos by.
    again: the number of the one photo of an enrolled person that is kept all the same.
    """

    person: Enrollee
    consent: str | None
    answers: dict[str, str] = field(default_factory=dict)
    until: date | None = None
    newcomer: bool = False
    keys: tuple[str, ...] = ()
    again: int | None = None

    @property
    def found_another(self) -> bool:
        """If photos were added to somebody, that is news: nobody here said who that is."""
        return self.newcomer and "same" not in self.answers.values()


@dataclass
class Draft:
    """Everything typed and taken so far, and what came of it.

    turn: part of the fields' keys; another turn gives empty fields.
    drawn: the form was shown in this session. reconnected: the browser held what was typed into
    the form of an earlier one.
    consent: the text where the operator wrote another; None: the offered one.
    guide: with the views that were taken while filming.
    shown: which of these the page shows.
    words: what somebody said of a photo, by its key: an insisted photo or a pressed face.
    pressed: which button was pressed, "enroll", "look" or "again", for this run to act on.
    again: of which photo of the enrolled person somebody said what, as `words` has it.
    complaining: missing and wrong fields are named, because a button was pressed with them.
    sent: the photos that the report is about, in its order.
    task: the photos are being looked at.
    verdict, verdict_of: what was said before anything is stored, and of which photos.
    """

    turn: int = 0
    drawn: bool = False
    reconnected: bool = False
    name: str = ""
    external_id: str = ""
    consent: str | None = None
    agreed_to: str | None = None
    until: date | None = None
    shots: list[Given] = field(default_factory=list)
    taken: int = 0
    guide: Guide | None = None
    shown: object = None
    words: dict[str, tuple[bool, int | None]] = field(default_factory=dict)
    pressed: str | None = None
    again: tuple[int, bool, int | None] | None = None
    complaining: bool = False
    refusal: str | None = None
    task: Task | None = None
    request: Request | None = None
    sent: tuple[Photo, ...] = ()
    collision: Collision | None = None
    report: SubjectReport | None = None
    verdict: Verdict | None = None
    verdict_of: object = None

    def key(self, field_name: str) -> str:
        return f"enroll-{field_name}-{self.turn}"

    def agreed_key(self, text: str) -> str:
        """Another text is another question: the box is empty again."""
        return self.key(f"agreed-{consent_version(text)}")

    def filmed(self) -> list[Given]:
        """The views taken while filming."""
        shots = self.guide.shots if self.guide else ()
        return [Given(f"filmed-{shot.number}", shot.photo) for shot in shots]

    def worded(self, given: Given) -> Photo:
        """The photo with what was said of it."""
        insisted, face = self.words.get(given.key, (False, None))
        return replace(given.photo, insisted=insisted, face=face)


def current_draft() -> Draft:
    if "enroll-draft" not in st.session_state:
        st.session_state["enroll-draft"] = Draft()
    draft: Draft = st.session_state["enroll-draft"]
    return draft


def next_person() -> None:
    """Empty the form; the text of the consent and its end stay as they were last written."""
    old = current_draft()
    st.session_state["enroll-draft"] = Draft(
        turn=old.turn + 1, consent=old.consent, until=old.until
    )


def more_photos() -> None:
    """The same person and consent again, without photos."""
    old = current_draft()
    st.session_state["enroll-draft"] = Draft(
        turn=old.turn + 1,
        name=old.name,
        external_id=old.external_id,
        consent=old.consent,
        agreed_to=old.agreed_to,
        until=old.until,
    )
