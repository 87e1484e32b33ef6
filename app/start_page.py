"""The first steps, and afterwards what is going on."""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("Start"))
