"""How alike strangers and the enrolled are to whom they are compared with, as a picture."""

import altair as alt
import numpy as np
import streamlit as st

from app.chart_data import BLUE, DASHED, GREY, ORANGE, SOLID, rows_of
from app.plain import plain
from app.rates import one_in
from app.visit import Visit
from enrollment.what_if import Distribution, WhatIf

_HEIGHT = 280  # px


def show_scores(visit: Visit, found: WhatIf) -> None:
    say = visit.say
    st.subheader(say("How alike they are"))
    if found.scores is None:
        st.write(say("There is nothing to draw yet: it takes two people at least."))
        return
    words = _in_words(visit, found)
    st.altair_chart(_chart(visit, found, found.scores), width="stretch", alt=words)
    st.caption(plain(words))


def _chart(visit: Visit, found: WhatIf, scores: Distribution) -> alt.LayerChart | alt.FacetChart:
    """The enrolled above the line, strangers below it, and each threshold as a line across."""
    say = visit.say
    enrolled, strangers = say("enrolled (above)"), say("strangers (below)")
    colour = alt.Color(
        "who:N",
        title=None,
        scale=alt.Scale(domain=[enrolled, strangers], range=[BLUE, ORANGE]),
        legend=alt.Legend(orient="top", direction="vertical", labelLimit=300),
    )
    bars = (
        alt.Chart(rows_of(_bars(visit, scores, enrolled, strangers)))
        .mark_bar(binSpacing=0)
        .encode(
            x=alt.X(
                "from:Q",
                scale=alt.Scale(zero=False, nice=False),
                axis=alt.Axis(labels=False, ticks=False, grid=False),
                title=say("less alike ← → more alike"),
            ),
            x2="to:Q",
            y=alt.Y(
                "height:Q",
                axis=alt.Axis(labelExpr="format(datum.value * datum.value, '.0%')", tickCount=6),
                title=say("share of searches"),
            ),
            y2=alt.datum(0),
            color=colour,
            tooltip=[alt.Tooltip("who:N", title=" "), alt.Tooltip("share:N", title="%")],
        )
    )
    lines = _thresholds(visit, found)
    thresholds = (
        alt.Chart(rows_of(lines))
        .mark_rule(color=GREY, strokeWidth=2.5)
        .encode(
            x="at:Q",
            strokeDash=alt.StrokeDash(
                "which:N",
                title=None,
                sort=None,
                scale=alt.Scale(
                    domain=[str(line["which"]) for line in lines], range=[SOLID, DASHED]
                ),
                legend=alt.Legend(
                    orient="top", direction="vertical", labelLimit=300, symbolType="stroke"
                ),
            ),
        )
    )
    return alt.layer(bars, thresholds).properties(height=_HEIGHT)


def _bars(
    visit: Visit, scores: Distribution, enrolled: str, strangers: str
) -> list[dict[str, object]]:
    # A square root, so that the few who matter are seen beside the many.
    return [
        {
            "from": float(scores.edges[i]),
            "to": float(scores.edges[i + 1]),
            "height": float(sign * np.sqrt(share)),
            "share": visit.language.percent(float(share), 1),
            "who": who,
        }
        for who, shares, sign in (
            (enrolled, scores.enrolled, 1),
            (strangers, scores.strangers, -1),
        )
        for i, share in enumerate(shares)
        if share > 0
    ]


def _thresholds(visit: Visit, found: WhatIf) -> list[dict[str, object]]:
    language = visit.language
    lines: list[dict[str, object]] = [
        {
            "at": found.now.threshold,
            "which": visit.say("now: {rate}", rate=one_in(language, found.now.max_fpir)),
        }
    ]
    if found.then.max_fpir != found.now.max_fpir:
        chosen = visit.say("chosen: {rate}", rate=one_in(language, found.then.max_fpir))
        lines.append({"at": found.then.threshold, "which": chosen})
    return lines


def _in_words(visit: Visit, found: WhatIf) -> str:
    language, say = visit.language, visit.say
    said = [
        say(
            "Who lies to the right of a line is named: strangers wrongly, the enrolled rightly. "
            "The height grows with the root of the share, so that few are seen, too."
        )
    ]
    points = [found.now] if found.then.max_fpir == found.now.max_fpir else [found.now, found.then]
    for point in points:
        if point.measured_fpir is None:
            continue
        said.append(
            say(
                "At {rate}: {strangers} of the strangers and {enrolled} of the enrolled.",
                rate=one_in(language, point.max_fpir),
                strangers=language.percent(point.measured_fpir, 1),
                enrolled="-" if point.fnir is None else language.percent(1 - point.fnir, 1),
            )
        )
    return " ".join(said)
