"""Who is this? Asked of a live camera, of one picture of it, or of a photo."""

import streamlit as st

from app.live_identify import show_live
from app.photo_source import camera_photo, file_photo
from app.verdict import show_answers
from app.visit import Visit

_LIVE, _CAMERA, _PHOTO = "live", "camera", "photo"


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
    named = {_LIVE: say("Live"), _CAMERA: say("Camera picture"), _PHOTO: say("Photo")}
    way = st.segmented_control(
        say("Look at"),
        [_LIVE, _CAMERA, _PHOTO],
        format_func=named.__getitem__,
        default=_PHOTO,
        required=True,
        key="identify-way",
        persist_state="session",
    )
    if way == _LIVE:
        show_live(visit)
        return
    photo = (camera_photo if way == _CAMERA else file_photo)(visit, "identify")
    if photo is None:
        st.info(say("Give a photo: every face in it is answered with a name, unknown, or refused."))
        return
    show_answers(visit, photo)
