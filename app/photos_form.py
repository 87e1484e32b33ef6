"""The photos of one person: filmed with guidance, taken one by one, or given as files."""

from collections.abc import Callable, Sequence

import streamlit as st

from app.draft import Draft, Given, current_draft
from app.guided_camera import show_guided_camera
from app.photo_source import FILE_TYPES, RESOLUTION, file_help, uploaded
from app.plain import plain
from app.samples import MOST_SHOWN
from app.thumbnail import thumbnail
from app.visit import Visit
from enrollment.enroller import ADVISED_PHOTOS
from enrollment.photo import MAX_BYTES, photo_bytes

_GUIDED, _SINGLE = "guided", "single"
_SHOT = 96  # px


def ask_photos(visit: Visit, draft: Draft, *, allowed: bool) -> list[Given]:
    """Ask for photos; those there are so far.

    Args:
        allowed: the person has agreed, or nobody has to; else camera and files stay shut.
    """
    say = visit.say
    if not allowed:
        st.info(
            say("First the consent: camera and files open when the box above is ticked."),
            icon=":material/lock:",
        )
    st.write(
        say(
            "At least {n}, one person on each: straight, turned a little to either side, and in "
            "another light.",
            n=ADVISED_PHOTOS,
        )
    )
    how = _ask_how(visit, allowed)
    if how == _GUIDED:
        show_guided_camera(visit, draft)
    elif how == _SINGLE:
        st.camera_input(
            say("Take picture {number}", number=draft.taken + 1),
            key=draft.key(f"shot-{draft.taken}"),
            resolution=RESOLUTION,
            on_change=_keep_shot,
        )
    _show_shots(visit, draft, without_filmed=how == _GUIDED)
    files = st.file_uploader(
        say("Choose photos"),
        FILE_TYPES,
        accept_multiple_files=True,
        key=draft.key("files"),
        help=file_help(visit),
        max_upload_size=MAX_BYTES // 1024**2,
        disabled=not allowed,
    )
    given = [Given(file.file_id, uploaded(file)) for file in files]
    _show_files(visit, given)
    return [*draft.filmed(), *draft.shots, *given]


def _ask_how(visit: Visit, allowed: bool) -> str | None:
    say = visit.say
    named = {_GUIDED: say("Guided camera: five views"), _SINGLE: say("Take single pictures")}
    how = st.segmented_control(
        say("With this device's camera"),
        [_GUIDED, _SINGLE],
        format_func=named.__getitem__,
        key="enroll-camera",
        disabled=not allowed,
        help=say("The guided camera takes the pictures by itself and says what to do."),
    )
    return how if allowed else None


def _keep_shot() -> None:
    """Into the list, and a fresh camera for the next one."""
    draft = current_draft()
    shot = st.session_state[draft.key(f"shot-{draft.taken}")]
    if shot is not None:
        draft.taken += 1
        photo = photo_bytes(f"camera picture {draft.taken}", shot.getvalue())
        draft.shots.append(Given(f"shot-{draft.taken}", photo))


def _drop_filmed(number: int) -> None:
    guide = current_draft().guide
    for shot in guide.shots if guide else ():
        if guide and shot.number == number:
            guide.reopen(shot.view)


def _show_shots(visit: Visit, draft: Draft, *, without_filmed: bool) -> None:
    filmed = () if draft.guide is None or without_filmed else draft.guide.shots
    if not draft.shots and not filmed:
        return
    with st.container(horizontal=True):
        for shot in filmed:
            with st.container(width=_SHOT, gap="xxsmall"):
                source = shot.photo.source
                st.image(shot.crop, width=_SHOT, alt=source)
                _drop(visit, f"filmed-{shot.number}", source, _drop_filmed, shot.number)
        for given in draft.shots:
            with st.container(width=_SHOT, gap="xxsmall"):
                _show_small(visit, given, _SHOT)
                _drop(visit, given.key, given.photo.source, draft.shots.remove, given)


def _show_small(visit: Visit, given: Given, width: int) -> None:
    """Through the decoder: Streamlit would open in this process whatever a browser sends."""
    small = thumbnail(current_draft().key(given.key), given.photo)
    if small is None:
        st.text(visit.say("{source}: no picture", source=given.photo.source))
    else:
        st.image(small, width=width, alt=given.photo.source)


def _drop(visit: Visit, key: str, source: str, act: Callable[..., None], what: object) -> None:
    st.button(
        visit.say("Drop"),
        key=f"drop-{key}",
        help=plain(visit.say("Drop {source}", source=source)),
        on_click=act,
        args=(what,),
    )


def _show_files(visit: Visit, given: Sequence[Given]) -> None:
    if not given:
        return
    count = visit.say_many("{n} photo chosen", "{n} photos chosen", len(given))
    with st.expander(count, expanded=len(given) <= MOST_SHOWN):
        with st.container(horizontal=True, gap="xsmall"):
            for photo in given[:MOST_SHOWN]:
                _show_small(visit, photo, _SHOT // 2)
        rest = len(given) - MOST_SHOWN
        if rest > 0:
            st.caption(visit.say_many("and {n} more", "and {n} more", rest))
