"""A name, a consent and some photos become a person who is recognised."""

import streamlit as st

from app.collision import ask_about, show_collision
from app.draft import Draft, Request, current_draft, more_photos, next_person
from app.photo_source import FILE_TYPES, MOST_MEGABYTES, RESOLUTION, file_help, one_photo, uploaded
from app.plain import plain, sentence
from app.verdict import show_answers, show_samples
from app.visit import Visit
from enrollment.enroller import ADVISED_PHOTOS, SubjectReport
from enrollment.errors import BadInput
from enrollment.intake import MAX_NAME, Enrollee, check_name
from enrollment.photo import Photo, photo_bytes

_SHOT = 96  # px


def show(visit: Visit) -> None:
    st.title("Enroll a person")
    draft = current_draft()
    if draft.report is not None and draft.report.accepted:
        _show_success(visit, draft.report)
        return
    consent_needed = visit.service.facts.consent_policy == "required"
    if not visit.service.count():
        st.info("Nobody is enrolled yet. The first person can be recognised right away.")
    complaints = [_ask_name(draft)]
    if consent_needed:
        complaints.append(_ask_consent(draft))
    photos = _ask_photos(visit, draft)
    complaints.append(None if photos else "There is no photo yet: take one, or choose a file.")
    _complain(draft, complaints[-1])
    st.button("Enroll", type="primary", icon=":material/person_add:", on_click=_press)
    _complain(draft, "Nothing was enrolled: see what is said above." if any(complaints) else None)
    if draft.pressed:
        draft.pressed = False
        draft.complaining = any(complaints)
        if draft.complaining:
            st.rerun()
        person = Enrollee(draft.name.strip(), draft.external_id.strip() or None, tuple(photos))
        _send(visit, draft, Request(person, draft.agreed_to if consent_needed else None))
    _show_failure(visit, draft)


# -- the form -------------------------------------------------------------------------------------


def _ask_name(draft: Draft) -> str | None:
    st.subheader("1. Who")
    draft.name = _text(
        draft, "Name", "name", draft.name, f"Letters of any alphabet; at most {MAX_NAME}."
    )
    complaint = _wrong_name(draft.name.strip())
    _complain(draft, complaint)
    draft.external_id = _text(
        draft,
        "Staff number (optional)",
        "external-id",
        draft.external_id,
        "Tells people of the same name apart.",
    )
    return complaint


def _text(draft: Draft, label: str, field: str, value: str, hint: str) -> str:
    key = draft.key(field)
    st.session_state.setdefault(key, value)
    return st.text_input(label, key=key, help=hint, autocomplete="off")


def _wrong_name(name: str) -> str | None:
    try:
        check_name(name)
    except BadInput as error:
        return str(error)
    return None


def _ask_consent(draft: Draft) -> str | None:
    st.subheader("2. Consent")
    key = draft.key("consent")
    st.session_state.setdefault(key, draft.consent)
    draft.consent = st.session_state[key].strip()
    with st.container(border=True):
        st.text(draft.consent)
    with st.expander("Write another text"):
        st.text_area(
            "The text that the person agrees to; it is stored word for word",
            key=key,
            height="content",
        )
    st.session_state.setdefault(draft.agreed_key, draft.agreed_to == draft.consent)
    agreed = st.checkbox("The person has read this and agrees to it", key=draft.agreed_key)
    draft.agreed_to = draft.consent if agreed else None
    complaint = None
    if not draft.consent:
        complaint = "The text is empty: write what the person agrees to."
    elif not agreed:
        complaint = "There is no consent yet: tick the box when the person has agreed."
    _complain(draft, complaint)
    return complaint


def _ask_photos(visit: Visit, draft: Draft) -> list[Photo]:
    st.subheader("3. Photos")
    st.write(
        f"At least {ADVISED_PHOTOS}, one person on each: straight, turned a little to either side, "
        "and in another light."
    )
    if st.toggle("Use this device's camera", key="enroll-camera"):
        key = draft.key(f"shot-{draft.taken}")
        st.camera_input(
            f"Take picture {draft.taken + 1}", key=key, resolution=RESOLUTION, on_change=_keep_shot
        )
    _show_shots(draft)
    files = st.file_uploader(
        "Choose photos",
        FILE_TYPES,
        accept_multiple_files=True,
        key=draft.key("files"),
        help=file_help(visit),
        max_upload_size=MOST_MEGABYTES,
    )
    return [*draft.shots, *(uploaded(file) for file in files)]


