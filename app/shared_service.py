"""The one service of a process: the pages of every visitor share it, and so one backbone."""

import streamlit as st

from enrollment.config import Settings
from enrollment.service import Service, open_service


def _release(service: Service) -> None:
    service.close()


def _place(settings: Settings) -> str:
    return str(settings.home.resolve())


@st.cache_resource(show_spinner=False, hash_funcs={Settings: _place}, on_release=_release)
def shared_service(settings: Settings) -> Service:
    """Open these settings' gallery at the first call; hand out the same service afterwards."""
    return open_service(settings)
