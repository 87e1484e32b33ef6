"""A person is erased: asked for by name, and proved by a receipt."""

import json

import streamlit as st

from app.erasing import warn_of_backups
from app.person_face import show_face
from app.person_visit import PersonVisit
from app.plain import plain, sentence
from app.proof import proved
from app.visit import Visit
from enrollment.erasure import ErasureReceipt
from enrollment.errors import BadInput, Unusable
from enrollment.people import Person, same_name
from store.errors import StoreError

_FACE = 112  # px


def erase_dialog(visit: Visit, state: PersonVisit, person: Person) -> None:
    """Open it."""
    say = visit.say

    @st.dialog(say("Erase for good"), icon=":material/delete_forever:", on_dismiss=state.end)
    def show() -> None:
        _ask(visit, state, person)

    show()


def _ask(visit: Visit, state: PersonVisit, person: Person) -> None:
    say = visit.say
    face = visit.service.profiles.faces([person.subject_id]).get(person.subject_id)
    show_face(visit, face, person.name, _FACE)
    st.text(person.name)
    if not proved(visit):
        return
    st.text(_what_goes(visit, person))
    warn_of_backups(visit)
    typed = st.text_input(
        say("Type the name to confirm"), key=state.key("confirm"), autocomplete="off"
    )
    with st.container(horizontal=True):
        pressed = st.button(say("Erase for good"), type="primary", icon=":material/delete_forever:")
        if st.button(say("Keep this person")):
            state.end()
            st.rerun()
    if not pressed:
        return
    if not same_name(typed, person.name):
        st.error(
            plain(say("This is not the name of this person. Nothing was erased.")),
            icon=":material/error:",
        )
        return
    _erase(visit, state, person)
    st.rerun()


def _what_goes(visit: Visit, person: Person) -> str:
    say = visit.say
    merged = len(visit.service.profiles.family(person.subject_id)) - 1
    lines = [
        visit.say_many("{n} photo and its template", "{n} photos and templates", person.templates),
        say("consents, and the key that opens all this"),
        say("faces in the review queue that may be this person"),
        say("trained head versions and nightly reports that saw this person"),
    ]
    if merged:
        lines.insert(
            1,
            visit.say_many(
                "{n} person merged into this one", "{n} people merged into this one", merged
            ),
        )
    return "\n".join([say("This goes, and nothing brings it back:"), *(f"- {x}" for x in lines)])


def _erase(visit: Visit, state: PersonVisit, person: Person) -> None:
    # Kept before anything is drawn: drawing may end this run, and there is one receipt only.
    try:
        state.receipt = visit.service.erase(person.subject_id)
        state.erased = True
    except Unusable as error:
        state.unfinished, state.erased = error.args[0], True
    except (BadInput, StoreError) as error:
        state.refused = error.args[0]
    state.open = None


def show_erased(visit: Visit, state: PersonVisit) -> None:
    """What was erased, where nobody is any more."""
    say = visit.say
    if state.unfinished is not None:
        st.warning(
            plain(sentence(visit.language.tell(state.unfinished))),
            title=say("Erased, but not yet out of the files"),
            icon=":material/warning:",
        )
    if state.receipt is not None:
        st.success(
            plain(say("Erased. There is nobody with this id any more.")),
            icon=":material/check_circle:",
        )
        _show_receipt(visit, state.receipt)


def _show_receipt(visit: Visit, receipt: ErasureReceipt) -> None:
    say, number = visit.say, visit.language.number
    st.subheader(say("Receipt"))
    names = {
        "templates": say("templates"),
        "samples": say("photos"),
        "consents": say("consents"),
        "subject_keys": say("keys"),
        "events": say("nights' counts"),
        "sightings": say("faces in the review queue"),
        "negatives": say("faces that somebody said no to"),
        "heads": say("head versions"),
        "cohort": say("strangers of the cohort"),
    }
    rows = [
        {say("Erased"): names.get(table, plain(table)), say("Number"): number(count)}
        for table, count in receipt.erased_rows.items()
    ]
    rows.append(
        {say("Erased"): say("nightly reports"), say("Number"): number(receipt.reports_deleted)}
    )
    st.table(rows, hide_index=True)
    test = receipt.negative_test
    st.text(
        say(
            "Afterwards the erased templates were searched for: {found} of {probes} found this "
            "person.",
            found=test["found"],
            probes=test["probes"],
        )
    )
    st.text(say("Id: {id}", id=receipt.subject_id))
    st.text(say("Erased at: {when}", when=receipt.erased_at))
    st.download_button(
        say("Download the receipt"),
        data=json.dumps(receipt.as_document(), indent=1),
        file_name=f"erasure-{receipt.subject_id}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )
