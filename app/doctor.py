"""What is wrong first, and the next step; then what is in force."""

import streamlit as st

from app.plain import plain, sentence
from app.task_progress import show_task
from app.tasks import Task
from app.visit import Visit
from enrollment.diagnosis import Diagnosis

_TASK = "doctor"


def show_doctor(visit: Visit) -> None:
    """The newest diagnosis; the first visit makes one, in the background."""
    task = visit.tasks.latest(_TASK) or _start(visit)
    found = next((r for r in task.results if isinstance(r, Diagnosis)), None)
    label = visit.say("Looking at everything: database, index, audit trail, models")
    show_task(visit, task, label)
    if task.running:
        return
    st.button(
        visit.say("Check again"),
        key="doctor-again",
        icon=":material/refresh:",
        on_click=_again,
        args=(visit,),
    )
    if found is not None:
        _show_verdict(visit, found, task)


def show_facts(visit: Visit) -> None:
    """What is in force, as far as the newest diagnosis found it."""
    task = visit.tasks.latest(_TASK)
    for found in task.results if task is not None else ():
        if isinstance(found, Diagnosis):
            _show_facts(visit, found)


def _again(visit: Visit) -> None:
    _start(visit)


def _start(visit: Visit) -> Task:
    def work(task: Task) -> None:
        task.results.append(visit.service.diagnose(lambda share: task.step(share=share)))

    return visit.start(_TASK, work)


def _show_verdict(visit: Visit, found: Diagnosis, task: Task) -> None:
    say, tell = visit.say, visit.language.tell
    for problem in found.problems:
        st.error(plain(sentence(tell(problem))), icon=":material/error:")
    checked = visit.language.moment(task.ended or task.started)
    if not found.problems:
        st.success(
            say("Checked {moment}: nothing is wrong.", moment=checked),
            icon=":material/check_circle:",
        )
        st.info(
            plain(sentence(tell(found.next_step))),
            title=say("Next step"),
            icon=":material/arrow_forward:",
        )
    else:
        st.caption(say("Checked {moment}.", moment=checked))
    if found.generation != visit.service.generation():
        st.caption(say("The gallery has changed since."))


def _show_facts(visit: Visit, found: Diagnosis) -> None:
    say, tell, number = visit.say, visit.language.tell, visit.language.number
    st.subheader(say("In force"))
    weights = found.weights or {}
    size = float(str(weights.get("size", 0))) / 1e6
    facts = {
        say("Backbone"): found.backbone,
        say("Why this one"): tell(found.backbone_reason),
        say("Device"): tell(found.device or ""),
        say("Weights file"): weights.get("path"),
        say("Its SHA-256"): weights.get("sha256"),
        say("Its size"): say("{size} MB", size=number(size, 1)) if weights else None,
        say("Licence"): tell(found.licence or ""),
        say("Detector"): found.detector,
        say("Fingerprint"): found.fingerprint,
        say("Strangers to compare with"): found.cohort,
        say("Anti-spoofing"): tell(found.anti_spoofing),
        say("People"): number(found.subjects),
        say("Templates"): number(found.templates),
        say("Generation"): number(found.generation),
        say("Folder"): found.home,
        say("Database"): say("{size} MB", size=number(found.database_size / 1e6, 1))
        if found.database_size
        else None,
        say("Disk space left"): say("{size} GB", size=number(found.disk_free / 1e9, 1))
        if found.disk_free is not None
        else None,
    }
    _show_list(facts)
    with st.expander(say("Versions")):
        _show_list(found.versions)


def _show_list(facts: dict[str, object] | dict[str, str]) -> None:
    """What, and beside it or below it: for a telephone too, unlike a table."""
    for label, value in facts.items():
        if value in (None, ""):
            continue
        with st.container(gap=None):
            st.caption(label)
            st.text(str(value))
