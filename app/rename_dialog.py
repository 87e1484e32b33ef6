"""Another name for a person; a name that somebody has already is a question."""

import streamlit as st

from app.person_face import show_face
from app.person_visit import PersonVisit
from app.plain import plain, sentence
from app.visit import Visit
from enrollment.errors import BadInput
from enrollment.intake import MAX_NAME, check_name
from enrollment.people import Person
from store.errors import StoreError

_FACE = 112  # px


def rename_dialog(visit: Visit, state: PersonVisit, person: Person) -> None:
    """Open it; `state` says how far it has come."""
    say = visit.say

    @st.dialog(say("Rename"), icon=":material/edit:", on_dismiss=state.end)
    def show() -> None:
        if state.wanted is not None:
            _ask_same_name(visit, state, person, state.wanted)
        else:
            _ask_name(visit, state, person)

    show()


def _ask_name(visit: Visit, state: PersonVisit, person: Person) -> None:
    say, key = visit.say, state.key("name")
    if state.name != person.name:
        changed = say(
            "Somebody else has renamed this person from {old} to {new} meanwhile.",
            old=state.name,
            new=person.name,
        )
        st.warning(plain(changed), icon=":material/group:")
    st.session_state.setdefault(key, person.name)
    name = st.text_input(
        say("Name"),
        key=key,
        help=say("Letters of any alphabet; at most {most}.", most=MAX_NAME),
        autocomplete="off",
    ).strip()
    if not st.button(say("Save"), type="primary", icon=":material/check:"):
        return
    try:
        check_name(name)
        others = visit.service.profiles.same_name(name, person.subject_id)
        if others:
            state.wanted = name
        else:
            _rename(visit, state, person, name)
    except BadInput as error:
        st.error(plain(sentence(visit.language.tell(error.args[0]))), icon=":material/error:")
        return
    st.rerun()


def _rename(visit: Visit, state: PersonVisit, person: Person, name: str) -> None:
    try:
        visit.service.rename(person.subject_id, name, same_name=state.wanted is not None)
        state.end(visit.say("{old} is called {new} now.", old=person.name, new=name))
    except (BadInput, StoreError) as error:
        state.end(refused=error.args[0])


def _ask_same_name(visit: Visit, state: PersonVisit, person: Person, name: str) -> None:
    """Both faces and what can be meant."""
    say, profiles = visit.say, visit.service.profiles
    others = profiles.same_name(name, person.subject_id)
    if not others:  # renamed or erased while this was being asked
        state.wanted = None
        st.rerun()
    st.warning(
        plain(say("{name} is enrolled already. Is this the same person?", name=name)),
        icon=":material/group:",
    )
    everybody = [person, *others[:3]]
    faces = profiles.faces([one.subject_id for one in everybody])
    with st.container(horizontal=True):
        for one in everybody:
            with st.container(width=_FACE, gap="xxsmall"):
                show_face(visit, faces.get(one.subject_id), one.name, _FACE)
                st.text(one.name)
                st.text(one.external_id or "")
    for other in others[:3]:
        label = say("The same person: merge with {name}", name=_called(other))
        if st.button(plain(label), key=f"same-{other.subject_id}", icon=":material/merge:"):
            state.start("merge", other.subject_id)
            st.rerun()
    if st.button(say("Two people of one name: rename all the same"), icon=":material/group:"):
        _rename(visit, state, person, name)
        st.rerun()
    if st.button(plain(say("Keep the name {name}", name=person.name)), icon=":material/close:"):
        state.end()
        st.rerun()


def _called(person: Person) -> str:
    return f"{person.name} ({person.external_id})" if person.external_id else person.name