def _keep_shot() -> None:
    """Into the list, and a fresh camera for the next one."""
    draft = current_draft()
    shot = st.session_state[draft.key(f"shot-{draft.taken}")]
    if shot is not None:
        draft.taken += 1
        draft.shots.append(photo_bytes(f"camera picture {draft.taken}", shot.getvalue()))


def _show_shots(draft: Draft) -> None:
    if not draft.shots:
        return
    with st.container(horizontal=True):
        for shot in draft.shots:
            with st.container(width=_SHOT, gap="xxsmall"):
                st.image(shot.read(), width=_SHOT, alt=shot.source)
                st.button(
                    "Drop",
                    key=f"drop-{draft.turn}-{shot.source}",
                    help=f"Drop {shot.source}",
                    on_click=draft.shots.remove,
                    args=(shot,),
                )


def _complain(draft: Draft, complaint: str | None) -> None:
    if draft.complaining and complaint:
        st.error(plain(sentence(complaint)), icon=":material/error:")


def _press() -> None:
    draft = current_draft()
    # A second click while the first is being worked on must not enroll twice.
    draft.pressed = draft.report is None or not draft.report.accepted


# -- the work -------------------------------------------------------------------------------------


def _send(visit: Visit, draft: Draft, request: Request) -> None:
    draft.refusal = draft.report = draft.collision = None
    draft.request = request
    on_collision, asked = ask_about(request)
    with st.spinner(f"Looking at {len(request.person.photos)} photos"):
        try:
            (report,) = visit.service.enroll([request.person], request.consent, on_collision)
            # Kept before anything is drawn: drawing may end this run, and nothing may be lost.
            draft.report = report
            draft.collision = asked[0] if asked else None
        except BadInput as error:
            draft.refusal = str(error)
    if draft.report is not None and draft.report.accepted:
        # The button is at the end of a long page, and the result begins above what is seen then.
        st.toast(_outcome(draft.report), icon=":material/check_circle:", duration="long")
    st.rerun()


def _show_failure(visit: Visit, draft: Draft) -> None:
    if draft.refusal is not None:
        st.error(
            plain(sentence(draft.refusal)), title="Nothing was enrolled", icon=":material/error:"
        )
    if draft.report is None or draft.request is None:
        return
    if draft.collision is not None:
        answer = show_collision(visit, draft.collision)
        if answer == "cancel":
            draft.report = draft.collision = None
            st.rerun()
        if answer is not None:
            draft.request.answers[draft.collision.near.subject_id] = answer
            _send(visit, draft, draft.request)
        return
    if draft.report.succeeded:
        done = f"These photos of {draft.report.name} are enrolled already; nothing was changed."
        st.info(plain(done), icon=":material/content_copy:")
    else:
        wrong = f"No photo of {draft.report.name} was kept; the reasons stand beside each."
        st.error(plain(wrong), title="Nothing was enrolled", icon=":material/block:")
    show_samples(visit, draft.report)


def _show_success(visit: Visit, report: SubjectReport) -> None:
    st.success(_outcome(report), icon=":material/check_circle:")
    for warning in report.warnings:
        st.warning(plain(sentence(warning)), icon=":material/warning:")
    with st.container(horizontal=True):
        st.button(
            "Enroll the next person",
            type="primary",
            icon=":material/person_add:",
            on_click=next_person,
        )
        st.button(
            "Add more photos of this person", icon=":material/add_a_photo:", on_click=more_photos
        )
    st.subheader("The photos")
    show_samples(visit, report)
    st.subheader("Try it now")
    photo = one_photo(visit, "try")
    if photo is None:
        st.write("Give another photo of this person, or of somebody else.")
    else:
        show_answers(visit, photo)


def _outcome(report: SubjectReport) -> str:
    done = f"{report.name} is enrolled" if report.created else f"Added to {report.name}"
    return plain(f"{done}: {report.accepted} of {len(report.samples)} photos were kept.")
