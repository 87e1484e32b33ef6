"""Everybody who is enrolled, and one person whole."""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("People"))
