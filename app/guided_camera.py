"""Five views by themselves: the visitor films himself and is told what to do."""

import html
import time
from collections.abc import Callable

import cv2
import numpy as np
import streamlit as st

from app.draft import Draft
from app.live_camera import live_camera, show_state
from app.live_view import LiveView, Picture
from app.outlook_facts import share
from app.plain import plain
from app.visit import Visit
from enrollment.guidance import View
from enrollment.guide import Guide, Shot
from enrollment.outlook import Outlook

_EVERY = 0.3  # seconds
_SILENT = 3.0  # seconds without a picture: the camera is gone
_SHOT = 96  # px
_OVAL = (0.29, 0.4)  # half its width and height, as shares of the frame's height
_WHITE, _GREEN, _DARK = (255, 255, 255), (64, 208, 120), (20, 20, 20)
_WORDS = (
    '<div role="alert" style="font-size:clamp(1.5rem,6vw,2.25rem);font-weight:700;'
    'line-height:1.2;min-height:1.2em">{words}</div>'
)


def show_guided_camera(visit: Visit, draft: Draft) -> None:
    """The camera, what to do, and the views taken so far; these stay when the camera stops."""
    if draft.guide is None:
        draft.guide = visit.service.guide()
    guide = draft.guide
    view = live_camera(
        visit, draft.key("guided"), lambda: LiveView(guide.look, mirrored_with_oval(guide))
    )
    filming = view is not None and not view.over
    draft.shown = _state(guide)
    st.fragment(_follow, run_every=_EVERY if filming else None)(visit, draft, view)
    # Not in the fragment: a press while that is drawn anew would be lost.
    show_taken(visit, guide)


def _follow(visit: Visit, draft: Draft, view: LiveView | None) -> None:
    if draft.guide is None:
        return
    show_progress(visit, draft.guide, view)
    if draft.shown != _state(draft.guide):
        st.rerun()


def _state(guide: Guide) -> object:
    return [shot.number for shot in guide.shots], guide.taken, guide.skipped


