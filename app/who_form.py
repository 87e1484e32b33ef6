"""Who is enrolled: the name in any alphabet, and whether somebody of this name is here already."""

import streamlit as st

from app.draft import Draft
from app.plain import plain, sentence
from app.visit import Visit
from enrollment.errors import BadInput
from enrollment.intake import MAX_NAME, check_name

_FACE = 72  # px


def ask_who(visit: Visit, draft: Draft) -> tuple[str | None, bool]:
    """Ask for name and staff number.

    Returns:
        What is wrong, or None; and whether photos would make a new person.
    """
    say = visit.say
    before = draft.name
    draft.name = _text(
        draft,
        say("Name"),
        "name",
        draft.name,
        say("Letters of any alphabet; at most {most}.", most=MAX_NAME),
    )
    wrong = st.container()
    draft.external_id = _text(
        draft,
        say("Staff number (optional)"),
        "external-id",
        draft.external_id,
        say("Tells people of the same name apart."),
    )
    # Nobody can have typed into a form that was never drawn: the browser had it from before.
    draft.reconnected = draft.reconnected or (not draft.drawn and draft.name != before)
    newcomer, complaint = True, None
    try:
        newcomer = _meet(visit, draft)
    except BadInput as error:
        complaint = sentence(visit.language.tell(error.args[0]))
    if complaint and (draft.name.strip() or draft.complaining):
        with wrong:
            st.error(plain(complaint), icon=":material/error:")
    return complaint, newcomer


def _text(draft: Draft, label: str, field: str, value: str, hint: str) -> str:
    # Not by the session's state, which would win over what the browser still holds when the server
    # was started anew.
    return st.text_input(label, value, key=draft.key(field), help=hint, autocomplete="off")


def _meet(visit: Visit, draft: Draft) -> bool:
    """Say at once who of this name is enrolled; True where nobody is.

    Raises:
        BadInput: no name can be like this, or it is not clear who is meant.
    """
    name = check_name(draft.name.strip())
    found = visit.service.namesake(name, draft.external_id.strip() or None)
    if found is None:
        return True
    if found.state == "suspended":
        raise BadInput(
            visit.say(
                "{name} is suspended and takes no photos; resume this person on the page People "
                "first.",
                name=found.name,
            )
        )
    with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False):
        face = visit.service.face(found.subject_id)
        if face is not None:
            alt = visit.say("Enrolled: {name}", name=found.name)
            st.image(face, width=_FACE, alt=alt)
        with st.container(gap="xxsmall"):
            st.text(
                visit.say_many(
                    "{name} is enrolled already, with {n} photo. New photos are added there.",
                    "{name} is enrolled already, with {n} photos. New photos are added there.",
                    found.templates,
                    name=found.name,
                )
            )
            st.text(visit.say("Somebody else of this name? Give each of them a staff number."))
    return False
