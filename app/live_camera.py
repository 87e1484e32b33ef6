"""The camera of the visitor's browser, live, by streamlit-webrtc."""

from collections.abc import Callable
from typing import Final

import av
import numpy as np
import streamlit as st
from streamlit_webrtc import VideoProcessorBase, WebRtcMode, webrtc_streamer

from app.live_view import LiveView
from app.visit import Visit

# The browser reaches this server directly: nobody else's server (STUN, TURN) is asked.
_DIRECT: Final[dict[str, list[str]]] = {"iceServers": []}
_VIDEO: Final = {
    "video": {"width": {"ideal": 640}, "height": {"ideal": 480}, "frameRate": {"ideal": 24}},
    "audio": False,
}
_ATTRIBUTES: Final = {
    "autoPlay": True,
    "controls": False,
    "muted": True,
    "playsInline": True,
    "style": {"width": "100%", "maxHeight": "26rem"},
}


class _Processor(VideoProcessorBase):  # type: ignore[misc]
    """Streamlit-webrtc's side of a view: one for each press of START."""

    def __init__(self, view: LiveView) -> None:
        self.view = view

    def recv(self, frame: av.VideoFrame) -> av.VideoFrame:
        picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        shown = av.VideoFrame.from_ndarray(self.view.show(picture), format="rgb24")
        shown.pts, shown.time_base = frame.pts, frame.time_base
        return shown

    def on_ended(self) -> None:
        self.view.close()


def live_camera(visit: Visit, key: str, view: Callable[[], LiveView]) -> LiveView | None:
    """Show the camera with a button to start it; the view while it films, else None.

    Args:
        view: makes one, in another thread than the page's, when the visitor presses START.
    """
    say = visit.say
    context = webrtc_streamer(
        key=key,
        mode=WebRtcMode.SENDRECV,
        rtc_configuration=_DIRECT,
        media_stream_constraints=_VIDEO,
        video_processor_factory=lambda: _Processor(view()),
        video_html_attrs=_ATTRIBUTES,
        media_toggle_controls=False,
        translations={
            "start": say("Start the camera"),
            "stop": say("Stop the camera"),
            "select_device": say("Choose a camera"),
            "media_api_not_available": say(
                "This browser gives no camera to this page: open it as https:// or on localhost"
            ),
            "device_ask_permission": say("Allow the browser to use the camera"),
            "device_not_available": say("No camera was found: plug one in, or use a photo"),
            "device_access_denied": say(
                "The camera is not allowed: allow it in the browser's address bar, or use a photo"
            ),
        },
    )
    if not context.state.playing or context.video_processor is None:
        return None
    found: LiveView = context.video_processor.view
    return found


def show_state(visit: Visit, view: LiveView) -> None:
    """Pictures a second, in small letters."""
    shown, looked = view.rates()
    st.caption(
        visit.say(
            "{shown} pictures a second, {looked} of them looked at",
            shown=visit.language.number(shown),
            looked=visit.language.number(looked),
        )
    )
