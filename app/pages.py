"""The pages and what is the same on all of them: menu, gallery, warnings."""

from collections.abc import Callable

import streamlit as st

from app import enroll_page, identify_page
from app.icon import icon
from app.plain import plain, sentence
from app.sidebar import show_sidebar
from enrollment.errors import RollcallError
from enrollment.service import Service
from models.errors import ModelError
from store.errors import StoreError

_WEAK_BACKBONE = "dlib-resnet"


def show(service: Callable[[], Service]) -> None:
    """Draw the page that the visitor is on.

    Args:
        service: gives the process's open service; may raise what `open_service` raises.
    """
    st.set_page_config(page_title="Rollcall", page_icon=icon())

    def enroll() -> None:
        enroll_page.show(service())

    def identify() -> None:
        identify_page.show(service())

    page = st.navigation(
        [
            st.Page(enroll, title="Enroll", icon=":material/person_add:", default=True),
            st.Page(identify, title="Identify", icon=":material/person_search:"),
        ]
    )
    try:
        show_sidebar(service())
        _warn(service())
        page.run()
    except (RollcallError, StoreError, ModelError) as error:
        st.error(
            plain(sentence(str(error))), title="This cannot be done now", icon=":material/error:"
        )


def _warn(service: Service) -> None:
    if service.facts.backbone == _WEAK_BACKBONE:
        st.warning(
            plain(service.facts.backbone_reason),
            title=f"The weak backbone {_WEAK_BACKBONE} is in use: expect more mistakes",
            icon=":material/warning:",
        )
