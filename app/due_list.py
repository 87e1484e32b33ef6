"""Who is due, the worst first, and what can be done about each."""

import streamlit as st

from app.due_words import due_in_words, kind_in_words, look_of
from app.page_turn import offset_of, show_turning
from app.person_choice import choose_person
from app.privacy_dialog import open_dialog
from app.visit import Visit
from enrollment.people import called
from enrollment.privacy import DueLine
from enrollment.retention import WITHOUT_CONSENT, DueKind

_AT_ONCE = 10
_PLACE = "privacy-due-place"
_ALL = "all"
# A request says itself what is asked for, and a consent that still holds is no reason.
_NO_REASON_TO_ERASE = {DueKind.REQUEST, DueKind.REQUEST_OVERDUE, DueKind.EXPIRES}


def show_due_counts(visit: Visit) -> None:
    """How many are due, by their worst reason; the worst first."""
    counts = visit.service.privacy.due_counts()
    if not counts:
        st.success(
            visit.say("Nothing is due: every consent holds, and nobody waits for an answer."),
            icon=":material/check_circle:",
        )
        return
    with st.container(horizontal=True):
        for kind, count in counts.items():
            colour, icon = look_of(kind)
            st.badge(
                f"{kind_in_words(kind, visit.language)}: {visit.language.number(count)}",
                icon=f":material/{icon}:",
                color=colour,  # type: ignore[arg-type]
            )


def show_due(visit: Visit) -> None:
    say, privacy = visit.say, visit.service.privacy
    counts = privacy.due_counts()
    if counts:
        _show_people(visit, counts)
    if visit.service.count():
        _show_withdrawal_of_anybody(visit)
    else:
        st.info(say("Nobody is enrolled yet: there is no data that could be due."))


def _show_people(visit: Visit, counts: dict[DueKind, int]) -> None:
    say, privacy = visit.say, visit.service.privacy
    kind = _chosen_kind(visit, counts)
    kinds = () if kind is None else (kind,)
    total = sum(counts.values()) if kind is None else counts[kind]
    page = privacy.due(kinds, offset_of(_PLACE, total, _AT_ONCE), _AT_ONCE)
    for line in page.lines:
        _show_line(visit, line)
    show_turning(visit, _PLACE, page.total, _AT_ONCE)
    if page.without_consent > 1:
        st.button(
            say("Erase everybody whose consent is gone…"),
            key="privacy-erase-all",
            icon=":material/delete_sweep:",
            on_click=open_dialog,
            args=("erase-all",),
            help=say("Shows the list first; nothing is erased before you confirm."),
        )


def _show_withdrawal_of_anybody(visit: Visit) -> None:
    say = visit.say
    st.subheader(say("Somebody withdraws their consent"))
    chosen = choose_person(visit, say("Who"), "privacy-withdraw")
    st.button(
        say("Withdraw…"),
        key="privacy-withdraw-anybody",
        icon=":material/undo:",
        disabled=chosen is None,
        on_click=open_dialog,
        args=("withdraw", chosen or ""),
    )


def _chosen_kind(visit: Visit, counts: dict[DueKind, int]) -> DueKind | None:
    named = {_ALL: visit.say("All reasons")} | {
        kind.value: f"{kind_in_words(kind, visit.language)} ({visit.language.number(count)})"
        for kind, count in counts.items()
    }
    chosen = st.selectbox(
        visit.say("Reason"), list(named), format_func=named.__getitem__, key="privacy-kind"
    )
    return None if chosen == _ALL or chosen not in named else DueKind(chosen)


def _show_line(visit: Visit, line: DueLine) -> None:
    say, who = visit.say, line.subject
    kinds = {reason.kind for reason in line.reasons}
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(called(who))
            if who.state == "suspended":
                st.badge(say("suspended"), icon=":material/pause_circle:", color="gray")
        for reason in line.reasons:
            colour, icon = look_of(reason.kind)
            words = due_in_words(reason, visit.service.privacy.now(), visit.language)
            st.markdown(f":{colour}[:material/{icon}:] {words}")
        with st.container(horizontal=True):
            if kinds & {*WITHOUT_CONSENT, DueKind.EXPIRES, DueKind.NO_CONSENT}:
                _button(visit, say("Consent again…"), "consent", who.subject_id, "handshake")
            if kinds & {DueKind.EXPIRED, DueKind.EXPIRES}:
                _button(visit, say("Withdraw…"), "withdraw", who.subject_id, "undo")
            if kinds & {DueKind.REQUEST, DueKind.REQUEST_OVERDUE}:
                st.button(
                    say("To the request"),
                    key=f"privacy-request-{who.subject_id}",
                    icon=":material/mark_email_unread:",
                    on_click=_show_requests,
                )
            if kinds - _NO_REASON_TO_ERASE:
                _button(visit, say("Erase…"), "erase", who.subject_id, "delete_forever")


def _show_requests() -> None:
    st.session_state["privacy-part"] = "requests"


def _button(visit: Visit, label: str, kind: str, subject_id: str, icon: str) -> None:
    st.button(
        label,
        key=f"privacy-{kind}-{subject_id}",
        icon=f":material/{icon}:",
        on_click=open_dialog,
        args=(kind, subject_id),
    )
