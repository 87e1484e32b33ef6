"""Rows for a chart, and the colours that it may use."""

from collections.abc import Sequence

import altair as alt

# Okabe and Ito's, a little lighter: told apart by colour-blind people, on black and on white.
BLUE, ORANGE, GREY = "#3C8DC5", "#DD7A1F", "#8A8A8A"
SOLID, DASHED = [1, 0], [6, 4]


def rows_of(rows: Sequence[dict[str, object]]) -> alt.Data:
    """Within the chart itself: nothing is loaded."""
    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]
