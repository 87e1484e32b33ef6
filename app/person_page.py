"""One person whole."""

import streamlit as st

from app.erase_dialog import erase_dialog, show_erased
from app.merge_dialog import merge_dialog
from app.person_actions import show_actions
from app.person_face import show_face, show_name, show_state
from app.person_found import show_found, show_heads, show_neighbours
from app.person_kept import show_consents, show_photos
from app.person_visit import PersonVisit, go_to, go_to_list, visit_of
from app.plain import plain, sentence
from app.rename_dialog import rename_dialog
from app.visit import Visit
from enrollment.errors import BadInput
from enrollment.people import Person

_FACE = 112  # px
_DIALOGS = {"rename": rename_dialog, "merge": merge_dialog, "erase": erase_dialog}


def show_person(visit: Visit, subject_id: str) -> None:
    """The page of the person with this id; says so when there is nobody."""
    say = visit.say
    state = visit_of(subject_id)
    family = visit.service.profiles.family(subject_id)
    st.button(say("All people"), icon=":material/arrow_back:", type="tertiary", on_click=go_to_list)
    if not family:
        st.title(say("People"))
        if state.erased:
            show_erased(visit, state)
        else:
            nobody = say(
                "There is nobody with this id. The person was erased, or the address is wrong."
            )
            st.warning(plain(nobody), icon=":material/person_off:")
        return
    person, *merged = family
    _show_header(visit, person)
    _say_outcome(visit, state)
    if person.merged_into is not None:
        _show_merged_away(visit, state, person)
        return
    show_actions(visit, state, person)
    if state.open is not None:
        _DIALOGS[state.open](visit, state, person)
    if merged:
        _show_merged(visit, state, merged)
    show_photos(visit, state, person)
    show_found(visit, person)
    show_neighbours(visit, person)
    show_consents(visit, family)
    show_heads(visit, person)


def _show_header(visit: Visit, person: Person) -> None:
    say = visit.say
    st.title(plain(person.name))
    face = visit.service.profiles.faces([person.subject_id]).get(person.subject_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        show_face(visit, face, person.name, _FACE)
        with st.container(gap="xxsmall", width="content"):
            show_state(visit, person.state)
            number = person.external_id or say("none")
            st.text(say("Staff number: {number}", number=number))
            st.text(say("Enrolled: {when}", when=visit.language.moment(person.enrolled_at)))
            st.text(say("Id: {id}", id=person.subject_id))


def _say_outcome(visit: Visit, state: PersonVisit) -> None:
    if state.said is not None:
        st.success(plain(state.said), icon=":material/check_circle:")
    if state.refused is not None:
        st.error(
            plain(sentence(visit.language.tell(state.refused))),
            title=visit.say("Nothing was changed"),
            icon=":material/error:",
        )


def _show_merged_away(visit: Visit, state: PersonVisit, person: Person) -> None:
    say, into = visit.say, str(person.merged_into)
    other = visit.service.profiles.some([into]).get(into)
    if other is None:  # erased between the two questions, and this person with it
        return
    text = say("Merged: this person answers as {name}.", name=other.name)
    st.info(plain(text), icon=":material/merge:")
    with st.container(horizontal=True):
        st.button(
            plain(say("Open {name}", name=other.name)), type="primary", on_click=go_to, args=(into,)
        )
        _unmerge_button(visit, state, person)


def _show_merged(visit: Visit, state: PersonVisit, merged: list[Person]) -> None:
    say = visit.say
    st.subheader(say("Merged into this person"))
    faces = visit.service.profiles.faces([other.subject_id for other in merged])
    for other in merged:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            show_face(visit, faces.get(other.subject_id), other.name, 56)
            show_name(other.name, other.subject_id, f"merged-{other.subject_id}")
            _unmerge_button(visit, state, other)


def _unmerge_button(visit: Visit, state: PersonVisit, other: Person) -> None:
    label = plain(visit.say("Unmerge {name}", name=other.name))
    key = f"unmerge-{other.subject_id}"
    if st.button(label, key=key, icon=":material/call_split:"):
        try:
            visit.service.unmerge(other.subject_id)
            state.end(visit.say("{name} is a person of their own again.", name=other.name))
        except BadInput as error:
            state.end(refused=error.args[0])
        st.rerun()
