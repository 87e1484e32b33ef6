"""Who may sign in, and as what."""

from collections.abc import Callable

import streamlit as st

from app.notice import notice, show_notice
from app.plain import plain
from app.proof import proved
from app.role_words import role_in_words, roles_in_words
from app.visit import Visit
from enrollment.accounts import User
from enrollment.errors import RollcallError
from enrollment.rights import ROLES

_ONE_TIME = "accounts-one-time"  # (login, password), until it is put away


def show(visit: Visit) -> None:
    say = visit.say
    st.title(say("Accounts"))
    show_notice("accounts")
    _show_one_time(visit)
    users = visit.service.accounts.all()
    _show_list(visit, users)
    if not proved(visit):
        return
    _show_new(visit)
    if users:
        _show_one(visit, users)


def _show_list(visit: Visit, users: list[User]) -> None:
    say, language = visit.say, visit.language
    signed_in = {
        s.user.user_id for s in visit.service.accounts.sessions() if visit.service.sessions.holds(s)
    }
    if not users:
        st.info(say("Nobody has an account yet."))
        return
    st.table(
        [
            {
                say("Login"): plain(user.login),
                say("Roles"): plain(roles_in_words(user.roles, language)),
                say("State"): plain(_state(visit, user, user.user_id in signed_in)),
                say("Second factor"): say("yes") if user.totp else say("no"),
            }
            for user in users
        ],
        hide_index=True,
        alt=say("Who may sign in"),
    )


def _state(visit: Visit, user: User, signed_in: bool) -> str:
    say = visit.say
    if user.disabled_at is not None:
        return say("disabled")
    if user.one_time:
        return say("has not chosen a password yet")
    return say("signed in now") if signed_in else say("signed out")


def _show_one_time(visit: Visit) -> None:
    say = visit.say
    if _ONE_TIME not in st.session_state:
        return
    login, password = st.session_state[_ONE_TIME]
    st.success(
        say(
            "Give this one-time password to {login}; it cannot be shown again:", login=plain(login)
        ),
        icon=":material/key:",
    )
    st.code(password, language=None)
    if st.button(say("Put away"), icon=":material/close:"):
        del st.session_state[_ONE_TIME]
        st.rerun()


def _show_new(visit: Visit) -> None:
    say = visit.say
    st.subheader(say("Somebody new"))
    with st.form("new-account", clear_on_submit=True):
        login = st.text_input(say("Login"), max_chars=64, autocomplete="off")
        roles = _ask_roles(visit, "new-roles", [])
        pressed = st.form_submit_button(
            say("Make the account"), type="primary", icon=":material/person_add:"
        )
    if pressed:
        try:
            user, password = visit.service.accounts.add(login, roles)
        except RollcallError as error:
            notice("accounts", "error", visit.language.tell(error.args[0]))
        else:
            st.session_state[_ONE_TIME] = (user.login, password)
        st.rerun()


def _show_one(visit: Visit, users: list[User]) -> None:
    say, accounts = visit.say, visit.service.accounts
    st.subheader(say("Change an account"))
    by_login = {user.login: user for user in users}
    login = st.selectbox(say("Login"), list(by_login), index=None, key="account-chosen")
    if login is None:
        return
    user = by_login[login]
    if user.issuer is None:
        with st.form(f"roles-{user.user_id}"):
            roles = _ask_roles(visit, f"roles-of-{user.user_id}", sorted(user.roles))
            if st.form_submit_button(say("Give these roles"), icon=":material/check:"):
                _do(visit, lambda: accounts.set_roles(login, roles))
    else:
        st.text(say("{name} says what their roles are.", name=user.issuer))
    with st.container(horizontal=True):
        if user.issuer is None and st.button(
            say("New one-time password"), icon=":material/lock_reset:"
        ):
            _do(visit, lambda: _reset(visit, login))
        if user.disabled_at is None:
            if st.button(say("Disable"), icon=":material/block:"):
                _do(visit, lambda: accounts.disable(login))
        elif st.button(say("Enable"), icon=":material/check_circle:"):
            _do(visit, lambda: accounts.enable(login))
        if st.button(say("Sign out everywhere"), icon=":material/logout:"):
            _do(visit, lambda: accounts.sign_out(login))


def _ask_roles(visit: Visit, key: str, given: list[str]) -> list[str]:
    return st.multiselect(
        visit.say("Roles"),
        list(ROLES),
        given,
        format_func=lambda role: role_in_words(role, visit.language),
        key=key,
    )


def _reset(visit: Visit, login: str) -> None:
    st.session_state[_ONE_TIME] = (login, visit.service.accounts.reset(login))


def _do(visit: Visit, act: Callable[[], object]) -> None:
    try:
        act()
    except RollcallError as error:
        notice("accounts", "error", visit.language.tell(error.args[0]))
    else:
        notice("accounts", "success", visit.say("This was changed."))
    st.rerun()
