"""Faces that wait for a person's word: one group at a time, with the keyboard."""

import streamlit as st

from app.plain import plain
from app.review_acts import discard, discard_all, ignore, take_back
from app.review_assignment import show_assignment, show_refusal
from app.review_desk import Desk, Outcome, current_desk
from app.review_group import show_group
from app.review_negatives import show_negatives
from app.visit import Visit
from enrollment.identifier import Candidate
from enrollment.review_cluster import Cluster

_ICONS = {
    "success": ":material/check_circle:",
    "info": ":material/info:",
    "warning": ":material/warning:",
    "error": ":material/error:",
}


def show(visit: Visit) -> None:
    st.title(visit.say("Review"))
    desk = current_desk()
    if desk.confirmed:
        _forget(visit, desk)
    groups = visit.service.queue.groups()
    faces = sum(len(group.sightings) for group in groups)
    held = desk.members
    if groups:
        group = desk.front(groups)
        _notice(visit, desk, held, group)
        desk.hold(group)
    elif held:
        _notice(visit, desk, held, None)
        desk.members = ()
    _show_outcomes(visit, desk)
    if not groups:
        _show_empty(visit)
    else:
        _show_left(visit, faces, len(groups))
        _show_front(visit, desk, groups, group)
    st.divider()
    show_negatives(visit, desk)
    if groups and st.button(
        visit.say("Discard all"), icon=":material/delete_sweep:", key="review-discard-all"
    ):
        desk.asking = "discard-all"
    _ask(visit, desk, faces)


def _notice(visit: Visit, desk: Desk, held: tuple[str, ...], group: Cluster | None) -> None:
    """Somebody at another desk, or a door, has changed what was in front."""
    here = {s.sighting_id for s in group.sightings} if group else set()
    if not held or set(held) == here:
        return
    if not here & set(held):
        text = visit.say(
            "The faces you were looking at are gone: somebody at another desk has handled them, "
            "or their time was over."
        )
        desk.handled(held, *desk.outcomes, Outcome(text, "info"))
    elif here - set(held):
        text = visit.say("A face has joined this group since you looked.")
        desk.outcomes = [*desk.outcomes, Outcome(text, "info")]
    else:
        text = visit.say("Somebody at another desk has handled some of these faces.")
        desk.outcomes = [*desk.outcomes, Outcome(text, "info")]


def _show_outcomes(visit: Visit, desk: Desk) -> None:
    show_as = {"success": st.success, "info": st.info, "warning": st.warning, "error": st.error}
    for number, outcome in enumerate(desk.outcomes):
        show_as[outcome.kind](plain(outcome.text), icon=_ICONS[outcome.kind])
        if outcome.undo and st.button(
            visit.say("Undo: take the no back"),
            key=desk.key(f"undo-{number}"),
            icon=":material/undo:",
            shortcut=None if desk.refusal else "u",
        ):
            take_back(visit, desk, outcome.undo)


def _show_empty(visit: Visit) -> None:
    st.info(
        visit.say(
            "Nothing waits. Faces that a door could not name come here when it is asked to keep "
            "them: turn on review on the Door page, or run rollcall identify PHOTOS --review or "
            "rollcall watch --camera 0 --review. To say that a name was wrong: rollcall review "
            "add PHOTO."
        ),
        icon=":material/task_alt:",
    )
    _show_retention(visit)
    st.button(visit.say("Look again"), icon=":material/refresh:", shortcut="l")


def _show_left(visit: Visit, faces: int, groups: int) -> None:
    left = visit.say_many("{n} face waits", "{n} faces wait", faces)
    st.text(visit.say_many("{left}, in {n} group.", "{left}, in {n} groups.", groups, left=left))
    _show_retention(visit)


def _show_retention(visit: Visit) -> None:
    policy = visit.service.queue.policy
    st.caption(
        visit.say(
            "At most {most} faces are kept, encrypted, for at most {days} days; the oldest go "
            "first.",
            most=visit.language.number(policy.most),
            days=visit.language.number(policy.days, 1),
        )
    )


