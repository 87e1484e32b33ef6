"""Who visits: the token that the browser brings along in a cookie."""

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

COOKIE = "rollcall_session"
# The browser takes it from this very host alone, and over https alone.
SECURE_COOKIE = f"__Host-{COOKIE}"


def token_in(cookies: Mapping[str, str]) -> str:
    """Empty where there is none."""
    return cookies.get(SECURE_COOKIE) or cookies.get(COOKIE) or ""


def visitor_token() -> str | None:
    """Of the visitor for whom this thread runs a page, a callback or a fragment, empty where they
    are not signed in; None: it runs for none."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return token_in(st.context.cookies)
