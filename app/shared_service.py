"""What the pages of every visitor share: one service, and so one backbone, and the long work."""

# First of all: loaded after TensorFlow, which brings another copy of the same crypto library, it
# ends the process (pylibsrtp 1.0.0, TensorFlow 2.21). Live video needs it.
import pylibsrtp  # noqa: F401
import streamlit as st

from app.tasks import Tasks
from enrollment.config import Settings
from enrollment.service import Service, open_service


def _release(service: Service) -> None:
    service.close()


def _end(tasks: Tasks) -> None:
    tasks.close()


def _place(settings: Settings) -> str:
    return str(settings.home.resolve())


@st.cache_resource(show_spinner=False, hash_funcs={Settings: _place}, on_release=_release)
def shared_service(settings: Settings) -> Service:
    """Open these settings' gallery at the first call; hand out the same service afterwards."""
    return open_service(settings)


@st.cache_resource(show_spinner=False, on_release=_end)
def shared_tasks() -> Tasks:
    """Of the whole process."""
    return Tasks()
