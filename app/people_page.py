"""Everybody who is enrolled, and one person whole."""

import streamlit as st

from app.people_list import show_list
from app.person_page import show_person
from app.person_visit import ADDRESS
from app.visit import Visit


def show(visit: Visit) -> None:
    subject_id = st.query_params.get(ADDRESS)
    if subject_id:
        show_person(visit, subject_id)
    else:
        show_list(visit)
