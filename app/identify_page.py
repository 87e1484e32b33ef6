"""Who is on this picture?"""

import streamlit as st

from app.photo_source import one_photo
from app.verdict import show_answers
from enrollment.service import Service


def show(service: Service) -> None:
    st.title("Who is this?")
    if not service.people():
        st.info(
            "Nobody is enrolled yet. Open the page Enroll in the menu and enroll the first person.",
            icon=":material/person_add:",
        )
        return
    photo = one_photo("identify")
    if photo is None:
        st.info("Give a photo: every face in it is answered with a name, unknown, or refused.")
        return
    show_answers(service, photo)
