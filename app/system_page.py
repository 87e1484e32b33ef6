"""What is in force, and its care."""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("System"))
