"""Consents, requests, and who did what."""

import streamlit as st

from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("Privacy"))
