"""Faces that wait for a person's word."""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("Review"))
