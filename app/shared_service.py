"""What the pages of every visitor share: one service, and so one backbone, and the long work."""

# First of all: loaded after TensorFlow, which brings another copy of the same crypto library, it
# ends the process (pylibsrtp 1.0.0, TensorFlow 2.21). Live video needs it.
import pylibsrtp  # noqa: F401
import streamlit as st

from app.tasks import Tasks
from app.visitor import visitor_token
from enrollment.config import Settings
from enrollment.rights import Acting
from enrollment.service import Service, open_service


def _release(service: Service) -> None:
    service.close()


def _end(tasks: Tasks) -> None:
    tasks.close()


def _place(settings: Settings) -> str:
    return str(settings.home.resolve())


@st.cache_resource(show_spinner=False, hash_funcs={Settings: _place}, on_release=_release)
def shared_service(settings: Settings, _open_to_all: bool = False) -> Service:
    """Open these settings' gallery at the first call; hand out the same service afterwards.

    What a page does is done in the name of whoever is signed in there, and of nobody else.

    Args:
        _open_to_all: nobody needs to sign in. Counts at the first call, which is the server's.
    """

    def who() -> Acting | None:
        token = visitor_token()
        return None if token is None else service.sessions.acting(token)

    service = open_service(settings, who=None if _open_to_all else who)
    return service


@st.cache_resource(show_spinner=False, on_release=_end)
def shared_tasks() -> Tasks:
    """Of the whole process."""
    return Tasks()
