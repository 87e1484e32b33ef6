"""How many strangers are named, and how many of the enrolled are found."""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("Accuracy"))
