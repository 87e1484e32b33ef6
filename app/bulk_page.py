"""A zip or a table of many people is enrolled."""

from datetime import UTC, datetime

import streamlit as st

from app.bulk_draft import ALLOW, REFUSE, BulkDraft, bulk_draft, let_go_of_files
from app.bulk_progress import show_progress
from app.bulk_questions import show_questions
from app.bulk_results import (
    counts_in_words,
    refused_file,
    results_file,
    show_refused,
    show_results,
    something_refused,
)
from app.bulk_work import NAME, bulk_work, results_of
from app.consent_text import offered_consent
from app.photo_source import FILE_TYPES, MOST_MEGABYTES
from app.plain import plain, sentence
from app.spreadsheet import spreadsheet
from app.tasks import Task
from app.visit import Visit
from enrollment.bulk import BulkPlan, Outcome
from enrollment.errors import BadInput
from enrollment.handed_in import MAX_HANDED_IN, HandedIn

_UPLOAD_MEGABYTES = MAX_HANDED_IN // 1024**2
_MOST = 50
_CSV = "text/csv"
_A_MOMENT = 0.2  # seconds
_EXAMPLE = (
    ("name", "photo", "external_id"),
    ("Ada Lovelace", "ada-1.jpg", "1001"),
    ("Ada Lovelace", "ada-2.jpg", "1001"),
    ("Kwame Asante", "photos/kwame", "1002"),
)


def show(visit: Visit) -> None:
    st.title(visit.say("Enroll many people"))
    draft = bulk_draft()
    latest = visit.tasks.latest(NAME)
    if latest is not None and latest.running:
        draft.pressed = False  # or it would begin by itself when the other one has ended
        _show_running(visit, draft, latest)
        return
    if draft.begun.is_set():
        let_go_of_files()  # the work has them now
        draft = bulk_draft()
    # Another visitor's work may have come after this one's: everybody sees the end of their own.
    ended = draft.task or latest
    if ended is not None and ended is not draft.seen:
        _show_end(visit, draft, ended)
        return
    _show_form(visit, draft)


def _show_running(visit: Visit, draft: BulkDraft, task: Task) -> None:
    if task is not draft.task:
        st.info(
            plain(
                visit.say(
                    "Somebody began this at {when}. Only one goes on at a time: wait until it has "
                    "ended, then begin yours.",
                    when=visit.language.moment(task.started),
                )
            ),
            icon=":material/hourglass_top:",
        )
        if draft.plan is not None and not draft.begun.is_set():
            names = _few(draft.names)
            st.text(visit.say("Your files are kept on this page: {names}", names=names))
    show_progress(visit, task)


# -- the form -------------------------------------------------------------------------------------


def _show_form(visit: Visit, draft: BulkDraft) -> None:
    _ask_files(visit, draft)
    if draft.refusal is not None:
        st.error(
            plain(sentence(visit.language.tell(draft.refusal))),
            title=visit.say("Nobody can be enrolled from this"),
            icon=":material/error:",
        )
    if draft.plan is None:
        return
    _show_plan(visit, draft.plan)
    if not draft.plan.people:
        st.error(
            plain(visit.say("Nobody of these can be enrolled: the reasons stand above.")),
            icon=":material/block:",
        )
        return
    complaint = None
    if visit.service.facts.consent_policy == "required":
        complaint = _ask_consent(visit, draft)
    _ask_about_near(visit, draft)
    _ask_to_start(visit, draft, draft.plan, complaint)


def _ask_files(visit: Visit, draft: BulkDraft) -> None:
    say = visit.say
    st.subheader(say("1. The files"))
    st.write(
        say(
            "A zip with a folder of photos for each person, named for the person; or a table (CSV) "
            "and the photos that it names, as they are or in a zip."
        )
    )
    if draft.plan is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(say("Read: {names}", names=_few(draft.names)))
            st.button(say("Put these away"), icon=":material/close:", on_click=let_go_of_files)
    # Streamlit holds every upload in memory, and as long as the visitor's page is open.
    files = st.file_uploader(
        say("Choose a zip, or a CSV and its photos"),
        ["zip", "csv", *FILE_TYPES],
        accept_multiple_files=True,
        key=draft.key("files"),
        on_change=_change,
        max_upload_size=_UPLOAD_MEGABYTES,
    )
    st.caption(
        say(
            "At most {most} MB together, which the server holds in memory; at most {photo} MB for "
            "each photo (JPEG, PNG, WebP or HEIC).",
            most=_UPLOAD_MEGABYTES,
            photo=MOST_MEGABYTES,
        )
    )
    st.download_button(
        say("Download an example of the table"),
        spreadsheet(_EXAMPLE),
        "people.csv",
        _CSV,
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption(
        say(
            "The work goes on when you leave this page. If the server is started anew, everybody "
            "who was enrolled stays: give the same files again, and what is there is skipped."
        )
    )
    if draft.changed:
        draft.changed = False
        _read(visit, draft, [HandedIn(file.name, file.getvalue()) for file in files])
        st.rerun()


def _change() -> None:
    bulk_draft().changed = True


def _read(visit: Visit, draft: BulkDraft, files: list[HandedIn]) -> None:
    draft.names = tuple(file.name for file in files)
    draft.plan = draft.refusal = None
    draft.complaining = False
    if not files:
        return
    try:
        draft.plan = visit.service.plan_bulk(files)
    except BadInput as error:
        draft.refusal = error.args[0]


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" … ({len(names)})" if len(names) > 3 else "")


def _show_plan(visit: Visit, plan: BulkPlan) -> None:
    say, say_many = visit.say, visit.say_many
    st.subheader(say("2. What would be done"))
    with st.container(horizontal=True):
        st.metric(say("New people"), visit.language.number(len(plan.new)))
        st.metric(say("Enrolled already"), visit.language.number(len(plan.known)))
        st.metric(say("Refused"), visit.language.number(len(plan.refused)))
        st.metric(say("Photos"), visit.language.number(plan.photos))
    st.text(say("Nothing is stored until you begin."))
    if plan.intake.unused:
        st.info(
            plain(
                say_many(
                    "{n} photo is named by no line of the table, and is passed over.",
                    "{n} photos are named by no line of the table, and are passed over.",
                    plan.intake.unused,
                )
            ),
            icon=":material/info:",
        )
    if plan.refused:
        st.warning(
            plain(
                say_many(
                    "{n} entry cannot be taken; the others can.",
                    "{n} entries cannot be taken; the others can.",
                    len(plan.refused),
                )
            ),
            icon=":material/block:",
        )
        show_refused(visit, plan.refused)
    if plan.known:
        with st.expander(say("Who is enrolled already and would get photos added")):
            lines = [
                {
                    say("Name"): plain(subject.name),
                    say("Photos now"): visit.language.number(subject.templates),
                    say("Photos given"): visit.language.number(len(person.photos)),
                }
                for person, subject in plan.known[:_MOST]
            ]
            st.table(lines, hide_index=True)
            if len(plan.known) > _MOST:
                st.caption(plain(say("The first {n} of {all}.", n=_MOST, all=len(plan.known))))


def _ask_consent(visit: Visit, draft: BulkDraft) -> str | None:
    say = visit.say
    st.subheader(say("3. Consent"))
    offered, key = offered_consent(visit.language), draft.key(f"consent-{visit.language.code}")
    st.session_state.setdefault(key, offered if draft.consent is None else draft.consent)
    text = str(st.session_state[key]).strip()
    draft.consent = None if text == offered else text
    st.write(say("One text for all of them. It is stored with each person, word for word."))
    with st.container(border=True):
        st.text(text)
    with st.expander(say("Write another text")):
        st.text_area(say("The text that each of them agreed to"), key=key, height="content")
    ticked = draft.agreed_key(text)
    st.session_state.setdefault(ticked, draft.agreed_to == text)
    agreed = st.checkbox(say("Everybody in these files has read this and agrees to it"), key=ticked)
    draft.agreed_to = text if agreed and text else None
    if not text:
        return say("The text is empty: write what they agree to.")
    if not agreed:
        return say("There is no consent yet: tick the box when everybody has agreed.")
    return None


