"""What people ask for about their data, with the day by which it must be answered."""

import streamlit as st

from app.deed_words import request_kind
from app.due_words import days_left
from app.notice import notice
from app.page_turn import offset_of, show_turning
from app.person_choice import choose_person
from app.plain import plain, sentence
from app.privacy_dialog import ask, leave, open_dialog
from app.proof import proved_download
from app.visit import Visit
from enrollment.errors import RollcallError
from enrollment.privacy import KINDS, MAX_NOTE
from enrollment.rights import Right
from store.errors import StoreError

_AT_ONCE = 10
_OPEN, _CLOSED = "privacy-open-place", "privacy-closed-place"
_TURN = "privacy-request-turn"


def show_requests(visit: Visit) -> None:
    _show_open(visit)
    _show_new(visit)
    _show_answered(visit)


def _show_open(visit: Visit) -> None:
    say, privacy = visit.say, visit.service.privacy
    total = privacy.open_requests()
    if not total:
        st.info(
            say(
                "Nobody waits for an answer. When somebody asks for their erasure or for a copy "
                "of their data, write it down here: the law gives one month."
            )
        )
        return
    found, total = privacy.requests(offset=offset_of(_OPEN, total, _AT_ONCE), limit=_AT_ONCE)
    for request in found:
        late = request.due_at <= privacy.now()
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(request.name)
                st.badge(
                    days_left(request.due_at, privacy.now(), visit.language),
                    icon=":material/alarm:" if late else ":material/schedule:",
                    color="red" if late else "orange",
                )
            st.write(
                say(
                    "Asked for {kind} on {day}; answer by {due}.",
                    kind=request_kind(request.kind, visit.language),
                    day=visit.language.day(request.requested_at),
                    due=visit.language.day(request.due_at),
                )
            )
            if request.note:
                st.text(request.note)
            _show_answers(visit, request.kind, request.request_id, request.subject_id)
    show_turning(visit, _OPEN, total, _AT_ONCE)


def _show_answers(visit: Visit, kind: str, request_id: str, subject_id: str) -> None:
    say = visit.say
    with st.container(horizontal=True):
        if kind == "erasure":
            st.button(
                say("Erase…"),
                key=f"request-erase-{request_id}",
                icon=":material/delete_forever:",
                on_click=open_dialog,
                args=("erase", subject_id),
            )
        else:
            _show_copy(visit, request_id, subject_id)
        st.button(
            say("Refuse…"),
            key=f"request-refuse-{request_id}",
            icon=":material/block:",
            on_click=open_dialog,
            args=("refuse", request_id),
        )


def _show_copy(visit: Visit, request_id: str, subject_id: str) -> None:
    if visit.may(Right.EXPORT):
        proved_download(
            visit,
            visit.say("Download their data"),
            lambda: visit.service.privacy.copy_of(subject_id),
            file_name=f"data-{subject_id}.zip",
            key=f"request-copy-{request_id}",
        )
    st.button(
        visit.say("It was handed over"),
        key=f"request-done-{request_id}",
        icon=":material/check:",
        on_click=_close,
        args=(visit, request_id),
    )


def _close(visit: Visit, request_id: str) -> None:
    try:
        visit.service.privacy.answer(request_id, "done", "")
    except (RollcallError, StoreError) as error:
        notice("privacy", "error", visit.language.tell(error.args[0]))
    else:
        notice("privacy", "success", visit.say("The request is answered."))


def show_refusal(visit: Visit, request_id: str) -> None:
    """Ask why, before a request is refused."""

    def body() -> None:
        say = visit.say
        st.write(
            say(
                "Tell the person why, and that they may complain to the supervisory authority and "
                "go to court (GDPR art. 12(4))."
            )
        )
        why = st.text_area(
            say("Why it is refused"), key=f"refuse-why-{request_id}", max_chars=MAX_NOTE
        )
        if st.button(
            say("Refuse the request"), key="refuse-yes", type="primary", icon=":material/block:"
        ):
            try:
                visit.service.privacy.answer(request_id, "refused", why)
            except (RollcallError, StoreError) as error:
                st.error(
                    plain(sentence(visit.language.tell(error.args[0]))), icon=":material/error:"
                )
            else:
                notice("privacy", "success", say("The request is refused, and the reason kept."))
                leave()

    ask(visit.say("Refuse this request?"), body)


def _show_new(visit: Visit) -> None:
    say = visit.say
    if not visit.service.count():
        return
    turn = st.session_state.setdefault(_TURN, 0)
    st.subheader(say("Write down a request"))
    chosen = choose_person(visit, say("Who asks"), f"privacy-request-{turn}")
    kinds = {kind: request_kind(kind, visit.language) for kind in KINDS}
    kind = st.selectbox(
        say("What for"), list(kinds), format_func=kinds.__getitem__, key=f"request-kind-{turn}"
    )
    note = st.text_input(
        say("Note (optional)"),
        key=f"request-note-{turn}",
        max_chars=MAX_NOTE,
        help=say("How it came, for example. It is deleted with the person."),
        autocomplete="off",
    )
    if st.button(
        say("Write it down"),
        key="request-add",
        type="primary",
        icon=":material/edit_note:",
        disabled=chosen is None,
    ):
        try:
            due = visit.service.privacy.add_request(chosen or "", kind or "", note)
        except (RollcallError, StoreError) as error:
            notice("privacy", "error", visit.language.tell(error.args[0]))
        else:
            st.session_state[_TURN] = turn + 1
            day = visit.language.day(due)
            notice("privacy", "success", say("Written down; answer by {day}.", day=day))
        st.rerun()


def _show_answered(visit: Visit) -> None:
    say, language, privacy = visit.say, visit.language, visit.service.privacy
    _, total = privacy.requests(answered=True, limit=1)
    if not total:
        return
    found, _ = privacy.requests(True, offset_of(_CLOSED, total, _AT_ONCE), _AT_ONCE)
    outcomes = {"done": say("done"), "refused": say("refused")}
    st.subheader(say("Answered"))
    st.table(
        [
            {
                say("Answered on"): language.day(request.done_at or request.due_at),
                say("Who"): plain(request.name),
                say("What for"): request_kind(request.kind, language),
                say("Outcome"): outcomes.get(request.outcome or "", request.outcome),
                say("Why"): plain(request.answer) or plain("-"),
            }
            for request in found
        ],
        hide_index=True,
    )
    show_turning(visit, _CLOSED, total, _AT_ONCE)
