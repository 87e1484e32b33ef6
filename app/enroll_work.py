"""Looking at the photos and enrolling, as work that goes on when the page is left or drawn anew."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import uuid4

import streamlit as st

from app.collision import ask_about
from app.consent_text import end_of_day
from app.draft import Draft, Request
from app.plain import plain
from app.tasks import Task
from app.visit import Visit
from enrollment.enroller import Collision, SubjectReport
from enrollment.foresight import Verdict
from enrollment.intake import Enrollee

_GLANCE = 0.05  # seconds between two looks at how far it is


def start_looking(visit: Visit, draft: Draft, person: Enrollee, photos: object) -> None:
    """Say what the photos are good for; nothing is stored.

    Args:
        photos: what the verdict holds for; another value makes it stale.
    """

    def work(task: Task) -> None:
        task.results.append(visit.service.preview(person, task.step))

    draft.refusal = draft.report = draft.verdict = None
    draft.verdict_of = photos
    draft.task = _start(visit, work, len(person.photos))


def start_enrolling(visit: Visit, draft: Draft, request: Request) -> None:
    """Enroll; a collision is asked afterwards, and then it is started once more."""
    on_collision, asked = ask_about(request)

    def work(task: Task) -> None:
        (report,) = visit.service.enroll(
            [request.person],
            request.consent,
            on_collision,
            task.step,
            end_of_day(request.until, visit.language.zone),
        )
        task.results += [report, *asked]

    draft.refusal = draft.collision = None
    draft.request = request
    if request.again is None:
        draft.sent = request.person.photos
    draft.task = _start(visit, work, len(request.person.photos))


def _start(visit: Visit, work: Callable[[Task], None], total: int) -> Task:
    # A name of its own: what one visitor looks at is nobody else's business.
    return visit.start(f"enroll {uuid4().hex}", work, total)


def follow(visit: Visit, draft: Draft) -> None:
    """Show how far it is until it is done, take what it has, and draw the page anew."""
    task = draft.task
    if task is None:
        return
    bar = st.progress(0.0, visit.say("Looking at the photos"))
    st.button(visit.say("Stop"), icon=":material/stop:", key="enroll-stop", on_click=task.stop)
    while task.running:
        done = min(task.done + 1, task.total)
        bar.progress(
            task.share,
            visit.say("Looking at photo {done} of {total}", done=done, total=task.total),
        )
        time.sleep(_GLANCE)
    draft.task = None
    visit.tasks.forget(task.name)
    if task.state == "done":
        _take(visit, draft, task.results)
    elif task.state == "stopped":
        draft.refusal = visit.say("Stopped. Everything is still here.")
    else:
        draft.refusal = visit.language.tell(task.error or "")
    st.rerun()


def _take(visit: Visit, draft: Draft, results: Sequence[object]) -> None:
    first, asked = results[0], results[1:]
    if isinstance(first, Verdict):
        draft.verdict = first
        return
    if not isinstance(first, SubjectReport) or draft.request is None:
        return
    question = asked[0] if asked else None
    draft.collision = question if isinstance(question, Collision) else None
    if draft.request.again is None:
        draft.report = first
    elif draft.collision is None and draft.report is not None:
        samples = list(draft.report.samples)
        samples[draft.request.again] = first.samples[0]
        draft.report = replace(
            draft.report,
            samples=tuple(samples),
            warnings=first.warnings,
            subject_id=first.subject_id or draft.report.subject_id,
        )
    if draft.report is not None and draft.report.accepted and draft.collision is None:
        # The button is at the end of a long page, and the result begins above what is seen then.
        st.toast(outcome(visit, draft.report), icon=":material/check_circle:", duration="long")


def outcome(visit: Visit, report: SubjectReport) -> str:
    """One sentence, in Markdown."""
    kept, given = report.accepted, len(report.samples)
    name = report.name
    if report.created:
        done = visit.say_many(
            "{name} is enrolled: {kept} of {n} photo was kept.",
            "{name} is enrolled: {kept} of {n} photos were kept.",
            given,
            name=name,
            kept=kept,
        )
    else:
        done = visit.say_many(
            "Added to {name}: {kept} of {n} photo was kept.",
            "Added to {name}: {kept} of {n} photos were kept.",
            given,
            name=name,
            kept=kept,
        )
    return plain(done)
