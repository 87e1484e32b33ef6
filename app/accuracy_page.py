"""How many strangers are named, and how many of the enrolled are found: what holds, what could."""

from typing import cast

import streamlit as st

from app.missing_data import what_is_missing
from app.plain import plain
from app.rate_choice import show_rate_choice
from app.rates import found_share
from app.threshold_timeline import show_timeline
from app.visit import Visit
from enrollment.calibration import OperatingPoint

_LISTED = 20


def show(visit: Visit) -> None:
    say = visit.say
    st.title(say("Accuracy"))
    if not visit.service.count():
        st.info(
            say(
                "Nobody is enrolled yet, so nobody can be named. Enroll people first: how many "
                "strangers would be named is then measured on them."
            ),
            icon=":material/person_add:",
        )
        return
    point = visit.service.operating_point()
    _show_promise(visit, point)
    show_rate_choice(visit, point)
    _show_alike(visit, point)
    show_timeline(visit)


def _show_promise(visit: Visit, point: OperatingPoint) -> None:
    language, say = visit.language, visit.say
    st.subheader(say("The promise now"))
    many = language.number(1 / point.max_fpir)
    st.write(plain(say("At most 1 stranger in {n} is named.", n=many)))
    if point.promise == "kept":
        st.badge(say("promise kept"), icon=":material/check:", color="green")
    else:
        st.badge(say("not enough data yet"), icon=":material/hourglass_empty:", color="orange")
    with st.container(horizontal=True):
        if point.measured_fpir is not None and point.fpir_upper_95 is not None:
            st.metric(
                say("Strangers named, measured"),
                language.percent(point.measured_fpir, 1),
                border=True,
            )
            st.metric(
                say("With 95 % certainty at most"),
                language.percent(point.fpir_upper_95, 1),
                border=True,
            )
        if (found := found_share(point)) is not None:
            st.metric(say("Enrolled found"), language.percent(found, 1), border=True)
    st.caption(plain(_how(visit, point)))
    if point.near_pairs:
        st.info(
            visit.say_many(
                "{n} pair of people is as alike as photos of one person. Somebody who was enrolled "
                "twice makes the threshold stricter for everybody: see who looks alike below, and "
                "merge them under People if they are one.",
                "{n} pairs of people are as alike as photos of one person. Somebody who was "
                "enrolled twice makes the threshold stricter for everybody: see who looks alike "
                "below, and merge who is one person under People.",
                len(point.near_pairs),
            ),
            icon=":material/group:",
        )
    if point.promise != "kept":
        needed = visit.service.needed_for(point)
        st.warning(
            plain(what_is_missing(visit, point, needed)),
            title=say("Not enough data to promise this"),
            icon=":material/hourglass_empty:",
        )


def _how(visit: Visit, point: OperatingPoint) -> str:
    number = visit.language.number
    if not point.n_nonmated:
        return visit.say(
            "Nothing could be measured: it takes two people at least. Until then the threshold is "
            "the one that the backbone came with."
        )
    return visit.say(
        "Measured with {people} people: {strangers} searches by strangers, and {mated} photos of "
        "the enrolled that were searched for by their other photos.",
        people=number(point.subjects),
        strangers=number(point.n_nonmated),
        mated=number(point.n_mated),
    )


def _show_alike(visit: Visit, point: OperatingPoint) -> None:
    say, language = visit.say, visit.language
    document = visit.service.point_document(point)
    matches = cast(list[dict[str, object]], document["false_matches"])
    pairs = cast(list[dict[str, object]], document["near_pairs"])
    st.subheader(say("Whom strangers would be taken for"))
    if matches:
        st.table(
            [
                {
                    say("Person"): plain(str(match["name"])),
                    say("Strangers"): language.number(cast(int, match["searches"])),
                    say("Of all who are named"): language.percent(cast(float, match["share"]), 0),
                }
                for match in matches[:_LISTED]
            ],
            hide_index=True,
            alt=say("Whom strangers would be taken for"),
        )
        st.caption(
            say(
                "Who stands here for many strangers has photos that look like many people: add "
                "better ones."
            )
        )
    else:
        st.write(say("Nobody: no stranger was named when this was measured."))
    st.subheader(say("People who look alike"))
    if not pairs:
        st.write(say("No two people are as alike as photos of one person."))
        return
    st.table(
        [_pair_line(visit, pair) for pair in pairs[:_LISTED]],
        hide_index=True,
        alt=say("People who look alike"),
    )
    if len(pairs) > _LISTED:
        st.caption(say("The {n} most alike of {all}.", n=_LISTED, all=language.number(len(pairs))))


def _pair_line(visit: Visit, pair: dict[str, object]) -> dict[str, str]:
    say = visit.say
    one, other = cast(list[str], pair["names"])
    apart = (
        say("only by a clear margin, else the answer is unknown")
        if cast(float, pair["margin"]) > 0
        else say("too few photos to say how they differ: add some of both")
    )
    return {
        say("Person"): plain(one),
        say("looks like"): plain(other),
        say("Likeness"): visit.language.number(cast(float, pair["likeness"]), 2),
        say("How they are told apart"): plain(apart),
    }
