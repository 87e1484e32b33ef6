"""One's own account: password, second factor, where one is signed in."""

from collections.abc import Callable

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.addresses import PASSWORD
from app.notice import notice, show_notice
from app.proof import proved
from app.role_words import roles_in_words
from app.visit import Visit
from enrollment.accounts import Session
from enrollment.errors import RollcallError
from enrollment.second_factor import address_of, new_secret

_SETTING_UP = "account-factor"
_QR = 240  # px


def show(visit: Visit) -> None:
    say = visit.say
    st.title(say("Your account"))
    show_notice("account")
    session = visit.service.sessions.current(visit.token)
    if visit.token is None or session is None:
        st.info(say("Nobody signs in here: the server was started with --insecure-dev."))
        return
    st.text(say("Login: {login}", login=session.user.login))
    st.text(say("Roles: {roles}", roles=roles_in_words(session.user.roles, visit.language)))
    if session.user.password is None:
        st.text(say("You sign in through {name}.", name=session.user.issuer or ""))
    else:
        _show_password(visit)
        _show_factor(visit, visit.token, session)
    _show_sessions(visit, visit.token, session)


def _show_password(visit: Visit) -> None:
    say = visit.say
    st.subheader(say("Password"))
    st.link_button(say("Choose another password"), PASSWORD, icon=":material/password:")


def _show_factor(visit: Visit, token: str, session: Session) -> None:
    say = visit.say
    st.subheader(say("Second factor"))
    if session.user.totp is not None:
        st.success(say("A code is asked for when you sign in."), icon=":material/verified_user:")
        if st.button(say("Ask for no code any more"), icon=":material/no_encryption:"):
            _change(visit, lambda: visit.service.sessions.drop_factor(token))
            st.rerun()
        return
    st.write(
        say(
            "With a second factor a password that somebody has seen is of no use: an app on your "
            "telephone shows six digits that change every half minute."
        )
    )
    if _SETTING_UP not in st.session_state:
        if st.button(say("Set one up"), icon=":material/add_moderator:"):
            st.session_state[_SETTING_UP] = new_secret()
            st.rerun()
        return
    if not proved(visit):
        return
    secret = st.session_state[_SETTING_UP]
    st.image(_qr(address_of(secret, session.user.login)), width=_QR, caption=secret)
    with st.form("factor", border=False):
        code = st.text_input(say("The code that the app shows"), autocomplete="one-time-code")
        if st.form_submit_button(say("Ask for it from now on"), type="primary"):
            if _change(visit, lambda: visit.service.sessions.set_factor(token, secret, code)):
                del st.session_state[_SETTING_UP]
            st.rerun()


def _show_sessions(visit: Visit, token: str, mine: Session) -> None:
    say, sessions = visit.say, visit.service.sessions
    st.subheader(say("Where you are signed in"))
    for session in sessions.of(mine.user):
        since = visit.language.moment(session.started_at)
        here = session.session_id == mine.session_id
        st.text(say("Here, since {when}", when=since) if here else say("Since {when}", when=since))
    if st.button(say("Sign out everywhere else"), icon=":material/logout:"):
        count = sessions.end_others(token)
        notice("account", "success", say("Signed out in {n} other places.", n=count))
        st.rerun()


def _change(visit: Visit, change: Callable[[], None]) -> bool:
    try:
        change()
    except RollcallError as error:
        notice("account", "error", visit.language.tell(error.args[0]))
        return False
    notice("account", "success", visit.say("This was changed."))
    return True


def _qr(text: str) -> NDArray[np.uint8]:
    """(h, w) grey, with the white border that cameras need; a pixel is a square of the code."""
    code = cv2.QRCodeEncoder.create().encode(text)
    scale = max(_QR // code.shape[0], 1)
    return np.asarray(cv2.resize(code, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST))
