"""A name, a consent and some photos become a person who is recognised."""

from collections.abc import Sequence

import streamlit as st

from app.collision import show_collision
from app.consent_form import ask_consent
from app.draft import Draft, Given, Request, current_draft
from app.enroll_result import keep_again, show_result
from app.enroll_work import follow, start_enrolling, start_looking
from app.outlook_facts import show_outlook
from app.photos_form import ask_photos
from app.plain import plain, sentence
from app.samples import show_samples
from app.visit import Visit
from app.who_form import ask_who
from enrollment.enroller import SampleReport
from enrollment.intake import Enrollee


def show(visit: Visit) -> None:
    say = visit.say
    st.title(say("Enroll a person"))
    draft = current_draft()
    if draft.collision is not None and draft.task is None:
        st.dialog(say("One person, or two?"), width="medium", dismissible=False)(_ask)(visit, draft)
    if draft.report is not None and draft.report.accepted:
        if draft.pressed == "again":
            draft.pressed = None
            keep_again(visit, draft)
        show_result(visit, draft, draft.report)
        return
    if not visit.service.count():
        st.info(say("Nobody is enrolled yet. The first person can be recognised right away."))
    _show_form(visit, draft)


def _show_form(visit: Visit, draft: Draft) -> None:
    say = visit.say
    consent_needed = visit.service.facts.consent_policy == "required"
    no_consent = None
    if consent_needed:
        st.subheader(say("1. Consent"))
        no_consent = ask_consent(visit, draft)
        _complain(draft, no_consent)
    st.subheader(say("2. Who") if consent_needed else say("1. Who"))
    wrong_name, newcomer = ask_who(visit, draft)
    st.subheader(say("3. Photos") if consent_needed else say("2. Photos"))
    photos = ask_photos(visit, draft, allowed=no_consent is None)
    draft.drawn = True
    if draft.reconnected and not photos:
        st.warning(
            say(
                "The server was started anew, or the connection was lost for long. What you typed "
                "is still here; the photos are not: choose or take them again."
            ),
            icon=":material/link_off:",
        )
    no_photo = None
    if not photos:
        no_photo = say("There is no photo yet: take one, or choose a file.")
    _complain(draft, no_photo)
    missing = [wrong_name, no_consent, no_photo]
    _show_verdict(visit, draft, photos)
    with st.container(horizontal=True):
        _button(draft, say("Enroll"), "enroll", "person_add", primary=True)
        _button(draft, say("Look at the photos first"), "look", "search", primary=False)
    if any(missing):
        _complain(draft, say("Nothing was enrolled: see what is said above."))
    if draft.pressed:
        _act(visit, draft, photos, newcomer, any(missing))
    follow(visit, draft)
    _show_failure(visit, draft)


def _button(draft: Draft, label: str, what: str, icon: str, *, primary: bool) -> None:
    st.button(
        label,
        type="primary" if primary else "secondary",
        icon=f":material/{icon}:",
        key=f"enroll-{what}",
        on_click=_press,
        args=(what,),
    )


def _press(what: str) -> None:
    draft = current_draft()
    # A second press while the first is being worked on must not do it twice.
    if draft.task is None and not (draft.report is not None and draft.report.accepted):
        draft.pressed = what


def _act(visit: Visit, draft: Draft, photos: list[Given], newcomer: bool, incomplete: bool) -> None:
    what, draft.pressed = draft.pressed, None
    draft.complaining = incomplete
    if incomplete:
        st.rerun()
    taken = tuple(draft.worded(given) for given in photos)
    person = Enrollee(draft.name.strip(), draft.external_id.strip() or None, taken)
    if what == "look":
        start_looking(visit, draft, person, _state(draft, photos))
        return
    draft.verdict = draft.report = None
    keys = tuple(given.key for given in photos)
    request = Request(person, draft.agreed_to, until=draft.until, newcomer=newcomer, keys=keys)
    start_enrolling(visit, draft, request)


def _state(draft: Draft, photos: list[Given]) -> object:
    """What a verdict was given of."""
    words = sorted(draft.words.items(), key=repr)
    return draft.name, draft.external_id, [given.key for given in photos], words


def _complain(draft: Draft, complaint: str | None) -> None:
    if draft.complaining and complaint:
        st.error(plain(sentence(complaint)), icon=":material/error:")


# -- what came of it ------------------------------------------------------------------------------


def _show_verdict(visit: Visit, draft: Draft, photos: list[Given]) -> None:
    """What enrolling would do, before anything is stored."""
    verdict = draft.verdict
    if verdict is None:
        return
    st.subheader(visit.say("What these photos are good for"))
    if draft.verdict_of != _state(draft, photos):
        st.info(visit.say("Name or photos have changed since: look at them once more."))
        return
    st.text(visit.say("Nothing is stored yet."))
    if verdict.preview.collision is not None:
        near = verdict.preview.collision.near
        st.warning(
            plain(
                visit.say(
                    "As near to {near} (score {score:.3f}) as photos of one person are to each "
                    "other: you will be asked whether it is the same person.",
                    near=near.name,
                    score=near.score,
                )
            ),
            icon=":material/group:",
        )
    if verdict.outlook.photos:
        show_outlook(visit, verdict.outlook)
    keys = [given.key for given in photos]
    _show_samples(visit, draft, keys, verdict.preview.samples, "look")


def _show_samples(
    visit: Visit, draft: Draft, keys: Sequence[str], samples: Sequence[SampleReport], at: str
) -> None:
    def word(i: int, insisted: bool, face: int | None) -> None:
        said, pressed = draft.words.get(keys[i], (False, None))
        draft.words[keys[i]] = (said or insisted, pressed if face is None else face)
        draft.pressed = "look"

    show_samples(visit, samples, word, key=at)


def _show_failure(visit: Visit, draft: Draft) -> None:
    if draft.refusal is not None:
        st.error(
            plain(sentence(draft.refusal)),
            title=visit.say("Nothing was enrolled"),
            icon=":material/error:",
        )
        st.text(visit.say("Everything you gave is still here: press Enroll again."))
    report = draft.report
    if report is None or draft.collision is not None or draft.request is None:
        return
    if report.succeeded:
        done = visit.say(
            "These photos of {name} are enrolled already; nothing was changed.", name=report.name
        )
        st.info(plain(done), icon=":material/content_copy:")
    else:
        wrong = visit.say(
            "No photo of {name} was kept; the reasons stand beside each.", name=report.name
        )
        st.error(plain(wrong), title=visit.say("Nothing was enrolled"), icon=":material/block:")
    _show_samples(visit, draft, draft.request.keys, report.samples, "report")


def _ask(visit: Visit, draft: Draft) -> None:
    """The question of a collision, in a dialog that only an answer closes."""
    if draft.collision is None or draft.request is None:
        return
    answer = show_collision(visit, draft.collision)
    if answer is None:
        return
    if answer == "cancel":
        if draft.request.again is None:
            draft.report = None
        draft.collision = None
    else:
        draft.request.answers[draft.collision.near.subject_id] = answer
        start_enrolling(visit, draft, draft.request)
    st.rerun()
