"""Whose faces are these? Somebody enrolled, found by likeness or by name, or somebody new."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.consent_text import offered_consent
from app.plain import plain, sentence
from app.review_acts import assign, forget, may_insist
from app.review_desk import Assignment, Desk
from app.visit import Visit
from enrollment.errors import BadInput
from enrollment.identifier import Candidate
from enrollment.intake import check_name

_AT_ONCE = 5
_FACE = 56  # px


@dataclass(frozen=True)
class _Choice:
    subject_id: str
    name: str
    detail: str


def show_assignment(
    visit: Visit, desk: Desk, faces: tuple[str, ...], likest: Sequence[Candidate]
) -> None:
    """The people to choose from, five at a time, and the form for a newcomer."""
    with st.container(border=True):
        st.subheader(visit.say("Whose faces are these?"))
        written = st.text_input(
            visit.say("Name or staff number"),
            key=desk.key("who"),
            live=True,
            autocomplete="off",
            on_change=_from_the_start,
            args=(desk,),
        ).strip()
        if written:
            choices = _found(visit, desk, written)
        else:
            choices = [
                _Choice(c.subject_id, c.name, visit.say("score {score:.3f}", score=c.score))
                for c in likest[:_AT_ONCE]
            ]
            st.caption(visit.say("The most alike, or write a name. A digit chooses."))
        _show_choices(visit, desk, faces, choices)
        if desk.newcomer:
            _show_newcomer(visit, desk, faces)
        elif st.button(visit.say("Somebody new"), icon=":material/person_add:", shortcut="w"):
            desk.newcomer = True
            # What was searched for in vain is the newcomer's name.
            st.session_state[desk.key("new-name")] = written
            st.rerun()
        if st.button(visit.say("Cancel"), icon=":material/close:", shortcut="Esc"):
            desk.stop_assigning()
            st.rerun()


def _from_the_start(desk: Desk) -> None:
    desk.offset = 0


def _found(visit: Visit, desk: Desk, written: str) -> list[_Choice]:
    found, total = visit.service.people_page(
        written, states=("active",), offset=desk.offset, limit=_AT_ONCE
    )
    if not total:
        st.text(visit.say("Nobody enrolled is called so."))
    if total > _AT_ONCE:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(
                visit.say(
                    "{first} to {last} of {total}",
                    first=visit.language.number(desk.offset + 1),
                    last=visit.language.number(desk.offset + len(found)),
                    total=visit.language.number(total),
                )
            )
            for label, step, possible in (
                (visit.say("Back"), -_AT_ONCE, desk.offset > 0),
                (visit.say("More people"), _AT_ONCE, desk.offset + _AT_ONCE < total),
            ):
                if st.button(label, disabled=not possible):
                    desk.offset += step
                    st.rerun()
    return [
        _Choice(
            subject.subject_id,
            subject.name,
            subject.external_id or visit.say_many("{n} photo", "{n} photos", subject.templates),
        )
        for subject in found
    ]


def _show_choices(
    visit: Visit, desk: Desk, faces: tuple[str, ...], choices: Sequence[_Choice]
) -> None:
    for number, choice in enumerate(choices, 1):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            face = visit.service.face(choice.subject_id)
            if face is not None:
                st.image(face, width=_FACE, alt=visit.say("Face of {name}", name=choice.name))
            with st.container(gap=None):
                pressed = st.button(
                    plain(choice.name),
                    key=desk.key(f"to-{choice.subject_id}"),
                    help=plain(visit.say("Assign to {name}", name=choice.name)),
                    shortcut=str(number),
                    disabled=not faces,
                )
                st.caption(plain(choice.detail))
        if pressed:
            assign(visit, desk, Assignment(faces, choice.subject_id, choice.name))


# -- somebody new ---------------------------------------------------------------------------------


def _show_newcomer(visit: Visit, desk: Desk, faces: tuple[str, ...]) -> None:
    say = visit.say
    name = st.text_input(say("Name"), key=desk.key("new-name"), autocomplete="off").strip()
    external_id = st.text_input(
        say("Staff number (optional)"),
        key=desk.key("new-number"),
        help=say("Tells people of the same name apart."),
        autocomplete="off",
    ).strip()
    consent = _ask_consent(visit, desk)
    pressed = st.button(
        say("Enroll as a new person"),
        type="primary",
        icon=":material/person_add:",
        disabled=not faces,
    )
    if not pressed:
        return
    complaints = [_wrong_name(visit, name), _missing(visit, consent)]
    for complaint in complaints:
        if complaint is not None:
            st.error(plain(complaint), icon=":material/error:")
    if not any(complaints):
        agreed = consent or None
        assign(visit, desk, Assignment(faces, name, name, True, external_id or None, agreed))


def _ask_consent(visit: Visit, desk: Desk) -> str | None:
    """The text that was agreed to; empty where it was not; None where the gallery asks none."""
    if visit.service.facts.consent_policy != "required":
        return None
    key = desk.key("consent")
    st.session_state.setdefault(key, offered_consent(visit.language))
    text = st.text_area(
        visit.say("The text that the person agrees to; it is stored word for word"),
        key=key,
        height="content",
    ).strip()
    # Another text is another question: the box is empty again.
    agreed = st.checkbox(
        visit.say("The person has read this and agrees to it"),
        key=f"{desk.key('agreed')}-{hash(text)}",
    )
    return text if agreed else ""


def _wrong_name(visit: Visit, name: str) -> str | None:
    try:
        check_name(name)
    except BadInput as error:
        return sentence(visit.language.tell(error.args[0]))
    return None


def _missing(visit: Visit, consent: str | None) -> str | None:
    if consent == "":
        return visit.say("There is no consent yet: tick the box when the person has agreed.")
    return None


# -- refused --------------------------------------------------------------------------------------


def show_refusal(visit: Visit, desk: Desk) -> None:
    """Why the rules refuse faces, with their numbers, and the way on."""
    refusal = desk.refusal
    if refusal is None:
        return
    wanted, results = refusal.assignment, refusal.report.results
    refused = [result for result in results if result.outcome == "refused"]
    reasons = dict.fromkeys(
        sentence(visit.language.tell(reason.message))
        for result in refused
        for reason in result.reasons
    )
    title = visit.say_many(
        "{n} face was not assigned to {name}", "{n} faces were not assigned to {name}",
        len(refused), name=wanted.name,
    )  # fmt: skip
    st.warning(
        "\n".join(f"- {plain(reason)}" for reason in reasons),
        title=plain(title),
        icon=":material/front_hand:",
    )
    with st.container(horizontal=True):
        if refusal.contradicting:
            if st.button(visit.say("Take the no back"), icon=":material/undo:", shortcut="u"):
                desk.refusal = None
                forget(visit, desk, refusal.contradicting)
        elif may_insist(refusal) and st.button(
            visit.say("Assign all the same"),
            icon=":material/person_check:",
            shortcut="s",
            help=visit.say("You have looked at both faces. That you insisted is written down."),
        ):
            assign(visit, desk, wanted, insist=True)
        if st.button(visit.say("Leave them in the queue"), icon=":material/close:"):
            desk.refusal = None
            st.rerun()