def _show_front(visit: Visit, desk: Desk, groups: list[Cluster], group: Cluster) -> None:
    likest = visit.service.queue.likest(group)
    nearest = likest[0] if likest else None
    st.subheader(
        visit.say_many(
            "Group {number} of {total}: {n} face",
            "Group {number} of {total}: {n} faces",
            len(group.sightings),
            number=visit.language.number(desk.position + 1),
            total=visit.language.number(len(groups)),
        )
    )
    faces = show_group(visit, desk, group, nearest)
    if len(faces) < len(group.sightings):
        st.text(
            visit.say_many(
                "{n} face is chosen; the others stay in the queue.",
                "{n} faces are chosen; the others stay in the queue.",
                len(faces),
            )
        )
    _show_acts(visit, desk, group, faces, nearest)
    if desk.refusal is not None:
        show_refusal(visit, desk)
    if desk.assigning:
        show_assignment(visit, desk, faces, likest)


def _show_acts(
    visit: Visit,
    desk: Desk,
    group: Cluster,
    faces: tuple[str, ...],
    nearest: Candidate | None,
) -> None:
    """The keys of the buttons hold the group's id: a second press never reaches the next group."""
    say, idle = visit.say, not faces

    def act(
        name: str, label: str, icon: str, shortcut: str, hint: str, first: bool = False
    ) -> bool:
        return st.button(
            label,
            key=f"review-{name}-{group.cluster_id}-{desk.turn}",
            icon=f":material/{icon}:",
            type="primary" if first else "secondary",
            shortcut=None if desk.asking else shortcut,
            help=hint,
            disabled=idle and name not in ("next", "previous"),
        )

    with st.container(horizontal=True):
        if act(
            "assign", say("Assign"), "person_add", "a",
            say("Enroll these faces: of somebody enrolled, or of somebody new."), first=True,
        ):  # fmt: skip
            opening = not desk.assigning
            desk.stop_assigning()
            desk.assigning = opening
            st.rerun()
        if act(
            "ignore", say("Ignore: a stranger"), "person_off", "i",
            say("Remember that this is nobody's face. No picture is kept; you can undo it."),
        ):  # fmt: skip
            ignore(visit, desk, faces)
        if nearest is not None and act(
            "not", plain(say("Ignore: not {name}", name=nearest.name)), "person_remove", "o",
            plain(say("Remember that this is not {name}. You can undo it.", name=nearest.name)),
        ):  # fmt: skip
            ignore(visit, desk, faces, nearest.subject_id)
        if act(
            "discard", say("Discard"), "delete", "d",
            say("Forget these faces: nothing of them is kept."),
        ):  # fmt: skip
            desk.asking, desk.asked = "discard", faces
            st.rerun()
        if act("previous", say("Previous"), "arrow_back", "p", say("Leave it for later.")):
            desk.move(-1)
            st.rerun()
        if act("next", say("Next"), "arrow_forward", "n", say("Leave it for later.")):
            desk.move(1)
            st.rerun()


# -- asking before something is forgotten ---------------------------------------------------------


def _ask(visit: Visit, desk: Desk, faces: int) -> None:
    if desk.asking is None:
        return
    everything = desk.asking == "discard-all"
    n = faces if everything else len(desk.asked)

    @st.dialog(visit.say("Forget these faces?"), on_dismiss=desk.stop_asking)
    def question() -> None:
        st.text(
            visit.say_many(
                "{n} face leaves the queue. Nothing of it is kept, and this cannot be undone.",
                "{n} faces leave the queue. Nothing of them is kept, and this cannot be undone.",
                n,
            )
        )
        if everything:
            st.text(visit.say("That is the whole queue."))
        with st.container(horizontal=True):
            if st.button(
                visit.say("Forget"), type="primary", icon=":material/delete:", shortcut="y"
            ):
                # Done by the page, which says what goes wrong.
                desk.confirmed = True
                st.rerun()
            if st.button(visit.say("Keep"), icon=":material/close:", shortcut="k"):
                desk.stop_asking()
                st.rerun()

    question()


def _forget(visit: Visit, desk: Desk) -> None:
    everything, faces = desk.asking == "discard-all", desk.asked
    desk.stop_asking()
    if everything:
        discard_all(visit, desk)
    elif faces:
        discard(visit, desk, faces)
