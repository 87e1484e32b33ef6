"""Why the browser gives no camera: it is told to the page, which says it and what to do."""

from functools import cache
from typing import Any

import streamlit as st

from app.visit import Visit

# The live camera's frame (streamlit-webrtc) shows the browser's own words, in English, and tells
# the server nothing. Its document is of this server, so it may be read.
_WATCH = """
const NAMES = {
  NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing",
  OverconstrainedError: "missing", NotReadableError: "busy", AbortError: "busy",
};

function trouble() {
  if (!window.isSecureContext || !navigator.mediaDevices) return "insecure";
  for (const frame of document.querySelectorAll("iframe[title*=webrtc]")) {
    let alert = null;
    try {
      alert = frame.contentDocument.querySelector("[role=alert]");
    } catch {
      continue;
    }
    if (alert === null) continue;
    const name = alert.textContent.split(":")[0].trim();
    return NAMES[name] ?? "other";
  }
  return "none";
}

export default function ({ setStateValue, data }) {
  let told = data;
  const look = () => {
    const now = trouble();
    if (now !== told) {
      told = now;
      setStateValue("trouble", now);
    }
  };
  look();
  const timer = setInterval(look, 500);
  return () => clearInterval(timer);
}
"""


def camera_trouble(visit: Visit, key: str) -> str | None:
    """What keeps the live camera of this page from starting, and what to do; None when nothing.

    Call it after `live_camera`, in the same run.
    """
    told = st.session_state.get(key, {}).get("trouble") or "none"
    seen = _watch()(key=key, data=told, on_trouble_change=_draw_anew)
    return _words(visit, str(seen.trouble or "none"))


@cache
def _watch() -> Any:  # noqa: ANN401 - Streamlit's type is not public
    return st.components.v2.component("rollcall_camera_trouble", js=_WATCH)


def _draw_anew() -> None:
    """A change draws the page anew, which is all that is wanted."""


def _words(visit: Visit, trouble: str) -> str | None:
    say = visit.say
    return {
        "insecure": say(
            "This browser gives no camera to a page that is not secure: open it as https:// or on "
            "localhost."
        ),
        "denied": say(
            "The browser was not allowed to use the camera. Allow it beside the address of this "
            "page, then start the camera again."
        ),
        "missing": say("No camera was found. Plug one in, then start the camera again."),
        "busy": say(
            "The camera cannot be read: another program may be using it. Close that program, then "
            "start the camera again."
        ),
        "other": say("The camera could not be started. Start it again, or try another browser."),
    }.get(trouble)
