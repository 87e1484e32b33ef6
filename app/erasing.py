"""Somebody is erased: asked for by name, done once, and proved by a receipt."""

import json
from dataclasses import dataclass

import streamlit as st

from app.notice import notice
from app.plain import plain, sentence
from app.privacy_dialog import ask, leave
from app.proof import proved
from app.task_progress import show_task
from app.tasks import Task
from app.visit import Visit
from app.who import show_who
from enrollment.erasure import ErasureReceipt
from enrollment.errors import RollcallError
from enrollment.people import called, is_called
from enrollment.retention import WITHOUT_CONSENT
from store.errors import StoreError

_KEY = "erasure-receipts"
_TASK = "erase-all"
_LISTED = 200


@dataclass(frozen=True)
class _Erased:
    """The name is for this visitor's eyes alone: no receipt holds it."""

    name: str
    receipt: ErasureReceipt


def show_erasing(visit: Visit, subject_id: str) -> None:
    """Ask for the name before somebody is erased."""
    who = visit.service.subject(subject_id)
    if who is None:  # a second press, or somebody else was quicker
        leave()
        return

    def body() -> None:
        say = visit.say
        show_who(visit, subject_id)
        if not proved(visit):
            return
        st.write(
            say(
                "Photos, numbers, consents, requests and the key of this person are deleted, and "
                "every trained head that saw them. This cannot be undone."
            )
        )
        warn_of_backups(visit)
        typed = st.text_input(
            say("Type the name to confirm"), key=f"erase-name-{subject_id}", autocomplete="off"
        )
        right = is_called(who, typed)
        if typed.strip() and not right:
            st.caption(say("This is not the name yet."))
        if st.button(
            say("Erase for ever"),
            key="erase-yes",
            type="primary",
            icon=":material/delete_forever:",
            disabled=not right,
        ):
            with st.spinner(say("Erasing")):
                _erase(visit, subject_id, who.name)
            leave()

    ask(visit.say("Erase this person?"), body)


def show_receipts(visit: Visit) -> None:
    """The proofs of what this visitor erased, until they are put away."""
    done: list[_Erased] = st.session_state.get(_KEY, [])
    for erased in done:
        _show_receipt(visit, erased)
    _show_mass_erasure(visit)


def _erase(visit: Visit, subject_id: str, name: str) -> None:
    try:
        receipt = visit.service.erase(subject_id)
    except (RollcallError, StoreError) as error:
        notice("privacy", "error", visit.language.tell(error.args[0]))
    else:
        # Kept before anything is drawn: drawing may end this run.
        st.session_state[_KEY] = [*st.session_state.get(_KEY, []), _Erased(name, receipt)]


def _show_receipt(visit: Visit, erased: _Erased) -> None:
    say, receipt = visit.say, erased.receipt
    st.success(
        plain(
            say(
                "{name} is erased: {n} rows and the key. Searches with their own photos "
                "afterwards: {probes}; found: {found}.",
                name=erased.name,
                n=visit.language.number(sum(receipt.erased_rows.values())),
                probes=receipt.negative_test["probes"],
                found=receipt.negative_test["found"],
            )
        ),
        icon=":material/verified:",
    )
    if receipt.remains is not None:
        st.caption(plain(sentence(visit.language.tell(receipt.remains))))
    with st.container(horizontal=True):
        st.download_button(
            say("Download the receipt"),
            json.dumps(receipt.as_document(), indent=2),
            f"erasure-{receipt.subject_id}.json",
            "application/json",
            key=f"receipt-{receipt.subject_id}",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button(
            say("Put away"),
            key=f"receipt-away-{receipt.subject_id}",
            icon=":material/close:",
            on_click=_put_away,
            args=(receipt.subject_id,),
        )


def warn_of_backups(visit: Visit) -> None:
    """What an erasure does not reach."""
    if visit.service.backups.hold_the_erased:
        st.caption(
            visit.say(
                "Backups of an older version of Rollcall still hold whoever is erased: delete "
                "them, and make a new one."
            )
        )


def _put_away(subject_id: str) -> None:
    st.session_state[_KEY] = [
        e for e in st.session_state.get(_KEY, []) if e.receipt.subject_id != subject_id
    ]


# -- everybody without a consent ------------------------------------------------------------------


def show_erasing_of_all(visit: Visit, _about: str) -> None:
    """The list of everybody whose consent is gone, and then the question."""
    people = visit.service.privacy.without_consent()
    if not people:
        leave()
        return

    def body() -> None:
        say = visit.say
        number = visit.language.number(len(people))
        st.write(
            visit.say_many(
                "The consent of this person was withdrawn or has ended. Nothing is erased yet.",
                "The consent of these {n} people was withdrawn or has ended. Nothing is erased "
                "yet.",
                len(people),
            )
        )
        with st.container(height=240, border=True):
            for person in people[:_LISTED]:
                st.text(called(person))
            if len(people) > _LISTED:
                rest = len(people) - _LISTED
                st.caption(visit.say_many("and {n} more", "and {n} more", rest))
        if not proved(visit):
            return
        warn_of_backups(visit)
        typed = st.text_input(
            say("Type how many they are to confirm: {number}", number=number),
            key="erase-all-count",
            autocomplete="off",
        )
        if st.button(
            say("Erase them all for ever"),
            key="erase-all-yes",
            type="primary",
            icon=":material/delete_sweep:",
            disabled=typed.strip() not in (number, str(len(people))),
        ):
            ids = [person.subject_id for person in people]
            visit.start(_TASK, lambda task: _erase_all(visit, ids, task), len(ids))
            leave()

    ask(visit.say("Erase everybody whose consent is gone?"), body)


def _erase_all(visit: Visit, subject_ids: list[str], task: Task) -> None:
    for receipt in visit.service.erase_due(subject_ids, WITHOUT_CONSENT):
        if receipt is not None:
            task.results.append(receipt)
        task.step()


def _show_mass_erasure(visit: Visit) -> None:
    task = visit.tasks.latest(_TASK)
    if task is None:
        return
    show_task(visit, task, visit.say("Erasing, one person after the other"))
    receipts = [r for r in task.results if isinstance(r, ErasureReceipt)]
    if task.running or not receipts:
        return
    done = visit.say_many("{n} person is erased.", "{n} people are erased.", len(receipts))
    st.success(done, icon=":material/verified:")
    with st.container(horizontal=True):
        st.download_button(
            visit.say("Download the receipts"),
            json.dumps([receipt.as_document() for receipt in receipts], indent=2),
            "erasures.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button(
            visit.say("Put away"),
            key="receipts-away",
            icon=":material/close:",
            on_click=visit.tasks.forget,
            args=(_TASK,),
        )
