"""What is in force, in a few words: people, backbone, device, operating point."""

import streamlit as st

from app.language import Language
from app.language_choice import show_language_choice
from app.visit import Visit
from enrollment.calibration import OperatingPoint
from enrollment.rights import Right


def show_sidebar(visit: Visit) -> None:
    service, say = visit.service, visit.say
    with st.sidebar:
        _show_who(visit)
        _fact(say("People"), visit.language.number(service.count()))
        _fact(say("Backbone"), service.facts.backbone)
        _fact(say("Device"), visit.language.tell(service.backbone.device))
        point = service.operating_point()
        _fact(say("Promise"), promise(point, visit.language))
        if visit.may(Right.SCORES):
            with st.expander(say("How this was measured")):
                st.text(visit.language.tell(point.explanation))
                st.text(say("Threshold: {threshold:.3f}", threshold=point.threshold))
        show_language_choice(visit.language)


def _show_who(visit: Visit) -> None:
    say, sessions = visit.say, visit.service.sessions
    session = sessions.current(visit.token)
    if session is None:
        return
    _fact(say("Signed in"), session.user.login)
    # The page leaves by itself, as wherever a session ends.
    st.button(say("Sign out"), icon=":material/logout:", on_click=sessions.end, args=(visit.token,))


def promise(point: OperatingPoint, language: Language) -> str:
    """The operating point in words."""
    named = language.say(
        "at most 1 stranger in {n} is named", n=language.number(1 / point.max_fpir)
    )
    kept = {
        "kept": language.say("promise kept"),
        "not_enough_data": language.say("not enough data yet"),
    }
    return f"{named}: {kept.get(point.promise, point.promise)}"


def _fact(label: str, value: str) -> None:
    # Not st.caption or st.metric for the value: these would read it as Markdown.
    with st.container(gap=None):
        st.caption(label)
        st.text(value)
