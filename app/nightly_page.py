"""What was learnt at night."""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("Nightly"))