def mirrored_with_oval(guide: Guide) -> Callable[[Picture], Picture]:
    """How pictures are shown: as in a mirror, with a place for the face."""

    def draw(picture: Picture) -> Picture:
        shown = np.ascontiguousarray(picture[:, ::-1])
        height, width = shown.shape[:2]
        middle = (width // 2, height // 2)
        axes = (round(_OVAL[0] * height), round(_OVAL[1] * height))
        good = guide.holding
        cv2.ellipse(shown, middle, axes, 0, 0, 360, _DARK, 9 if good else 5, cv2.LINE_AA)
        colour = _GREEN if good else _WHITE
        cv2.ellipse(shown, middle, axes, 0, 0, 360, colour, 6 if good else 2, cv2.LINE_AA)
        return shown

    return draw


def view_name(visit: Visit, view: View) -> str:
    """The person's own left and right."""
    names = {
        View.STRAIGHT: visit.say("Straight"),
        View.LEFT: visit.say("Left"),
        View.RIGHT: visit.say("Right"),
        View.UP: visit.say("Up"),
        View.DOWN: visit.say("Down"),
    }
    return names[view]


def show_progress(visit: Visit, guide: Guide, view: LiveView | None) -> None:
    """What to do now, and a tick for each view; drawn again and again.

    Args:
        view: None before the camera films.
    """
    filming = view is not None and not view.over
    _show_words(visit, guide, view if filming else None)
    if view is not None and view.error is not None:
        st.error(
            visit.say("What was taken so far is kept. Stop the camera and start it again."),
            title=visit.say("Looking at the pictures ended with an error"),
            icon=":material/error:",
        )
    _show_ticks(visit, guide)
    if filming and view is not None:
        show_state(visit, view)


def show_taken(visit: Visit, guide: Guide) -> None:
    """The views taken so far, which can be dropped, and what may be skipped, at which cost."""
    _show_shots(visit, guide)
    _show_choices(visit, guide)


def _show_words(visit: Visit, guide: Guide, view: LiveView | None) -> None:
    words, number = visit.say("Start the camera"), ""
    if guide.asked is None:
        words = visit.say("All done")
        number = visit.say("Stop the camera, and go on below.")
    elif view is None:
        number = visit.say(
            "Then do what is said here: pictures are taken by themselves. No press is needed."
        )
    elif _is_gone(view):
        words = visit.say("No picture comes from the camera")
        number = visit.say(
            "Is it still plugged in, and not in use elsewhere? Stop it and start it again. What "
            "was taken so far is kept."
        )
    else:
        advice = guide.advice
        words = visit.language.tell(advice.words)
        number = visit.language.tell(advice.number) if advice.number else ""
    st.html(_WORDS.format(words=html.escape(words)))
    st.text(number or " ")


def _is_gone(view: LiveView) -> bool:
    last = view.last_frame_at
    return last is not None and time.monotonic() - last > _SILENT


def _show_ticks(visit: Visit, guide: Guide) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        for view in View:
            name = view_name(visit, view)
            if view in guide.taken:
                text = visit.say("{view}: taken", view=name)
                st.badge(text, icon=":material/check_circle:", color="green")
            elif view is guide.asked:
                text = visit.say("{view}: now", view=name)
                st.badge(text, icon=":material/arrow_forward:", color="blue")
            elif view in guide.skipped:
                text = visit.say("{view}: skipped", view=name)
                st.badge(text, icon=":material/skip_next:", color="gray")
            else:
                text = visit.say("{view}: to come", view=name)
                st.badge(text, icon=":material/radio_button_unchecked:", color="gray")


def _show_shots(visit: Visit, guide: Guide) -> None:
    if not guide.shots:
        return
    with st.container(horizontal=True):
        for shot in guide.shots:
            _show_shot(visit, guide, shot)


def _show_shot(visit: Visit, guide: Guide, shot: Shot) -> None:
    name = view_name(visit, shot.view)
    with st.container(width=_SHOT, gap="xxsmall"):
        st.image(shot.crop, width=_SHOT, alt=name)
        st.button(
            visit.say("Drop"),
            key=f"drop-{shot.number}",
            help=visit.say("Drop the view {view} and take it again", view=name),
            on_click=guide.reopen,
            args=(shot.view,),
        )
        if shot.unlike and shot.likeness is not None:
            st.text(
                visit.say(
                    "Another person? Likeness to the first views: {score:.2f}", score=shot.likeness
                )
            )


def _show_choices(visit: Visit, guide: Guide) -> None:
    asked = guide.asked
    with st.container(horizontal=True):
        if asked is not None:
            st.button(
                visit.say("Skip: {view}", view=view_name(visit, asked)),
                key="guided-skip",
                icon=":material/skip_next:",
                on_click=guide.skip,
                args=(asked,),
            )
        for view in (view for view in View if view in guide.skipped):
            st.button(
                visit.say("Take it after all: {view}", view=view_name(visit, view)),
                key=f"guided-again-{view.value}",
                icon=":material/undo:",
                on_click=guide.reopen,
                args=(view,),
            )
    if asked is not None or guide.skipped:
        st.caption(plain(_cost(visit, visit.service.outlook_of(guide.shots))))


def _cost(visit: Visit, outlook: Outlook) -> str:
    """What a view less costs, as far as it is known."""
    if outlook.find_rate is None or outlook.with_one_more is None:
        return visit.say(
            "Any view may be skipped, and you may stop at any time. A person with one photo is "
            "found less often than one with three, and a head that is turned less often than one "
            "that was seen turned."
        )
    return visit.say_many(
        "With this {n} view this person will be found {now} of the time, with one more "
        "{then}. Any view may be skipped.",
        "With these {n} views this person will be found {now} of the time, with one more "
        "{then}. Any view may be skipped.",
        outlook.photos,
        now=share(visit, outlook.find_rate),
        then=share(visit, outlook.with_one_more),
    )
