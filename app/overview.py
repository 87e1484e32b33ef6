"""What is going on in a gallery that is in use, and where to go for each."""

from datetime import UTC, datetime

import streamlit as st

from app.night_plan import last_night
from app.plain import sentence
from app.sidebar import promise
from app.visit import Visit
from app.way import show_way

_OLD_BACKUP = 7  # days


def show_overview(visit: Visit, people: int) -> None:
    say, service = visit.say, visit.service
    with st.container(border=True):
        st.subheader(visit.say_many("{n} person is enrolled", "{n} people are enrolled", people))
        st.text(sentence(promise(service.operating_point(), visit.language)))
        with st.container(horizontal=True):
            show_way(visit, "people", say("People"), "badge")
            show_way(visit, "identify", say("Identify"), "person_search")
            show_way(visit, "accuracy", say("Accuracy"), "tune")
    with st.container(border=True):
        st.text(last_night(visit))
        show_way(visit, "nightly", say("Nightly"), "bedtime")
    for path, show in (("review", _show_waiting), ("privacy", _show_due), ("system", _show_backup)):
        if visit.may_open(path):
            show(visit)


def _show_waiting(visit: Visit) -> None:
    waiting = visit.service.waiting()
    with st.container(border=True):
        _line(
            visit.say_many(
                "{n} face waits for a person's word", "{n} faces wait for a person's word", waiting
            )
            if waiting
            else visit.say("No face waits for a person's word."),
            bool(waiting),
        )
        show_way(visit, "review", visit.say("Review"), "rule")


def _show_due(visit: Visit) -> None:
    say = visit.say
    counts = visit.service.privacy.due_counts()
    due = sum(counts.values())
    with st.container(border=True):
        _line(
            visit.say_many(
                "{n} person is due: a consent, a request or a long suspension",
                "{n} people are due: a consent, a request or a long suspension",
                due,
            )
            if due
            else say("Nothing is due: every consent holds, and nobody waits for an answer."),
            bool(due),
        )
        show_way(visit, "privacy", say("Privacy"), "policy")


def _show_backup(visit: Visit) -> None:
    say, backups = visit.say, visit.service.backups
    if not backups.possible:
        return
    newest = backups.newest()
    with st.container(border=True):
        if newest is None:
            _line(say("There is no backup yet."), True)
        else:
            days = (datetime.now(UTC) - newest.made_at).days
            made = visit.language.moment(newest.made_at)
            _line(say("The last backup was made {moment}.", moment=made), days > _OLD_BACKUP)
        show_way(visit, "system", say("System"), "monitor_heart")


def _line(text: str, attention: bool) -> None:
    """Never colour alone: an icon says that somebody should look."""
    icon = ":orange[:material/error:]" if attention else ":green[:material/check_circle:]"
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        st.markdown(icon, width="content")
        st.text(text)
