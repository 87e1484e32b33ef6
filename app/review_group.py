"""One group of the queue: its faces, when and where they were seen, and why they are here."""

from collections.abc import Sequence
from pathlib import PurePath

import streamlit as st

from app.review_desk import FACES_AT_ONCE, Desk
from app.visit import Visit
from enrollment.identifier import Candidate
from enrollment.review_cluster import Cluster

_FACE = 112  # px
_SOURCES = 3  # named before the rest is counted
_KINDS = ("named", "disagreement", "near_miss", "unknown")  # the most urgent first


def show_group(
    visit: Visit, desk: Desk, group: Cluster, nearest: Candidate | None
) -> tuple[str, ...]:
    """Draw it; returns the ids of the faces that are ticked, all of them at first."""
    with st.container(gap="xxsmall"):
        for line in [*why(visit, group, nearest), _seen(visit, group)]:
            st.text(line)
    with st.container(horizontal=True, gap="medium"):
        left_out = _show_faces(visit, desk, group)
        if nearest is not None:
            _show_nearest(visit, nearest)
    hidden = len(group.sightings) - desk.shown
    if hidden > 0:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(
                visit.say_many(
                    "{n} more face is taken along without being shown.",
                    "{n} more faces are taken along without being shown.",
                    hidden,
                )
            )
            if st.button(visit.say("Show more faces"), icon=":material/expand_more:"):
                desk.shown += FACES_AT_ONCE
                st.rerun()
    return tuple(s.sighting_id for s in group.sightings if s.sighting_id not in left_out)


def _show_faces(visit: Visit, desk: Desk, group: Cluster) -> set[str]:
    """Returns those that are not ticked."""
    shown = group.sightings[: desk.shown]
    pictures = visit.service.queue.portraits([sighting.sighting_id for sighting in shown])
    left_out = set()
    for number, sighting in enumerate(shown, 1):
        label = visit.say("Face {number}", number=number)
        with st.container(width=_FACE, gap="xxsmall"):
            picture = pictures.get(sighting.sighting_id)
            if picture is not None:
                st.image(picture, width=_FACE, output_format="JPEG", alt=label)
            if len(group.sightings) > 1 and not st.checkbox(
                label, value=True, key=desk.key(f"face-{sighting.sighting_id}")
            ):
                left_out.add(sighting.sighting_id)
            st.caption(visit.language.moment(sighting.at))
    return left_out


def _show_nearest(visit: Visit, nearest: Candidate) -> None:
    said = visit.say("Nearest: {name}", name=nearest.name)
    with st.container(width=_FACE, gap="xxsmall"):
        face = visit.service.face(nearest.subject_id)
        if face is not None:
            st.image(face, width=_FACE, alt=said)
        st.text(said)
        st.caption(visit.say("score {score:.3f}", score=nearest.score))


def why(visit: Visit, group: Cluster, nearest: Candidate | None) -> list[str]:
    """Why these faces are here, a sentence for each kind, the most urgent first."""
    by_kind = {
        kind: found for kind in _KINDS if (found := [s for s in group.sightings if s.kind == kind])
    }
    wanted = {s.nearest for s in group.sightings} | {s.rival for s in group.sightings}
    names = visit.service.names([i for i in wanted if i is not None])
    lines = []
    for kind, sightings in by_kind.items():
        best = max(sightings, key=lambda s: _number(s.details["score"]) or -1.0)
        lines.append(
            _sentence(
                visit,
                kind,
                len(sightings),
                names.get(best.nearest or ""),
                names.get(best.rival or ""),
                _number(best.details["score"]),
                _number(best.details["threshold"]) or 0.0,
            )
        )
    if nearest is not None and "unknown" in by_kind:
        lines.append(
            visit.say(
                "The nearest person is {name}, score {score:.3f}; that alone means nothing.",
                name=nearest.name,
                score=nearest.score,
            )
        )
    return lines


def _sentence(
    visit: Visit,
    kind: str,
    n: int,
    name: str | None,
    rival: str | None,
    score: float | None,
    threshold: float,
) -> str:
    head = {
        "named": visit.say_many(
            "{n} face was named and doubted", "{n} faces were named and doubted", n
        ),
        "disagreement": visit.say_many("{n} disagreement", "{n} disagreements", n),
        "near_miss": visit.say_many("{n} near miss", "{n} near misses", n),
        "unknown": visit.say_many("{n} unknown", "{n} unknown", n),
    }[kind]
    return f"{head}: {_explanation(visit, kind, name, rival, score, threshold)}"


def _explanation(
    visit: Visit,
    kind: str,
    name: str | None,
    rival: str | None,
    score: float | None,
    threshold: float,
) -> str:
    say = visit.say
    if score is None or (kind != "unknown" and name is None):
        return say("nobody near is enrolled; NOT reported.")
    if kind == "disagreement":
        return say(
            "the head says {name} ({score:.3f}), the index says {rival}; NOT reported.",
            name=name,
            score=score,
            rival=rival or say("somebody else"),
        )
    texts = {
        "named": say(
            "reported as {name} ({score:.3f}, needed {threshold:.3f}), and somebody doubts it.",
            name=name,
            score=score,
            threshold=threshold,
        ),
        "near_miss": say(
            "nearest {name} {score:.3f}, below {threshold:.3f}; NOT reported.",
            name=name,
            score=score,
            threshold=threshold,
        ),
        "unknown": say(
            "like nobody who is enrolled: best score {score:.3f}, needed {threshold:.3f}; "
            "NOT reported.",
            score=score,
            threshold=threshold,
        ),
    }
    if kind == "near_miss" and score >= threshold:
        return say(
            "nearest {name} {score:.3f}, but not clearly nearer than to somebody alike; "
            "NOT reported.",
            name=name,
            score=score,
        )
    return texts[kind]


def _seen(visit: Visit, group: Cluster) -> str:
    first, last = group.sightings[0].at, group.sightings[-1].at
    moment = visit.language.moment
    places = _places([s.details["source"] for s in group.sightings])
    where = ", ".join(places[:_SOURCES])
    if len(places) > _SOURCES:
        where += visit.say(" and {n} more", n=len(places) - _SOURCES)
    if moment(first) == moment(last):
        return visit.say("Seen {when}: {where}", when=moment(first), where=where)
    return visit.say(
        "Seen from {first} to {last}: {where}",
        first=moment(first),
        last=moment(last),
        where=where,
    )


def _places(sources: Sequence[object]) -> list[str]:
    """Each once; of a file its name."""
    return list(dict.fromkeys(PurePath(str(source)).name or str(source) for source in sources))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
