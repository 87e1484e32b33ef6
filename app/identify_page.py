"""Who is on this picture?"""

import streamlit as st

from app.photo_source import one_photo
from app.verdict import show_answers
from app.visit import Visit


def show(visit: Visit) -> None:
    say = visit.say
    st.title(say("Who is this?"))
    if not visit.service.count():
        st.info(
            say(
                "Nobody is enrolled yet. Open the page Enroll in the menu and enroll the first "
                "person."
            ),
            icon=":material/person_add:",
        )
        return
    photo = one_photo(visit, "identify")
    if photo is None:
        st.info(say("Give a photo: every face in it is answered with a name, unknown, or refused."))
        return
    show_answers(visit, photo)
