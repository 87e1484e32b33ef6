"""What can be done with a person: rename, merge, suspend, give out, erase."""

import streamlit as st

from app.person_visit import PersonVisit
from app.proof import proved_download
from app.visit import Visit
from enrollment.errors import BadInput
from enrollment.people import Person
from enrollment.rights import Right


def show_actions(visit: Visit, state: PersonVisit, person: Person) -> None:
    """The buttons; renaming, merging and erasing open a dialog."""
    say = visit.say
    with st.container(horizontal=True):
        if visit.may(Right.ENROLL):
            st.button(
                say("Rename"),
                icon=":material/edit:",
                on_click=state.start,
                args=("rename", None, person.name),
            )
            st.button(say("Merge"), icon=":material/merge:", on_click=state.start, args=("merge",))
        if visit.may(Right.ENROLL) or visit.may(Right.PRIVACY):
            _suspend_button(visit, state, person)
        if visit.may(Right.EXPORT):
            proved_download(
                visit,
                say("Export"),
                lambda: visit.service.profiles.dossier(person.subject_id),
                file_name=f"rollcall-{person.subject_id}.zip",
                help=say("One zip file with everything that is kept about this person"),
            )
        if visit.may(Right.ERASE):
            st.button(
                say("Erase"),
                icon=":material/delete_forever:",
                on_click=state.start,
                args=("erase",),
            )


def _suspend_button(visit: Visit, state: PersonVisit, person: Person) -> None:
    say = visit.say
    if person.state == "active":
        pressed = st.button(
            say("Suspend"),
            icon=":material/pause:",
            help=say("Not found by any search until resumed; nothing is deleted"),
        )
    else:
        pressed = st.button(say("Resume"), icon=":material/play_arrow:", type="primary")
    if not pressed:
        return
    try:
        if person.state == "active":
            visit.service.suspend(person.subject_id)
            state.end(
                say(
                    "{name} is suspended: no search finds this person until you resume.",
                    name=person.name,
                )
            )
        else:
            visit.service.resume(person.subject_id)
            state.end(say("{name} is found again.", name=person.name))
    except BadInput as error:
        state.end(refused=error.args[0])
    st.rerun()
