"""What is in force, and its care."""

import streamlit as st

from app.backup_care import show_backups
from app.doctor import show_doctor, show_facts
from app.index_care import show_index
from app.night_plan import show_night
from app.notice import show_notice
from app.visit import Visit


def show(visit: Visit) -> None:
    st.title(visit.say("System"))
    show_notice("system")
    show_doctor(visit)
    show_backups(visit)
    show_index(visit)
    show_night(visit)
    show_facts(visit)
