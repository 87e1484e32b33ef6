"""The gallery in two dimensions: who lies near whom, and who is too near."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import streamlit as st

from app.map_chart import show_map
from app.person_face import show_face
from app.plain import plain, sentence
from app.tasks import Task
from app.visit import Visit
from enrollment.calibration import OperatingPoint
from enrollment.gallery_map import GalleryMap, seconds_for

_TASK = "map"
_FACE = 96  # px
_LISTED = 20
_FACES = 24
_STARTING = 2  # seconds, for scikit-learn's import
_LEAST = 3  # people; with fewer there is nothing to lay out


def show(visit: Visit) -> None:
    say = visit.say
    st.title(say("Map"))
    people = visit.service.count()
    if not people:
        st.info(
            say("Nobody is enrolled yet. Enroll people first: each is a point on this map."),
            icon=":material/person_add:",
        )
        return
    shown = _current(visit, people)
    if shown is None:
        return
    names = visit.service.names(shown.subject_ids)
    visit.service.looks.people(len(names))
    if len(names) < _LEAST:
        _show_few(visit, names)
        return
    st.write(
        say(
            "Each point is a person. Points that lie near each other belong to faces that are "
            "alike; only the distance between neighbours means something, not the direction."
        )
    )
    point = visit.service.operating_point()
    picked = show_map(visit, shown, names, point.near_pairs)
    _show_picked(visit, picked, names)
    _show_pairs(visit, point, names)


# -- drawing it -----------------------------------------------------------------------------------


def _current(visit: Visit, people: int) -> GalleryMap | None:
    """The map to show; None while the first one is made, which is said on the page."""
    shown, fresh = visit.service.map.last()
    if fresh:
        return shown
    say = visit.say
    if seconds_for(people) == 0:
        return visit.service.map.draw()
    task = visit.tasks.latest(_TASK)
    failed = task is not None and task.state == "failed"
    if task is not None and task.running:
        _show_progress(visit, people)
    elif failed or (shown is not None and not shown.soon):
        if task is not None and task.error:
            st.error(
                plain(sentence(visit.language.tell(task.error))),
                title=say("The map could not be drawn"),
                icon=":material/error:",
            )
        elif shown is not None:
            st.info(say("People have changed since this map was drawn."), icon=":material/update:")
        st.button(say("Draw it anew"), icon=":material/refresh:", on_click=_start, args=(visit,))
    else:
        _start(visit)
        _show_progress(visit, people)
    return shown


def _start(visit: Visit) -> None:
    maps = visit.service.map

    def draw(task: Task) -> None:
        maps.draw()

    visit.start(_TASK, draw)


def _show_progress(visit: Visit, people: int) -> None:
    @st.fragment(run_every=1)
    def progress() -> None:
        task = visit.tasks.latest(_TASK)
        if task is None or not task.running:
            st.rerun()
            return
        expected = max(seconds_for(people), 1) + _STARTING
        passed = (datetime.now(UTC) - task.started).total_seconds()
        st.progress(
            min(passed / expected, 0.95),
            visit.say(
                "Drawing the map of {people} people. This takes about {seconds} s, and longer on a "
                "busy machine; it goes on when you leave this page.",
                people=visit.language.number(people),
                seconds=visit.language.number(expected),
            ),
        )

    progress()


# -- below it -------------------------------------------------------------------------------------


def _show_few(visit: Visit, names: dict[str, str]) -> None:
    say = visit.say
    if names:
        st.info(
            say(
                "A map needs three people who can be found; here are {n}. Enroll more, or resume "
                "who is suspended.",
                n=visit.language.number(len(names)),
            ),
            icon=":material/scatter_plot:",
        )
        _show_faces(visit, list(names), names)
        both = visit.service.profiles.likeness(*names) if len(names) == 2 else None
        if both is not None:
            said = say("Their likeness is {likeness}.", likeness=_likeness(visit, both.likeness))
            st.write(plain(said))
    else:
        st.info(
            say("Everybody is suspended, so nobody can be found. Resume somebody under People."),
            icon=":material/pause_circle:",
        )


def _likeness(visit: Visit, likeness: float) -> str:
    return visit.language.number(likeness, 2)


def _show_faces(visit: Visit, subject_ids: Sequence[str], names: dict[str, str]) -> None:
    faces = visit.service.profiles.faces(subject_ids)
    with st.container(horizontal=True):
        for subject_id in subject_ids:
            with st.container(width=_FACE, gap="xxsmall"):
                _show_face(visit, faces.get(subject_id), names[subject_id])


def _show_face(visit: Visit, face: bytes | None, name: str) -> None:
    show_face(visit, face, name, _FACE)
    st.text(name)


def _show_picked(visit: Visit, picked: Collection[str], names: dict[str, str]) -> None:
    say = visit.say
    chosen = [subject_id for subject_id in picked if subject_id in names]
    if not chosen:
        return
    st.subheader(visit.say_many("{n} person chosen", "{n} people chosen", len(chosen)))
    _show_faces(visit, chosen[:_FACES], names)
    if len(chosen) > _FACES:
        st.caption(say("The first {n} are shown; choose fewer.", n=_FACES))


def _show_pairs(visit: Visit, point: OperatingPoint, names: dict[str, str]) -> None:
    say = visit.say
    pairs = [p for p in point.near_pairs if p.one in names and p.other in names]
    st.subheader(say("People who look alike"))
    if not pairs:
        st.success(
            say("No two people are as alike as photos of one person."), icon=":material/check:"
        )
        return
    st.write(
        say(
            "Is it one person who was enrolled twice? Then merge them under People. Are they two? "
            "Then add photos of both: the more there are, the better they are told apart."
        )
    )
    listed = pairs[:_LISTED]
    faces = visit.service.profiles.faces({i for pair in listed for i in (pair.one, pair.other)})
    for pair in listed:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            for subject_id in (pair.one, pair.other):
                with st.container(width=_FACE, gap="xxsmall"):
                    _show_face(visit, faces.get(subject_id), names[subject_id])
            with st.container(gap="xxsmall", width=220):
                st.text(say("Likeness {likeness}", likeness=_likeness(visit, pair.likeness)))
                st.text(
                    say("Named only by a clear margin; else the answer is unknown.")
                    if pair.margin > 0
                    else say("Too few photos to say how they differ: add some of both.")
                )
    if len(pairs) > _LISTED:
        st.caption(
            say("The {n} most alike of {all}.", n=_LISTED, all=visit.language.number(len(pairs)))
        )
