"""What a visitor decides on faces of the queue, done and put into words."""

from collections.abc import Sequence

import streamlit as st

from app.plain import sentence
from app.review_desk import Assignment, Desk, Outcome, Refusal
from app.visit import Visit
from enrollment.errors import BadInput
from enrollment.reasons import ReasonCode
from enrollment.review import ReviewReport

# What somebody who has looked may overrule.
_INSISTED = {ReasonCode.NOT_THIS_PERSON, ReasonCode.NEAR_OTHER_SUBJECT}


def ignore(visit: Visit, desk: Desk, faces: Sequence[str], not_who: str | None = None) -> None:
    """Remember a no, and go on with the next group."""
    with st.spinner(visit.say("Remembering")):
        report = visit.service.review.ignore(faces, not_who)
    done = _with(report, "ignored")
    said = []
    if done and report.name is None:
        text = visit.say_many(
            "{n} face is remembered as a stranger's: no face like it is given a name.",
            "{n} faces are remembered as a stranger's: no face like them is given a name.",
            len(done),
        )
        said.append(Outcome(text, undo=tuple(done)))
    elif done:
        text = visit.say_many(
            "{n} face is remembered as not {name}.",
            "{n} faces are remembered as not {name}.",
            len(done),
            name=report.name,
        )
        said.append(Outcome(text, undo=tuple(done)))
    desk.handled(faces, *said, *_remarks(visit, report))
    st.rerun()


def discard(visit: Visit, desk: Desk, faces: Sequence[str]) -> None:
    report = visit.service.review.discard(faces)
    desk.handled(faces, *_forgotten(visit, report), *_remarks(visit, report))
    st.rerun()


def discard_all(visit: Visit, desk: Desk) -> None:
    report = visit.service.review.discard_all()
    desk.handled(desk.members, *_forgotten(visit, report), *_remarks(visit, report))
    st.rerun()


def take_back(visit: Visit, desk: Desk, faces: Sequence[str]) -> None:
    """A no is no more; the pictures were not kept, so the faces do not come back."""
    with st.spinner(visit.say("Taking it back")):
        report = visit.service.review.take_back(faces)
    _taken_back(visit, desk, report)


def forget(visit: Visit, desk: Desk, negative_ids: Sequence[str]) -> None:
    with st.spinner(visit.say("Taking it back")):
        report = visit.service.review.forget(negative_ids)
    _taken_back(visit, desk, report)


def _taken_back(visit: Visit, desk: Desk, report: ReviewReport) -> None:
    done = _with(report, "forgotten")
    text = visit.say_many(
        "{n} no was taken back: it speaks against no name any more. Its picture was not kept, so "
        "the face does not come back into the queue.",
        "{n} no's were taken back: they speak against no name any more. Their pictures were not "
        "kept, so the faces do not come back into the queue.",
        len(done),
    )
    if not done:
        text = visit.say("It was taken back already.")
    desk.outcomes = [Outcome(text, "success" if done else "info"), *_log(visit, report)]
    st.rerun()


def assign(visit: Visit, desk: Desk, wanted: Assignment, *, insist: bool = False) -> None:
    """Enroll faces; what the rules refuse stays in front, with the reasons."""
    try:
        with st.spinner(visit.say("Enrolling")):
            report = visit.service.review.assign(
                wanted.faces,
                wanted.who,
                wanted.consent,
                external_id=wanted.external_id,
                even_if_unlike=insist,
                newcomer=wanted.newcomer,
            )
    except BadInput as error:
        desk.outcomes = [Outcome(sentence(visit.language.tell(error.args[0])), "error")]
        st.rerun()
    outcomes = [*_enrolled(visit, report), *_remarks(visit, report)]
    refused = _with(report, "refused")
    if not refused:
        desk.handled(wanted.faces, *outcomes)
        st.rerun()
    if len(refused) < len(wanted.faces):
        desk.handled([i for i in wanted.faces if i not in refused])
    said_no: Sequence[str] = ()
    if report.subject_id is not None:
        said_no = visit.service.review.contradicting(refused, report.subject_id)
    desk.outcomes = outcomes
    left = Assignment(
        tuple(refused),
        report.subject_id or wanted.who,
        report.name or wanted.name,
        newcomer=wanted.newcomer and report.subject_id is None,
        external_id=None if report.subject_id else wanted.external_id,
        consent=wanted.consent,
    )
    desk.refusal = Refusal(left, report, tuple(said_no))
    st.rerun()


def may_insist(refusal: Refusal) -> bool:
    """Has a person only to look and say so?"""
    return not refusal.contradicting and any(
        reason.code in _INSISTED
        for result in refusal.report.results
        if result.outcome == "refused"
        for reason in result.reasons
    )


def _with(report: ReviewReport, outcome: str) -> list[str]:
    return [result.id for result in report.results if result.outcome == outcome]


def _enrolled(visit: Visit, report: ReviewReport) -> list[Outcome]:
    done, doubles = len(_with(report, "assigned")), len(_with(report, "duplicate"))
    found = []
    if done and report.created:
        text = visit.say_many(
            "{name} is enrolled with {n} photo.", "{name} is enrolled with {n} photos.",
            done, name=report.name,
        )  # fmt: skip
        found.append(Outcome(text))
    elif done:
        text = visit.say_many(
            "{n} photo was added to {name}.", "{n} photos were added to {name}.",
            done, name=report.name,
        )  # fmt: skip
        found.append(Outcome(text))
    if doubles:
        text = visit.say_many(
            "{n} face left the queue: {name} has almost the same photo already.",
            "{n} faces left the queue: {name} has almost the same photos already.",
            doubles, name=report.name,
        )  # fmt: skip
        found.append(Outcome(text, "info"))
    if done:
        warnings = [sentence(visit.language.tell(warning)) for warning in report.warnings]
        found += [Outcome(warning, "warning") for warning in warnings]
    return found


def _forgotten(visit: Visit, report: ReviewReport) -> list[Outcome]:
    done = len(_with(report, "discarded"))
    text = visit.say_many(
        "{n} face is forgotten; nothing of it is kept.",
        "{n} faces are forgotten; nothing of them is kept.",
        done,
    )
    return [Outcome(text)] if done else []


def _remarks(visit: Visit, report: ReviewReport) -> list[Outcome]:
    gone = len(_with(report, "handled_already"))
    text = visit.say_many(
        "{n} face was gone already: somebody at another desk was quicker, or its time was over. "
        "Nothing was done twice.",
        "{n} faces were gone already: somebody at another desk was quicker, or their time was "
        "over. Nothing was done twice.",
        gone,
    )
    return [*([Outcome(text, "info")] if gone else []), *_log(visit, report)]


def _log(visit: Visit, report: ReviewReport) -> list[Outcome]:
    if report.log_cut is not False:
        return []
    text = visit.say(
        "Another process reads the database, so deleted pages are still in its log; they go when "
        "it is closed."
    )
    return [Outcome(text, "warning")]
