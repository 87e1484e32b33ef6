"""The map as a picture to zoom, to move and to choose people from."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from app.chart_data import BLUE, GREY, ORANGE, rows_of
from app.person_face import in_the_page
from app.plain import plain
from app.visit import Visit
from enrollment.gallery_map import GalleryMap
from enrollment.near_pairs import NearPair

_HEIGHT = 460  # px
_SIDE = 48  # px of a face beside its point
_PICTURES = 200  # more people are shown without a picture: pictures take 1.5 ms each
_PICKED, _REGION = "picked", "region"


def show_map(
    visit: Visit, shown: GalleryMap, names: Mapping[str, str], pairs: Sequence[NearPair]
) -> list[str]:
    """Draw the people who have a name; returns the ids of those who are chosen on it."""
    say = visit.say
    near = {subject_id for pair in pairs for subject_id in (pair.one, pair.other)}
    at = {
        subject_id: (x, y)
        for subject_id, (x, y) in zip(shown.subject_ids, shown.places.tolist(), strict=True)
        if subject_id in names
    }
    shown_on = list(at) if len(at) <= _PICTURES else []
    pictures = visit.service.profiles.faces(shown_on, _SIDE)
    alike, others = say("looks like somebody else"), say("others")
    points = pd.DataFrame(at.values(), columns=["x", "y"])
    points["id"] = list(at)
    points["name"] = [names[subject_id] for subject_id in at]
    points["kind"] = [alike if subject_id in near else others for subject_id in at]
    if pictures:
        points["image"] = [in_the_page(pictures[i]) if i in pictures else None for i in at]
    lines: list[dict[str, object]] = [
        {"x": at[p.one][0], "y": at[p.one][1], "x2": at[p.other][0], "y2": at[p.other][1]}
        for p in pairs
        if p.one in at and p.other in at
    ]
    words = _in_words(visit, shown, len(at), len(lines))
    state = st.altair_chart(
        _chart(points, lines, (alike, others), with_pictures=bool(pictures)),
        width="stretch",
        on_select="rerun",
        selection_mode=[_PICKED, _REGION],
        key="map-chart",
        alt=words,
    )
    st.caption(plain(words))
    return _chosen(state.selection, at)


def _chart(
    points: pd.DataFrame,
    lines: Sequence[dict[str, object]],
    kinds: tuple[str, str],
    *,
    with_pictures: bool,
) -> alt.LayerChart | alt.FacetChart:
    hidden = alt.Axis(labels=False, ticks=False, grid=False, domain=False, title=None)
    picked = alt.selection_point(name=_PICKED, fields=["id"])
    # With shift, so that dragging alone moves the map.
    region = alt.selection_interval(
        name=_REGION,
        on="[pointerdown[event.shiftKey], window:pointerup] > window:pointermove!",
        translate=False,
        zoom=False,
    )
    moved = alt.selection_interval(
        name="moved",
        bind="scales",
        on="[pointerdown[!event.shiftKey], window:pointerup] > window:pointermove!",
        translate="[pointerdown[!event.shiftKey], window:pointerup] > window:pointermove!",
    )
    scale = alt.Scale(domain=[-1.1, 1.1])
    # These titles are what makes the tooltip a heading and a picture.
    tooltip = [alt.Tooltip("name:N", title="title")]
    if with_pictures:
        tooltip.append(alt.Tooltip("image:N", title="image"))
    people = (
        alt.Chart(points)
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=alt.X("x:Q", axis=hidden, scale=scale),
            y=alt.Y("y:Q", axis=hidden, scale=scale),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=list(kinds), range=[ORANGE, BLUE]),
                legend=alt.Legend(orient="top", labelLimit=300),
            ),
            shape=alt.Shape(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=list(kinds), range=["diamond", "circle"]),
            ),
            size=alt.condition(picked, alt.value(160), alt.value(70), empty=False),
            tooltip=tooltip,
        )
        .add_params(picked, region, moved)
    )
    pairs = (
        alt.Chart(rows_of(lines or [dict.fromkeys(("x", "y", "x2", "y2"))]))
        .mark_rule(color=GREY, strokeWidth=2)
        .encode(x="x:Q", y="y:Q", x2="x2:Q", y2="y2:Q")
    )
    return alt.layer(pairs, people).properties(height=_HEIGHT)


def _chosen(selection: Any, at: Mapping[str, tuple[float, float]]) -> list[str]:  # noqa: ANN401
    """Who was clicked on, and who lies in the region that was drawn."""
    clicked = [str(point.get("id")) for point in selection.get(_PICKED, [])]
    region = selection.get(_REGION, {})
    inside = []
    if "x" in region and "y" in region:
        (left, right), (low, high) = sorted(region["x"]), sorted(region["y"])
        inside = [s for s, (x, y) in at.items() if left <= x <= right and low <= y <= high]
    return list(dict.fromkeys([c for c in clicked if c in at] + inside))


def _in_words(visit: Visit, shown: GalleryMap, people: int, pairs: int) -> str:
    say = visit.say
    return " ".join(
        [
            visit.say_many(
                "{n} person, laid out by {method}.",
                "{n} people, laid out by {method}.",
                people,
                method=shown.method,
            ),
            *(
                [
                    visit.say_many(
                        "{n} pair looks alike: joined by a line, and listed below.",
                        "{n} pairs look alike: joined by a line, and listed below.",
                        pairs,
                    )
                ]
                if pairs
                else []
            ),
            say(
                "Click or tap on a point to see the face, shift and click for several, shift and "
                "drag for a region; drag to move, turn the wheel to zoom, double-click to go back."
            ),
        ]
    )
