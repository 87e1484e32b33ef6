"""The versions of the head: which serves, and letting another one serve."""

from collections.abc import Mapping

import streamlit as st

from app.night_facts import number_of
from app.night_words import mode_word, state_word
from app.plain import plain
from app.visit import Visit
from enrollment.head_versions import document_of, earlier, serving

_ASKING, _CONFIRMED, _SAID = "nightly-asking", "nightly-confirmed", "nightly-said"
_COLOURS = {"champion": ("green", "check"), "refused": ("orange", "front_hand")}


def show_heads(visit: Visit) -> None:
    say = visit.say
    st.subheader(say("Versions of the head"))
    confirmed = st.session_state.pop(_CONFIRMED, None)
    if confirmed is not None:
        head = visit.service.promote_head(str(confirmed))
        st.session_state[_SAID] = head.head_id
        st.rerun()
    heads = visit.service.heads()
    if not heads:
        st.text(say("There is none yet: the means of the photos serve."))
        return
    now, before = serving(heads), earlier(heads)
    if st.session_state.get(_SAID) is not None:
        said = say("{version} serves from now on.", version=st.session_state.pop(_SAID))
        st.success(plain(said), icon=":material/check_circle:")
    documents = {head.head_id: document_of(head) for head in reversed(heads)}
    made = {head.head_id: visit.language.moment(head.created_at) for head in heads}
    st.table(
        [
            {
                say("Version"): plain(head_id),
                say("State"): _state(visit, str(found["state"])),
                say("Made"): plain(made[head_id]),
                say("How"): plain(mode_word(visit.language, str(found["mode"]))),
                say("People"): str(found["subjects"] or "?"),
                say("Found"): _share(visit, found, "find_rate"),
                say("Rightly named"): _share(visit, found, "accuracy"),
            }
            for head_id, found in documents.items()
        ],
        hide_index=True,
    )
    others = [head_id for head_id in documents if now is None or head_id != now.head_id]
    if others:
        wanted = st.selectbox(
            say("Another version"),
            others,
            format_func=lambda i: f"{i} ({state_word(visit.language, str(documents[i]['state']))})",
            key="nightly-head",
        )
        reason = documents[wanted]["reason"]
        if reason:
            st.text(say("Refused that night: {reason}", reason=reason))
    with st.container(horizontal=True):
        if others and st.button(say("Promote it"), icon=":material/upgrade:"):
            st.session_state[_ASKING] = wanted
        if before is not None and st.button(
            say("Roll back"),
            icon=":material/history:",
            help=plain(say("Back to {version}", version=before.head_id)),
        ):
            st.session_state[_ASKING] = before.head_id
    asked = st.session_state.get(_ASKING)
    if asked in documents:
        _ask(visit, documents, now.head_id if now else None, asked)


def _ask(
    visit: Visit,
    documents: Mapping[str, Mapping[str, object]],
    now: str | None,
    wanted: str,
) -> None:
    say = visit.say

    def close() -> None:
        st.session_state.pop(_ASKING, None)

    @st.dialog(say("Let this version serve?"), on_dismiss=close)
    def question() -> None:
        if now is not None:
            st.text(say("Now: {version}", version=_described(visit, now, documents[now])))
        st.text(say("Then: {version}", version=_described(visit, wanted, documents[wanted])))
        if documents[wanted]["state"] == "refused":
            st.warning(
                say("The gate refused this version; you would overrule it."),
                icon=":material/front_hand:",
            )
        st.text(
            say(
                "Every answer comes from it at once. Who was enrolled or photographed since it was "
                "made is recognised by the mean of the photos. The next night judges against it, "
                "and you can roll back."
            )
        )
        with st.container(horizontal=True):
            if st.button(say("Let it serve"), type="primary", icon=":material/check:"):
                # Done by the page, which says what goes wrong.
                close()
                st.session_state[_CONFIRMED] = wanted
                st.rerun()
            if st.button(say("Leave it"), icon=":material/close:"):
                close()
                st.rerun()

    question()


def _described(visit: Visit, head_id: str, found: Mapping[str, object]) -> str:
    mode = mode_word(visit.language, str(found["mode"]))
    rate = _share(visit, found, "find_rate")
    return visit.say("{version}: {mode}, found {rate}", version=head_id, mode=mode, rate=rate)


def _share(visit: Visit, found: Mapping[str, object], name: str) -> str:
    figures = found["figures"]
    value = number_of(figures, name) if isinstance(figures, dict) else None
    return visit.say("not measured") if value is None else visit.language.percent(value, 1)


def _state(visit: Visit, state: str) -> str:
    colour, icon = _COLOURS.get(state, ("gray", "history"))
    return f":{colour}-badge[:material/{icon}: {plain(state_word(visit.language, state))}]"
