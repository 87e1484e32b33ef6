"""Before somebody is erased or given out: is it really they who sit there?"""

from collections.abc import Callable

import streamlit as st

from app.addresses import PROVIDER
from app.plain import plain, sentence
from app.visit import Visit

_ASKED = "proof-asked"


def proved(visit: Visit) -> bool:
    """Has the visitor proved within the last minutes who they are? Where not, ask them to."""
    if visit.token is None or visit.service.acting.confirmed:
        return True
    session = visit.service.sessions.current(visit.token)
    if session is None:
        return False
    say = visit.say
    st.info(say("Prove first that it is you. It holds for five minutes."), icon=":material/lock:")
    if session.user.password is None:
        st.link_button(say("Sign in again"), PROVIDER, icon=":material/login:")
        return False
    with st.form("proof", border=False):
        password = st.text_input(
            say("Your password"), type="password", autocomplete="current-password"
        )
        code = ""
        if session.user.totp is not None:
            code = st.text_input(say("Six-digit code"), autocomplete="one-time-code")
        pressed = st.form_submit_button(say("It is me"), icon=":material/lock_open:")
    if pressed:
        attempt = visit.service.sessions.confirm(visit.token, password, code)
        if attempt.token is not None:
            st.rerun()
        st.error(plain(sentence(visit.language.tell(attempt.said))), icon=":material/error:")
    return False


def proved_download(
    visit: Visit,
    label: str,
    data: Callable[[], bytes],
    *,
    file_name: str,
    key: str | None = None,
    help: str | None = None,
) -> None:
    """A button that gives out a zip file, gathered at the click: nothing decrypted waits in the
    server's memory for it. Whoever has not proved who they are is asked first."""
    place = f"{_ASKED}-{file_name}"
    if visit.token is None or visit.service.acting.confirmed:
        st.session_state.pop(place, None)
        st.download_button(
            label,
            data=visit.theirs(data),
            file_name=file_name,
            mime="application/zip",
            key=key,
            icon=":material/download:",
            help=help,
            on_click="ignore",
        )
        return
    if st.button(f"{label}…", key=f"{place}-ask", icon=":material/lock:", help=help):
        st.session_state[place] = True
    if st.session_state.get(place):

        @st.dialog(label, on_dismiss=lambda: st.session_state.pop(place, None))
        def ask() -> None:
            proved(visit)

        ask()
