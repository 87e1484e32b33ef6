"""Rows for a chart, and the colours that it may use."""

from collections.abc import Sequence

import pandas as pd

# Okabe and Ito's, a little lighter: told apart by colour-blind people, on black and on white.
BLUE, ORANGE, GREY = "#3C8DC5", "#DD7A1F", "#8A8A8A"
SOLID, DASHED = [1, 0], [6, 4]


def rows_of(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Within the page itself: nothing is loaded. A table, because Altair looks at every value of a
    list (6 s for 10,000 people)."""
    return pd.DataFrame(list(rows))
