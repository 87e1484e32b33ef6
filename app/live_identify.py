"""Who passes the visitor's camera, live: boxes on the moving pictures, and a list below."""

import streamlit as st

from app.camera_trouble import camera_trouble
from app.live_camera import live_camera, show_state
from app.live_recognition import LiveRecognition, Options
from app.passed_table import show_passed
from app.plain import plain, sentence
from app.verdict import decision_word
from app.visit import Visit
from wording.message import words_of

_KEY = "identify-live"
SOURCE = "browser camera"


def show_live(visit: Visit) -> None:
    say, service = visit.say, visit.service
    live = live_recognition(_KEY, SOURCE)
    policy = service.queue.policy
    keep = st.toggle(
        say("Keep unknown faces for review"),
        key=f"{_KEY}-keep",
        help=say(
            "The face and a margin around it are stored, encrypted, once for each person who was "
            "not named, until somebody decides on the page Review: at most {days} days, at most "
            "{most} faces. When this is off, nothing of this camera is stored.",
            days=visit.language.number(policy.days),
            most=visit.language.number(policy.most),
        ),
        persist_state="session",
    )
    live.options = Options(keep_unknown=keep)
    words = state_words(visit)
    live_camera(visit, f"{_KEY}-camera", lambda: live.begin(service, words, visit.goes_on))
    trouble = camera_trouble(visit, f"{_KEY}-trouble")
    if trouble is not None:
        st.error(
            plain(trouble), title=say("The camera did not start"), icon=":material/videocam_off:"
        )
        st.caption(other_ways(visit))
    _show_progress(visit, live, service.operating_point().threshold)


def live_recognition(key: str, source: str) -> LiveRecognition:
    """The one of this visitor; it outlives the camera, and the page being left."""
    kept = st.session_state.get(key)
    if kept is None:
        kept = st.session_state[key] = LiveRecognition(source)
    found: LiveRecognition = kept
    return found


def state_words(visit: Visit) -> dict[str, str]:
    words = {state: decision_word(visit.language, state) for state in ("unknown", "refused")}
    return words | {"known": visit.say("known"), "checking": visit.say("checking")}


def other_ways(visit: Visit) -> str:
    return visit.say("Camera picture and Photo, above, work without live video.")


@st.fragment(run_every=1)
def _show_progress(visit: Visit, live: LiveRecognition, threshold: float) -> None:
    """Asks the gallery nothing: what it raised here would not be shown by `pages`."""
    _show_camera(visit, live)
    trouble = live.follower.trouble if live.follower is not None else None
    if trouble is not None:
        st.warning(
            plain(sentence(visit.language.tell(trouble))),
            title=visit.say("Something went wrong, and recognition goes on"),
        )
    st.subheader(visit.say("Who passed"))
    passed = live.passed.newest_first()
    show_passed(visit, passed, threshold)
    if passed:
        st.button(visit.say("Clear the list"), key=f"{_KEY}-clear", on_click=live.passed.clear)


def _show_camera(visit: Visit, live: LiveRecognition) -> None:
    say, state, view = visit.say, live.camera(), live.view
    if state == "off":
        st.caption(say("The camera is off. Its pictures go to this server alone."))
    elif state == "starting" or (state == "live" and live.follower and not live.follower.ready):
        st.caption(say("Getting ready …"))
    elif state == "live" and view is not None:
        show_state(visit, view)
        seen = live.scene().seen
        said_first = {visit.language.tell(s.reasons[0].message) for s in seen if s.reasons}
        for why in sorted(said_first):
            st.text(sentence(why))
    else:
        title, text = camera_fault(visit, live)
        st.error(plain(text), title=title, icon=":material/videocam_off:")
        st.caption(other_ways(visit))


def camera_fault(visit: Visit, live: LiveRecognition) -> tuple[str, str]:
    """What happened to a camera that is at fault (`LiveRecognition.camera`), and what to do."""
    say, state = visit.say, live.camera()
    again = say("Press Stop the camera and Start the camera. Who passed until then is kept.")
    if state == "broken" and live.view is not None and live.view.error is not None:
        error = live.view.error
        why = sentence(visit.language.tell(words_of(error)))
        return say("Recognition stopped"), f"{why}. {again}"
    if state == "unreached":
        return (
            say("No picture reached the server"),
            say(
                "The browser's pictures come by UDP, straight to the server's own address. A "
                "firewall or another network may keep them away: try it in the server's network."
            ),
        )
    return (
        say("The camera gives no more pictures"),
        say("It may have been unplugged, covered by its switch, or taken by another program.")
        + f" {again}",
    )
