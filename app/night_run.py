"""Running a night now, and watching one that runs."""

import os

import streamlit as st

from app.night_words import stage_word
from app.plain import plain, sentence
from app.tasks import Task
from app.visit import Visit
from enrollment.nightly import NightResult

TASK = "nightly"
_LOOK_EVERY = 5.0  # seconds, at a night that another process runs


def show_run(visit: Visit, elsewhere: int | None) -> None:
    """The button, or how far the night is.

    Args:
        elsewhere: the process that holds the night, where one does; this page may have started it.
    """
    st.subheader(visit.say("Run now"))
    task = visit.tasks.latest(TASK)
    if task is not None and task.running:
        st.fragment(_watch, run_every=1.0)(visit)
        return
    if elsewhere is not None:
        st.fragment(_watch_elsewhere, run_every=_LOOK_EVERY)(visit, elsewhere)
        return
    if task is not None:
        _show_outcome(visit, task)
    _show_form(visit)


def _show_form(visit: Visit) -> None:
    say = visit.say
    force = st.checkbox(
        say("Also when nothing changed, or today has had its night"),
        key="nightly-force",
        help=say("Otherwise such a night is skipped. It replaces the one of today in the list."),
    )
    full = st.checkbox(
        say("Train everything anew, whatever it costs"),
        key="nightly-full",
        help=say("Otherwise the night trains what fits into ten minutes. This may take hours."),
    )
    if st.button(say("Run now"), type="primary", icon=":material/play_arrow:"):
        start(visit, force=force, full=full)
        st.rerun()


def start(visit: Visit, *, force: bool, full: bool) -> None:
    """In a thread of its own; while one runs nothing is started."""
    service = visit.service

    def work(task: Task) -> None:
        task.results.append(service.nightly(progress=task.step, force=force, full=full))

    visit.start(TASK, work)


def _watch(visit: Visit) -> None:
    task = visit.tasks.latest(TASK)
    if task is None or not task.running:
        st.rerun()
        return
    st.progress(task.share, plain(stage_word(visit.language, task.stage)))
    st.caption(visit.say("Started {when}. It goes on when you leave.", when=_time(visit, task)))
    if st.button(visit.say("Stop"), icon=":material/stop:", key="nightly-stop"):
        task.stop()
        st.text(visit.say("It ends at its next step; nothing is half done."))


def _watch_elsewhere(visit: Visit, process: int) -> None:
    here = process == os.getpid()
    runner = (
        visit.say("This server's schedule runs a night at this moment.")
        if here
        else visit.say("Another process, {process}, runs a night at this moment.", process=process)
    )
    st.info(plain(runner), icon=":material/bedtime:")
    st.caption(visit.say("One at a time: this page looks again by itself."))
    if visit.service.night_process() is None:
        st.rerun()


def _time(visit: Visit, task: Task) -> str:
    return visit.language.moment(task.started)


def _show_outcome(visit: Visit, task: Task) -> None:
    say = visit.say
    if task.state == "stopped":
        st.info(
            say("It was stopped; nothing was changed, and the day can still have its night."),
            icon=":material/stop_circle:",
        )
    elif task.state == "failed":
        st.error(
            plain(sentence(visit.language.tell(task.error or ""))),
            title=say("The night was not run"),
            icon=":material/error:",
        )
    for result in task.results:
        if isinstance(result, NightResult):
            _show_result(visit, result)


def _show_result(visit: Visit, result: NightResult) -> None:
    reason = plain(sentence(visit.language.tell(result.reason)))
    if result.outcome == "promoted":
        st.success(reason, title=visit.say("Promoted"), icon=":material/check_circle:")
    elif result.outcome == "refused":
        st.warning(reason, title=visit.say("Refused"), icon=":material/front_hand:")
    else:
        st.info(reason, title=visit.say("Skipped"), icon=":material/skip_next:")
