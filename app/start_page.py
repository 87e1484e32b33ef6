"""The first steps, and afterwards what is going on."""

import streamlit as st

from app.first_steps import first_steps, show_first_steps
from app.overview import show_overview
from app.visit import Visit


def show(visit: Visit) -> None:
    steps = first_steps(visit)
    people = visit.service.count()
    st.title(visit.say("Start"))
    if steps is not None:
        show_first_steps(visit, steps)
    if people:
        show_overview(visit, people)
