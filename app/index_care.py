"""The index that answers: compared with the database, or built anew from it."""

from dataclasses import dataclass

import streamlit as st

from app.task_progress import show_task
from app.tasks import Task
from app.visit import Visit

_TASK = "index"


@dataclass(frozen=True)
class _Found:
    rebuilt: bool
    templates: int
    sound: bool


def show_index(visit: Visit) -> None:
    say = visit.say
    st.subheader(say("Index"))
    st.write(
        say(
            "Searches are answered from an index, which is made from the database. Checking "
            "compares it with that; building anew replaces it. Searches wait meanwhile."
        )
    )
    task = visit.tasks.latest(_TASK)
    if task is not None:
        show_task(visit, task, say("Reading every template"))
        if not task.running:
            _show_result(visit, task)
    if task is not None and task.running:
        return
    with st.container(horizontal=True):
        st.button(
            say("Check the index"),
            key="index-check",
            icon=":material/fact_check:",
            on_click=_start,
            args=(visit, False),
        )
        st.button(
            say("Build it anew"),
            key="index-rebuild",
            icon=":material/construction:",
            on_click=_start,
            args=(visit, True),
        )


def _start(visit: Visit, rebuild: bool) -> None:
    def work(task: Task) -> None:
        if rebuild:
            visit.service.rebuild()
        found = visit.service.verify_gallery(lambda share: task.step(share=share))
        task.results.append(_Found(rebuild, found.templates, found.sound))

    visit.start(_TASK, work)


def _show_result(visit: Visit, task: Task) -> None:
    say = visit.say
    for found in task.results:
        if not isinstance(found, _Found):
            continue
        when = visit.language.moment(task.ended or task.started)
        count = visit.language.number(found.templates)
        if found.sound:
            text = (
                say(
                    "Built anew {moment}: {count} templates, as in the database.",
                    moment=when,
                    count=count,
                )
                if found.rebuilt
                else say(
                    "Checked {moment}: {count} templates, as in the database; the file and "
                    "the audit trail are sound.",
                    moment=when,
                    count=count,
                )
            )
            st.success(text, icon=":material/verified:")
        else:
            st.error(
                say(
                    "Checked {moment}: not sound. Check again above: what is wrong and the next "
                    "step stand there.",
                    moment=when,
                ),
                icon=":material/error:",
            )
