"""What was promised and measured, over time."""

from collections.abc import Sequence
from datetime import UTC, datetime

import altair as alt
import streamlit as st

from app.chart_data import BLUE, DASHED, GREY, ORANGE, SOLID, rows_of
from app.plain import plain
from app.rates import found_share, one_in
from app.visit import Visit
from enrollment.calibration import OperatingPoint

_DRAWN = 200
_LISTED = 20
_HEIGHT = 170  # px
_Points = Sequence[tuple[datetime, OperatingPoint]]


def show_timeline(visit: Visit) -> None:
    say = visit.say
    st.subheader(say("How it went"))
    points = visit.service.newest_operating_points(_DRAWN)
    if not points:
        st.write(say("Nothing was written down yet; the next change of people is."))
        return
    if len(points) > 1:
        _draw(visit, points)
    listed = points[-_LISTED:][::-1]
    st.table(
        [_line(visit, at, point) for at, point in listed],
        hide_index=True,
        alt=say("The newest measurements"),
    )
    with st.expander(say("The threshold in numbers")):
        st.table(
            [
                {
                    say("When"): plain(visit.language.moment(at)),
                    say("Threshold"): f"{point.threshold:.4f}",
                    say("Measured"): f"{_measured(point):.4f}",
                    say("How a score is made"): plain(point.score),
                }
                for at, point in listed
            ],
            hide_index=True,
            alt=say("The threshold in numbers"),
        )


def _measured(point: OperatingPoint) -> float:
    return point.threshold if point.measured_threshold is None else point.measured_threshold


def _line(visit: Visit, at: datetime, point: OperatingPoint) -> dict[str, str]:
    language, say = visit.language, visit.say

    def share(value: float | None) -> str:
        return plain("-" if value is None else language.percent(value, 1))

    return {
        say("When"): plain(language.moment(at)),
        say("Asked"): plain(one_in(language, point.max_fpir)),
        say("Strangers named"): share(point.measured_fpir),
        say("Found"): share(found_share(point)),
        say("People"): language.number(point.subjects),
        say("Promise"): say("promise kept")
        if point.promise == "kept"
        else say("not enough data yet"),
    }


def _draw(visit: Visit, points: _Points) -> None:
    say = visit.say
    named, asked, found = say("strangers named"), say("asked"), say("enrolled found")
    rows: list[dict[str, object]] = []
    for at, point in points:
        rows += _rows(visit, at, {named: point.measured_fpir, asked: point.max_fpir})
    st.altair_chart(
        _chart(rows, say("strangers"), [named, asked], [ORANGE, GREY]),
        width="stretch",
        alt=say("Strangers named over time; the numbers are in the table below."),
    )
    rows = [r for at, p in points for r in _rows(visit, at, {found: found_share(p)})]
    if rows:
        st.altair_chart(
            _chart(rows, say("Enrolled, found"), [found], [BLUE], _below(points)),
            width="stretch",
            alt=say("Enrolled found over time; the numbers are in the table below."),
        )


def _below(points: _Points) -> float:
    """Somewhat under the lowest share that was found; never 0, which would be another axis."""
    lowest = min(share for _, p in points if (share := found_share(p)) is not None)
    return max(lowest - 0.05, 0.01)


def _rows(visit: Visit, at: datetime, values: dict[str, float | None]) -> list[dict[str, object]]:
    when = at.astimezone(UTC).isoformat()
    return [
        {
            "at": when,
            "what": what,
            "value": value,
            "said": visit.language.percent(value, 2),
            "when": visit.language.moment(at),
        }
        for what, value in values.items()
        if value is not None
    ]


def _chart(
    rows: list[dict[str, object]], title: str, kinds: list[str], colours: list[str], low: float = 0
) -> alt.Chart:
    """Args: low: the lowest share that the axis shows, up to 1; 0: from 0 to the highest."""
    styles = [SOLID, DASHED][: len(kinds)]
    chart: alt.Chart = (
        alt.Chart(rows_of(rows))
        .mark_line(interpolate="step-after", point=True)
        .encode(
            x=alt.X("at:T", title=None, axis=alt.Axis(labelOverlap=True, tickCount=4)),
            y=alt.Y(
                "value:Q",
                title=title,
                axis=alt.Axis(format=".1~%", tickCount=4),
                scale=alt.Scale(domainMin=low, domainMax=1) if low else alt.Undefined,
            ),
            color=alt.Color(
                "what:N",
                title=None,
                sort=None,
                scale=alt.Scale(domain=kinds, range=colours),
                legend=alt.Legend(orient="top", symbolType="stroke"),
            ),
            strokeDash=alt.StrokeDash(
                "what:N", title=None, sort=None, scale=alt.Scale(domain=kinds, range=styles)
            ),
            tooltip=[
                alt.Tooltip("what:N", title=" "),
                alt.Tooltip("said:N", title="%"),
                alt.Tooltip("when:N", title="@"),
            ],
        )
        .properties(height=_HEIGHT)
    )
    return chart