def _ask_about_near(visit: Visit, draft: BulkDraft) -> None:
    say = visit.say
    words = {
        REFUSE: say("Set them aside and ask me at the end"),
        ALLOW: say("They are different people: enroll them"),
    }
    key = draft.key("near")
    st.session_state.setdefault(key, draft.near)
    draft.near = st.radio(
        say("When somebody new looks like somebody enrolled"),
        [REFUSE, ALLOW],
        format_func=words.__getitem__,
        key=key,
    )


def _ask_to_start(visit: Visit, draft: BulkDraft, plan: BulkPlan, complaint: str | None) -> None:
    if draft.complaining and complaint:
        st.error(plain(complaint), icon=":material/error:")
    people = len(plan.people)
    st.button(
        plain(visit.say_many("Enroll {n} person", "Enroll {n} people", people)),
        type="primary",
        icon=":material/group_add:",
        key="bulk-start",
        on_click=_press,
    )
    if not draft.pressed:
        return
    draft.pressed, draft.complaining = False, complaint is not None
    if complaint is None:
        # One that runs already is handed back as it is: `begun` says whose it is.
        task = visit.start(NAME, bulk_work(visit.service, draft, plan), plan.photos)
        draft.begun.wait(_A_MOMENT)
        if draft.begun.is_set():
            draft.task, draft.plan = task, None
    st.rerun()


def _press() -> None:
    bulk_draft().pressed = True


# -- the end --------------------------------------------------------------------------------------


def _show_end(visit: Visit, draft: BulkDraft, task: Task) -> None:
    say = visit.say
    results = results_of(task)
    _say_how_it_ended(visit, task)
    there = sum(result.outcome == Outcome.THERE for result in results)
    if there:
        st.info(
            plain(
                say(
                    "{there} of {all} people were there already; nothing of them was changed.",
                    there=visit.language.number(there),
                    all=visit.language.number(len(results)),
                )
            ),
            icon=":material/check:",
        )
    show_questions(visit, task)
    stamp = f"{task.started.astimezone(visit.language.zone):%Y-%m-%d-%H%M}"
    with st.container(horizontal=True):
        if any(map(something_refused, results)):
            st.download_button(
                say("Download what was refused, and why"),
                refused_file(visit.language, results),
                f"refused-{stamp}.csv",
                _CSV,
                icon=":material/download:",
                on_click="ignore",
            )
        if results:
            st.download_button(
                say("Download the whole result"),
                results_file(visit.language, results),
                f"enrolled-{stamp}.csv",
                _CSV,
                icon=":material/download:",
                on_click="ignore",
            )
        st.button(
            say("Enroll more people"),
            type="primary",
            icon=":material/group_add:",
            on_click=_put_away,
            args=(task,),
        )
    show_results(visit, results)


def _say_how_it_ended(visit: Visit, task: Task) -> None:
    say = visit.say
    said = plain(counts_in_words(visit, results_of(task)) + ".")
    again = plain(
        say("Everybody who was enrolled stays. Give the same files again to go on from there.")
    )
    if task.state == "done":
        seconds = ((task.ended or datetime.now(UTC)) - task.started).total_seconds()
        st.success(
            said,
            title=plain(say("Finished in {time}", time=visit.language.duration(seconds))),
            icon=":material/check_circle:",
        )
    elif task.state == "stopped":
        st.warning(f"{said} {again}", title=say("Stopped"), icon=":material/stop_circle:")
    else:
        error = plain(sentence(visit.language.tell(task.error or "")))
        st.error(
            f"{error}\n\n{said} {again}",
            title=say("It ended before everybody was enrolled"),
            icon=":material/error:",
        )


def _put_away(task: Task) -> None:
    draft = bulk_draft()
    draft.seen, draft.task = task, None
