"""Long work, shown while it goes on, and what became of it."""

import streamlit as st

from app.plain import plain, sentence
from app.tasks import Task
from app.visit import Visit


def show_task(visit: Visit, task: Task, label: str) -> None:
    """A bar and a stop button while it runs; afterwards a line where it did not end well."""
    if task.running:
        st.fragment(run_every=1)(_watch)(visit, task, label)
    elif task.state == "stopped":
        st.info(visit.say("Stopped; nothing was left half done."), icon=":material/stop:")
    elif task.state == "failed":
        st.error(plain(sentence(visit.language.tell(task.error or ""))), icon=":material/error:")


def _watch(visit: Visit, task: Task, label: str) -> None:
    if not task.running:
        st.rerun()
    st.progress(task.share, text=label)
    st.button(
        visit.say("Stop"), key=f"stop-{task.name}", icon=":material/stop:", on_click=task.stop
    )
