"""The faces that somebody said no to, and taking a no back."""

from pathlib import PurePath

import streamlit as st

from app.review_acts import forget
from app.review_desk import Desk
from app.visit import Visit
from enrollment.review_cluster import short

_AT_ONCE = 10


def show_negatives(visit: Visit, desk: Desk) -> None:
    """Behind a switch: each is opened to be shown."""
    say = visit.say
    if not st.toggle(say("Show what was said no to"), key="review-negatives"):
        return
    found = visit.service.review.negatives()[::-1]
    if not found:
        st.info(say("Nobody said no to a face yet. Ignore remembers one here."))
        return
    shown = st.session_state.setdefault("review-negatives-shown", _AT_ONCE)
    names = visit.service.names({n.subject_id for n in found[:shown] if n.subject_id is not None})
    st.text(_counted(visit, len(found)))
    for negative in found[:shown]:
        whom = say("a stranger")
        if negative.subject_id is not None:
            whom = say("not {name}", name=names.get(negative.subject_id, "?"))
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None, width="content"):
                st.text(f"{short(negative.negative_id)}  {whom}")
                st.text(
                    say(
                        "said {when} by {who}, seen in {where}",
                        when=visit.language.moment(negative.at),
                        who=negative.details["ignored_by"],
                        where=PurePath(str(negative.details["source"])).name,
                    )
                )
            if st.button(
                say("Take back"),
                key=f"review-forget-{negative.negative_id}",
                icon=":material/undo:",
                help=say("Take back the no with the id {id}", id=short(negative.negative_id)),
            ):
                forget(visit, desk, [negative.negative_id])
    if len(found) > shown and st.button(say("Show more of them"), icon=":material/expand_more:"):
        st.session_state["review-negatives-shown"] = shown + _AT_ONCE
        st.rerun()


def _counted(visit: Visit, n: int) -> str:
    return visit.say_many(
        "{n} face was said no to; the newest first. No picture is kept.",
        "{n} faces were said no to; the newest first. No picture is kept.",
        n,
    )
