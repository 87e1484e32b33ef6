"""How well a person is found, what the nights counted, who is near, and which heads saw them."""

from datetime import datetime

import altair as alt
import streamlit as st

from app.person_face import show_face, show_name
from app.plain import plain
from app.visit import Visit
from enrollment.people import Person

_FACE = 64  # px
_HEIGHT = 200  # px


def show_found(visit: Visit, person: Person) -> None:
    """The find rate now, by leaving each photo out, and of each past night."""
    say, profiles = visit.say, visit.service.profiles
    st.subheader(say("Found"))
    found = profiles.left_out(person.subject_id)
    if found.interval_95 is not None and found.share is not None:
        low, high = found.interval_95
        percent = visit.language.percent
        st.text(
            visit.say_many(
                "{found} of {n} photo would be found if it were not in the gallery: {share}.",
                "{found} of {n} photos would be found if they were not in the gallery: {share}.",
                found.tried,
                found=visit.language.number(found.found),
                share=percent(found.share, 0),
            )
        )
        st.caption(
            plain(
                say(
                    "With so many photos, the true rate is between {low} and {high} (95 % "
                    "interval). Each photo is left out in turn and searched for at the threshold "
                    "that serves now.",
                    low=percent(low, 0),
                    high=percent(high, 0),
                )
            )
        )
    elif person.state != "active":
        st.text(say("Nobody is searched for while suspended."))
    else:
        st.text(say("One photo says nothing about the find rate: add another one."))
    _show_nights(visit, person)


def _show_nights(visit: Visit, person: Person) -> None:
    say = visit.say
    nights = [n for n in visit.service.profiles.nights(person.subject_id) if n.tried]
    if not nights:
        st.caption(say("No night has measured this person yet."))
        return
    last = nights[-1]
    st.text(
        say(
            "The night of {day} found {found} of {tried}.",
            day=_day(visit, last.day),
            found=visit.language.number(last.found),
            tried=visit.language.number(last.tried),
        )
    )
    if len(nights) < 2:
        return
    rows = [
        {
            "day": _day(visit, night.day),
            "share": night.found / night.tried,
            "photos": f"{night.found} / {night.tried}",
        }
        for night in nights
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("day:O", title=say("night"), sort=None, axis=alt.Axis(labelOverlap=True)),
            y=alt.Y(
                "share:Q",
                title=say("found"),
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%"),
            ),
            tooltip=[
                alt.Tooltip("day:N", title=say("night")),
                alt.Tooltip("photos:N", title=say("found")),
            ],
        )
        .properties(height=_HEIGHT)
    )
    st.altair_chart(
        chart,
        width="stretch",
        alt=say(
            "The share of this person's photos that each night found, from {first} on; the last "
            "one {share}",
            first=_day(visit, nights[0].day),
            share=visit.language.percent(last.found / last.tried, 0),
        ),
    )


def _day(visit: Visit, night: datetime) -> str:
    """A night's day is a UTC day wherever it is read."""
    return visit.language.day(night.replace(tzinfo=visit.language.zone))


def show_neighbours(visit: Visit, person: Person) -> None:
    """Who looks most like this person; near enough to be mistaken is marked."""
    say, profiles = visit.say, visit.service.profiles
    st.subheader(say("Nearest colleagues"))
    near = profiles.neighbours(person.subject_id)
    if not near:
        alone = say("There is nobody to compare with.")
        suspended = say("Nobody is compared while suspended.")
        st.text(suspended if person.state != "active" else alone)
        return
    ids = [neighbour.subject_id for neighbour in near]
    people, faces = profiles.some(ids), profiles.faces(ids)
    for neighbour in near:
        other = people.get(neighbour.subject_id)
        if other is None:
            continue  # erased since the line above
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            show_face(visit, faces.get(other.subject_id), other.name, _FACE)
            with st.container(gap=None):
                show_name(other.name, other.subject_id, f"near-{other.subject_id}")
                likeness = visit.language.number(neighbour.likeness, 3)
                st.caption(plain(say("likeness {cosine}", cosine=likeness)))
                if neighbour.near:
                    st.badge(
                        say("near enough to be mistaken"), icon=":material/group:", color="orange"
                    )
    st.caption(
        plain(
            say(
                "Likeness is the cosine between two people's templates: 1 is the same face. Who "
                "is near enough to be mistaken is named only by a clear margin."
            )
        )
    )


def show_heads(visit: Visit, person: Person) -> None:
    """Which versions of the head were made with this person, and which one serves."""
    say = visit.say
    st.subheader(say("Head versions that saw this person"))
    heads = visit.service.profiles.heads(person.subject_id)
    if not heads:
        st.text(say("None yet: a night makes the first one."))
        return
    states = {
        "champion": say("serves now"),
        "challenger": say("waits"),
        "retired": say("served before"),
        "refused": say("was refused"),
    }
    st.table(
        [
            {
                say("Version"): plain(head.head_id),
                say("Made"): plain(visit.language.moment(head.created_at)),
                say("State"): states[head.state],
            }
            for head in heads
        ],
        hide_index=True,
    )
