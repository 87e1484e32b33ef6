"""A zip or a table of many people is enrolled."""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("Bulk"))
