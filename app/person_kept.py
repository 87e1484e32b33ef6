"""What is kept of a person: the photos, and what was agreed to."""

import streamlit as st

from app.person_face import show_face
from app.person_visit import PersonVisit
from app.plain import plain
from app.visit import Visit
from enrollment.lineage import lineage
from enrollment.people import Person
from enrollment.portrait import thumbnail_of
from enrollment.profile import KeptPhoto

_FACE = 88  # px
_MOST = 12


def show_photos(visit: Visit, state: PersonVisit, person: Person) -> None:
    """Each kept photo's face, newest first: where it came from, and how good it is."""
    say = visit.say
    st.subheader(say("Photos"))
    if not person.templates:
        st.info(
            plain(say("No photo is kept. Open Enroll in the menu and add some to this name.")),
            icon=":material/add_a_photo:",
        )
        return
    newest = None if state.all_photos else _MOST
    photos = visit.service.profiles.photos(person.subject_id, newest)[::-1]
    for photo in photos:
        with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False):
            face = thumbnail_of(photo.image, photo.details)
            show_face(visit, face, person.name, _FACE)
            with st.container(gap=None):  # else a long file name is cut off on a telephone
                for line in _told(visit, photo):
                    st.text(line)
    if person.templates > len(photos):
        st.button(
            visit.say_many("Show all {n} photo", "Show all {n} photos", person.templates),
            icon=":material/expand_more:",
            on_click=setattr,
            args=(state, "all_photos", True),
        )
    with st.expander(say("Quality in numbers")):
        for photo in photos:
            st.text(str(photo.details.get("source", photo.sample_id)))
            st.caption(plain(_quality(visit, photo)))


def _told(visit: Visit, photo: KeptPhoto) -> list[str]:
    say, told = visit.say, lineage(photo)
    kept = visit.language.moment(photo.captured_at)
    if told["origin"] != "review":
        source = str(told.get("source", ""))
        return [source, say("given as a photo, kept {when}", when=kept)]
    return [
        str(told.get("source", "")),
        say("seen at the door, kept {when}", when=kept),
        say("assigned by {who}", who=told.get("assigned_by", say("nobody known"))),
    ]


def _quality(visit: Visit, photo: KeptPhoto) -> str:
    found = photo.details.get("quality")
    numbers = found if isinstance(found, dict) else {}
    return ", ".join(
        f"{_measure(visit, key)} {visit.language.number(float(value), 2)}"
        for key, value in numbers.items()
    )


def _measure(visit: Visit, key: str) -> str:
    say = visit.say
    words = {
        "face_px": say("face (px)"),
        "sharpness": say("sharpness"),
        "brightness": say("brightness"),
        "contrast": say("contrast"),
        "yaw": say("turned (°)"),
        "pitch": say("nodded (°)"),
        "roll": say("tilted (°)"),
        "confidence": say("detector's confidence"),
    }
    return words.get(key, key)


def show_consents(visit: Visit, family: list[Person]) -> None:
    """Word for word, of the person and of everybody merged into them."""
    say = visit.say
    st.subheader(say("Consent"))
    consents = [c for member in family for c in visit.service.consents(member.subject_id)]
    if not consents:
        st.text(say("None is kept."))
    bases = {
        "consent": say("the person's consent"),
        "policy-none": say("none: this gallery asks for no consent"),
    }
    for consent in consents:
        with st.container(border=True):
            if consent.text:
                st.text(consent.text)
            basis = bases.get(consent.basis, consent.basis)
            st.caption(plain(say("Basis: {basis}", basis=basis)))
            given = visit.language.moment(consent.given_at)
            st.caption(plain(say("Given {when}", when=given)))
            if consent.withdrawn_at is not None:
                when = visit.language.moment(consent.withdrawn_at)
                st.caption(plain(say("Withdrawn {when}", when=when)))
