"""A screen at a door: who stands before it?"""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("Door"))
