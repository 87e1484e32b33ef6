"""Backups: made now, listed, checked; and where the key lies, which is in none of them."""

import streamlit as st

from app.notice import notice
from app.plain import plain, sentence
from app.task_progress import show_task
from app.tasks import Task
from app.visit import Visit
from enrollment.backups import KeptBackup
from enrollment.errors import RollcallError

_TASK = "backup"
_LISTED = 10


def show_backups(visit: Visit) -> None:
    say, backups = visit.say, visit.service.backups
    st.subheader(say("Backups"))
    if not backups.possible:
        st.info(
            say(
                "This gallery is in PostgreSQL: back its database up with pg_dump, and the "
                "gallery's folder beside it."
            ),
            icon=":material/info:",
        )
        return
    _show_key(visit)
    task = visit.tasks.latest(_TASK)
    running = task is not None and task.running
    if task is not None:
        show_task(visit, task, _stage(visit, task))
    if not running:
        st.button(
            say("Make a backup now"),
            key="backup-make",
            type="primary",
            icon=":material/save:",
            on_click=_make,
            args=(visit,),
        )
    kept = backups.listed()
    if not kept:
        st.info(
            say("There is no backup yet. Make one, and copy it to another machine."),
            icon=":material/info:",
        )
    for backup in kept[:_LISTED]:
        _show_backup(visit, backup, running)
    if len(kept) > _LISTED:
        rest = len(kept) - _LISTED
        st.caption(visit.say_many("and {n} older one", "and {n} older ones", rest))
    if kept:
        st.caption(
            say(
                "They lie in {folder}. In an empty folder, rollcall restore FILE --home FOLDER "
                "makes a gallery of one; who was erased since stays erased.",
                folder=plain(str(backups.folder)),
            )
        )


def _show_key(visit: Visit) -> None:
    say, place = visit.say, visit.service.backups.key_place
    st.write(
        say(
            "A backup holds the whole gallery in one encrypted file. The key is not in it, nor are "
            "the keys of the people in it, which lie in a small file of their own beside the key: "
            "keep copies of both elsewhere, apart from the backups. Without them nobody can open "
            "one. An erasure takes people out of the small file, so mirror it and keep no old copy."
        )
    )
    with st.container(gap=None):
        st.caption(say("Where the key lies"))
        st.text(visit.language.tell(place))


def _show_backup(visit: Visit, backup: KeptBackup, busy: bool) -> None:
    say, language = visit.say, visit.language
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(language.moment(backup.made_at))
            if backup.problem is not None:
                st.badge(say("of no use"), icon=":material/error:", color="red")
            elif backup.checked_at is None:
                st.badge(say("not checked"), icon=":material/help:", color="orange")
            else:
                when = language.moment(backup.checked_at)
                st.badge(
                    say("checked {moment}", moment=when),
                    icon=":material/verified:",
                    color="green",
                )
        megabytes = language.number(backup.size / 1e6, 1)
        st.text(say("{name}, {size} MB", name=backup.name, size=megabytes))
        if backup.keys is not None:
            st.caption(say("The keys of its people"))
            st.text(str(backup.keys))
        if backup.problem is not None:
            st.text(sentence(language.tell(backup.problem)))
        else:
            st.button(
                say("Check it"),
                key=f"backup-check-{backup.name}",
                icon=":material/fact_check:",
                disabled=busy,
                on_click=_check,
                args=(visit, backup.name),
            )


def _stage(visit: Visit, task: Task) -> str:
    named = {
        "copy": visit.say("Copying and encrypting; people can be enrolled meanwhile"),
        "check": visit.say("Opening the copy, to see that it is whole"),
    }
    return named.get(task.stage, visit.say("Beginning"))


def _make(visit: Visit) -> None:
    def work(task: Task) -> None:
        task.results.append(visit.service.backup(tick=task.step))

    visit.start(_TASK, work)


def _check(visit: Visit, name: str) -> None:
    try:
        backup = visit.service.backups.named(name)
    except RollcallError as error:
        notice("system", "error", visit.language.tell(error.args[0]))
        return

    def work(task: Task) -> None:
        task.results.append(visit.service.backups.check(backup.path, task.step))

    visit.start(_TASK, work)
