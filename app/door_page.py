"""A screen at a door: who stands before it? For a kiosk; never says that somebody is absent."""

import streamlit as st

from app.camera_trouble import camera_trouble
from app.door_face import DoorFace, door_face
from app.door_sign import READ_ALOUD, STYLE, sign, way_out
from app.live_camera import live_camera
from app.live_identify import camera_fault, live_recognition, state_words
from app.live_recognition import LiveRecognition, Options
from app.plain import plain, sentence
from app.visit import Visit
from enrollment.camera_budget import CameraBackOff

_KEY = "door"
_ASKED = f"{_KEY}-asked"  # when somebody said that they were not recognised
_HELP_LASTS = 20.0  # seconds
SOURCE = "web door"


def show(visit: Visit) -> None:
    say, service = visit.say, visit.service
    st.html(STYLE)
    live = live_recognition(f"{_KEY}-live", SOURCE)
    above = st.container(key="door-above")
    with st.container(horizontal=True, vertical_alignment="top", key="door-below"):
        camera = st.container(key="door-camera")
        with st.container(width="content"):
            live.options, other_way, back_off = _set_up(visit)
            # Of the account, because whoever stands there could load the page anew.
            door = f"{SOURCE} {service.acting.actor}"
            live.budget = service.camera_budget(door) if back_off else None
            st.html(way_out(say("Leave door mode")), width="content")
    with camera:
        words = state_words(visit)
        live_camera(visit, f"{_KEY}-webrtc", lambda: live.begin(service, words, visit.goes_on))
        _show_trouble(visit, live)
    with above:
        if service.count():
            _show_sign(visit, live, other_way)
            # Not in the fragment: a press while that is drawn anew would be lost.
            st.button(
                say("I was not recognised"),
                key="door-not-recognised",
                icon=":material/contact_support:",
                width="stretch",
                on_click=_ask_for_help,
                args=(live,),
            )
        else:
            st.html(sign(DoorFace("fault", say("Nobody is enrolled yet"), other_way)))
        st.html(READ_ALOUD, unsafe_allow_javascript=True)


@st.fragment(run_every=0.3)
def _show_sign(visit: Visit, live: LiveRecognition, other_way: str) -> None:
    """Asks the gallery nothing: what it raised here would not be shown by `pages`."""
    asked_at = st.session_state.get(_ASKED)
    if asked_at is not None and live.clock() - asked_at < _HELP_LASTS:
        face = DoorFace("unknown", visit.say("Please go another way"), other_way)
    else:
        face = door_face(live, visit.language, other_way)
    with st.container(key="door-sign"):
        st.html(sign(face))


def _ask_for_help(live: LiveRecognition) -> None:
    st.session_state[_ASKED] = live.clock()


def _show_trouble(visit: Visit, live: LiveRecognition) -> None:
    trouble = camera_trouble(visit, f"{_KEY}-trouble")
    if trouble is not None:
        st.error(plain(trouble), icon=":material/videocam_off:")
    _show_fault(visit, live)


@st.fragment(run_every=1)
def _show_fault(visit: Visit, live: LiveRecognition) -> None:
    """For whoever looks after the door, in small letters."""
    if live.camera() not in ("off", "starting", "live"):
        title, text = camera_fault(visit, live)
        st.error(plain(text), title=title, icon=":material/videocam_off:")
    going_on = live.follower.trouble if live.follower is not None else None
    if going_on is not None:
        st.warning(plain(sentence(visit.language.tell(going_on))))


def _set_up(visit: Visit) -> tuple[Options, str, bool]:
    """What the operator chooses, the other way, and whether to back off. The address keeps them,
    for a kiosk."""
    say = visit.say
    usual = say("Use your badge or ring at reception.")
    policy = visit.service.queue.policy
    with st.popover(say("Set up this door"), icon=":material/settings:"):
        other_way = st.text_input(
            say("What somebody does who is not recognised"),
            usual,
            max_chars=120,
            key="other-way",
            bind="query-params",
        )
        liveness = st.toggle(say("Ask for turns of the head"), key="liveness", bind="query-params")
        st.caption(
            say(
                "Without it a photo that is held before the camera passes for the person. With it "
                "each person turns the head three times, as asked. Films and masks are not "
                "measured: attended use only."
            )
        )
        keep = st.toggle(say("Keep unknown faces for review"), key="review", bind="query-params")
        st.caption(
            say(
                "Off, nothing of this camera is stored. On, the face of each person who was not "
                "named is stored, encrypted, until somebody decides on the page Review: at most "
                "{days} days. Say so on a notice at the door.",
                days=visit.language.number(policy.days),
            )
        )
        back_off = st.toggle(
            say("Pause after many unknown people"), True, key="back-off", bind="query-params"
        )
        st.caption(
            say(
                "After {free} people in a row who are unknown the camera waits {seconds} s after "
                "each further one, so that nobody can try out faces. Somebody who is recognised "
                "ends the row. Switch it off where nearly everybody is a visitor.",
                free=visit.language.number(CameraBackOff().free),
                seconds=visit.language.number(round(CameraBackOff().seconds)),
            )
        )
        st.caption(
            say(
                "Full screen: press F11, or start the browser as a kiosk with the address of this "
                "page, in which these settings stand."
            )
        )
    return Options(keep, liveness, mirrored=True), other_way or usual, back_off
