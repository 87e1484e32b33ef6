"""Ways from one page to another. Streamlit knows a page that is a function by its address alone."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app.visit import Visit


def show_way(visit: Visit, path: str, label: str, icon: str) -> None:
    """A link to the page of this address, as `app/pages.py` has it, if the visitor may open it."""
    if visit.may_open(path):
        st.page_link(_page(path, label), label=label, icon=f":material/{icon}:")


def go(path: str) -> None:
    """Leave for the page of this address; what stands behind it in the script is not run."""
    st.switch_page(_page(path, path))


def _page(path: str, title: str) -> StreamlitPage:
    return st.Page(_stay, title=title, url_path=path)


def _stay() -> None:
    """Never run: the page that is registered under the address is."""
