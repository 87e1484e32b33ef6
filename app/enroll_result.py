"""After enrolling: what was kept, what it is good for, and trying it on the spot."""

from dataclasses import replace

import streamlit as st

from app.draft import Draft, Request, current_draft, more_photos, next_person
from app.enroll_work import follow, outcome, start_enrolling
from app.outlook_facts import show_outlook
from app.photo_source import one_photo
from app.plain import plain, sentence
from app.samples import show_samples
from app.verdict import show_answers
from app.visit import Visit
from enrollment.enroller import SubjectReport
from enrollment.errors import BadInput
from enrollment.intake import Enrollee


def show_result(visit: Visit, draft: Draft, report: SubjectReport) -> None:
    say = visit.say
    st.success(outcome(visit, report), icon=":material/check_circle:")
    if draft.request is not None and draft.request.found_another and not report.created:
        st.info(
            plain(
                say(
                    "Somebody else enrolled {name} meanwhile: your photos were added there.",
                    name=report.name,
                )
            ),
            icon=":material/group:",
        )
    for warning in report.warnings:
        st.warning(plain(sentence(visit.language.tell(warning))), icon=":material/warning:")
    _show_use(visit, report)
    with st.container(horizontal=True):
        st.button(
            say("Enroll the next person"),
            type="primary",
            icon=":material/person_add:",
            on_click=next_person,
        )
        st.button(
            say("Add more photos of this person"),
            icon=":material/add_a_photo:",
            on_click=more_photos,
        )
    st.subheader(say("The photos"))
    if draft.refusal is not None:
        st.error(
            plain(sentence(draft.refusal)),
            title=say("This photo was not kept"),
            icon=":material/error:",
        )
    show_samples(visit, report.samples, _keep_all_the_same, key="result")
    follow(visit, draft)
    st.subheader(say("Try it now"))
    photo = one_photo(visit, "try")
    if photo is None:
        st.write(say("Give another photo of this person, or of somebody else."))
    else:
        show_answers(visit, photo)


def _show_use(visit: Visit, report: SubjectReport) -> None:
    st.text(
        visit.say(
            "{name} is recognised from now on. The next night learns from these photos too.",
            name=report.name,
        )
    )
    if report.subject_id is None:
        return
    person = Enrollee(report.name, None, (), report.subject_id)
    try:
        show_outlook(visit, visit.service.preview(person).outlook)
    except BadInput:
        gone = visit.say("{name} has been erased or merged meanwhile.", name=report.name)
        st.warning(plain(gone), icon=":material/person_off:")


def _keep_all_the_same(i: int, insisted: bool, face: int | None) -> None:
    """Somebody said of photo `i` that it is this person; done in the run that follows."""
    draft = current_draft()
    if draft.task is None:
        draft.pressed = "again"
        draft.again = (i, insisted, face)


def keep_again(visit: Visit, draft: Draft) -> None:
    """Enroll the one photo that somebody spoke for."""
    request, report = draft.request, draft.report
    if request is None or report is None or draft.again is None:
        return
    i, insisted, face = draft.again
    photo = replace(draft.sent[i], insisted=insisted, face=face)
    person = Enrollee(report.name, None, (photo,), report.subject_id)
    start_enrolling(visit, draft, Request(person, request.consent, until=request.until, again=i))
