"""The nightly report's measurements told as pictures: cohorts, shifts, scores, cost."""

from collections.abc import Iterable, Sequence
from functools import partial

from enrollment import report_pictures as pictures
from enrollment import report_reading as read
from enrollment.report_numbers import (
    FEW,
    PERCENT,
    count,
    decimals,
    duration,
    percent,
    sentence,
    short_day,
)
from enrollment.report_page import (
    Html,
    Measure,
    bdi,
    big,
    figure,
    joined,
    maybe,
    missing,
    pairs,
    picture_numbers,
    section,
    small,
    tag,
    unmeasured,
)
from enrollment.report_reading import Part
from enrollment.report_words import NOT_MEASURED

# What is drawn or listed at most.
_COHORTS, _NIGHTS, _NIGHTS_NARROW = 12, 14, 6
_WORSE, _BETTER = 12, 8
_TABLE_ROWS = 200


def cohorts(document: Part) -> Html:
    title = "Are people who came earlier still recognised?"
    found = read.part(document, "cohorts")
    days, nights = read.strings(found, "cohorts"), read.strings(found, "nights")
    cells = _cells(found, len(nights), len(days))
    forgetting = _forgetting(document)
    if not any(cell for night in cells for cell in night):
        why = "no test photo of any night so far"
        return unmeasured(document, "cohorts", title, why, forgetting)
    maps = {
        pictures.WIDE: _heat(days, nights, cells, _NIGHTS),
        pictures.NARROW: _heat(days, nights, cells, _NIGHTS_NARROW),
    }
    heat = maps[pictures.WIDE]
    return section(
        "cohorts",
        title,
        figure(
            "Accuracy by the day people were added, in each of the last "
            f"{count(len(heat.columns), 'night')}. The table below has the numbers.",
            lambda width: pictures.heat_map(maps[width], width),
            "A row is everybody who was added on one day, a column is a night, a cell says how "
            "many in a hundred of their test photos had the right best candidate that night "
            f"(R[t,\u2009j]; counts where there are fewer than {FEW} photos). A row that turns "
            "paler to the right is being forgotten." + (_EARLIER if len(days) > _COHORTS else ""),
        ),
        picture_numbers(
            "Accuracy by cohort and night",
            ["Added", *heat.columns],
            [
                [row, *(label or "\u2013" for label in labels)]
                for row, labels in zip(heat.rows, heat.labels, strict=True)
            ],
            class_="grid",
        ),
        forgetting,
    )


_EARLIER = " The first row is everybody who came on one of the days before those."
Cell = tuple[float, float]  # right answers (may be a fraction), photos


def _cells(found: Part, nights: int, cohorts: int) -> list[list[Cell | None]]:
    """[night][cohort], whatever is missing or short in the document."""
    rates, counts = read.lists(found, "accuracy"), read.lists(found, "probes")

    def cell(night: int, cohort: int) -> Cell | None:
        rate, n = _at(rates, night, cohort), _at(counts, night, cohort)
        return None if rate is None or not n else (rate * n, n)

    return [[cell(night, cohort) for cohort in range(cohorts)] for night in range(nights)]


def _at(table: Sequence[Sequence[object]], row: int, column: int) -> float | None:
    try:
        value = table[row][column]
    except (IndexError, TypeError):
        return None
    return value if read.finite(value) else None


def _heat(
    days: Sequence[str], nights: Sequence[str], cells: Sequence[Sequence[Cell | None]], most: int
) -> pictures.HeatMap:
    """The last nights and cohorts; all cohorts before those are one row."""
    first = max(len(nights) - most, 0)
    apart = max(len(days) - _COHORTS, 0)
    groups = ([range(apart)] if apart else []) + [range(j, j + 1) for j in range(apart, len(days))]
    names = ([f"{apart} earlier"] if apart else []) + [short_day(day) for day in days[apart:]]
    table = [
        [_together(cells[night][j] for j in group) for night in range(first, len(nights))]
        for group in groups
    ]
    return pictures.HeatMap(
        rows=names,
        columns=[short_day(night) for night in nights[first:]],
        values=[[None if c is None else c[0] / c[1] for c in row] for row in table],
        labels=[[_cell_label(c) for c in row] for row in table],
    )


def _together(cells: Iterable[Cell | None]) -> Cell | None:
    known = [cell for cell in cells if cell is not None]
    return (sum(r for r, _ in known), sum(n for _, n in known)) if known else None


def _cell_label(cell: Cell | None) -> str:
    if cell is None:
        return ""
    right, n = cell
    if n < FEW:
        return f"{right:.0f}/{n:.0f}"
    return percent(right / n, min(n, 999)).removesuffix(PERCENT).replace("over ", ">")


def _forgetting(document: Part) -> Html | None:
    found = read.part(document, "forgetting")
    if all(read.number(found, key) is None for key in ("forgetting", "bwt")):
        return tag("p", "Forgetting is not measured: it needs a second night.", class_="note")
    nights = read.lists(read.part(document, "cohorts"), "probes")
    photos = sum(n for n in nights[-1] if read.finite(n)) if nights else None
    counted = {**found, "photos": photos}
    return pairs("Forgetting, over the cohorts before tonight's", _FORGOTTEN, counted)


def _points(found: Part, key: str, why: str = "it needs a second night", sign: str = "+") -> Html:
    """A difference of percentages is in points. sign: "+" shows one always, "-" where it is."""
    value, n = read.number(found, key), read.number(found, "photos")
    if value is None:
        return missing(why)
    digits = decimals(n)
    last = 10.0**-digits
    text = f"{value * 100:{sign}.{digits}f}\u00a0points" if value else "0\u00a0points"
    if 0 < abs(value * 100) < last / 2:
        text = f"between 0 and {'-' if value < 0 else ''}{last:.{digits}f} points"
    text = text.replace("-", "\u2212")
    photos = "" if n is None else f"on {count(int(n), 'photo')}"
    return joined(big(text), small(photos))


_FORGOTTEN: tuple[Measure, ...] = (
    (
        "Forgetting",
        "F: how many points each cohort's accuracy is below its own best night, on average; 0 is "
        "nothing forgotten",
        partial(_points, key="forgetting", sign="-"),
    ),
    (
        "Change since they were added",
        "backward transfer, BWT: each cohort's accuracy tonight less that of its first night, on "
        "average; negative is worse",
        partial(_points, key="bwt"),
    ),
    (
        "Of that, caused by how it learns",
        "BWT less that of a full retrain: what is left is not due to there being more people to "
        "confuse",
        partial(_points, key="bwt_minus_joint", why="no full retrain to compare with"),
    ),
)


def shifts(document: Part) -> Html:
    title = "Who is recognised better or worse than before?"
    people = [p for p in map(_shift, read.rows(document, "forgetting_per_person")) if p is not None]
    if not people and not read.part(document, "comparison"):
        return unmeasured(document, "shifts", title, read.nothing_before(document))
    worse = sorted((p for p in people if p.after < p.before), key=lambda p: p.after - p.before)
    better = sorted((p for p in people if p.after > p.before), key=lambda p: p.before - p.after)
    if not worse and not better:
        nobody = "Nobody: for every person as many test photos are right as before."
        return section("shifts", title, tag("p", nobody))
    drawn = worse[:_WORSE] + better[:_BETTER]
    left_out = len(worse) + len(better) - len(drawn)
    said = f"{count(len(worse), 'person', 'people')} worse, {len(better):,} better"
    return section(
        "shifts",
        title,
        tag("p", f"{said}; for everybody else as many test photos are right as before."),
        figure(
            f"{said}. The table below has the numbers.",
            partial(pictures.shifts, drawn),
            "From the share of a person's test photos that were recognised before (ring) to the "
            "share now: down in orange is worse, up in blue is better."
            + (f" {left_out:,} more are in the table." if left_out else ""),
        ),
        picture_numbers(
            "Test photos recognised, by person",
            ["Person", "Before and after"],
            [[bdi(p.name), p.words] for p in (worse + better)[:_TABLE_ROWS]],
            class_="pairs",
        ),
    )


def _shift(row: Part) -> pictures.Shift | None:
    shares, words = [], []
    for key in ("before", "after"):
        pair = row.get(key)
        if not (isinstance(pair, Sequence) and len(pair) == 2 and all(map(read.finite, pair))):
            return None
        right, n = pair
        if not n:
            return None
        shares.append(right / n)
        words.append(f"{right:.0f} of {n:.0f}")
    return pictures.Shift(read.text(row, "name"), shares[0], shares[1], " \u2192 ".join(words))


def scores(document: Part) -> Html:
    title = "How well are colleagues and strangers told apart?"
    found = _histograms(read.part(document, "scores"))
    if found is None:
        return unmeasured(document, "scores", title, "too few searches")
    mated, nonmated = sum(found.mated), sum(found.nonmated)
    threshold = "" if found.threshold is None else f" The threshold is {found.threshold:.3f}."
    return section(
        "scores",
        title,
        figure(
            f"Confidence of {mated:,.0f} searches for colleagues and {nonmated:,.0f} for "
            f"strangers.{threshold}",
            partial(pictures.score_histograms, found),
            f"{count(int(mated), 'search', 'searches')} for people who are enrolled (mated) and "
            f"{nonmated:,.0f} for people who are not (non-mated), each group drawn to the same "
            "area. Right of the threshold a name is given, left of it the answer is unknown. The "
            "less the two overlap, the better.",
        ),
    )


def _histograms(found: Part) -> pictures.Scores | None:
    edges, mated, nonmated = (
        [float(x) for x in read.items(found, key) if read.finite(x)]
        for key in ("edges", "mated", "nonmated")
    )
    bins = len(edges) - 1
    fits = bins > 0 and len(mated) == len(nonmated) == bins and edges[0] < edges[-1]
    if not fits or not sum(mated) + sum(nonmated):
        return None
    threshold, before = read.number(found, "threshold"), read.number(found, "threshold_before")
    return pictures.Scores(edges, mated, nonmated, threshold, before)


def cost(document: Part) -> Html:
    title = "What did the night cost?"
    found = read.part(document, "cost")
    tonight = read.number(found, "tonight_seconds")
    full = read.number(found, "full_retrain_seconds")
    if tonight is None:
        return unmeasured(document, "cost", title)
    note = sentence(read.text(found, "note"))
    if full is None:
        said = f"Tonight: {duration(tonight)}. A full retrain was {NOT_MEASURED}."
        return section("cost", title, tag("p", said), maybe("p", note, class_="note"))
    bars = [
        pictures.Bar("Tonight", tonight, duration(tonight)),
        pictures.Bar("Training on everybody anew", full, duration(full)),
    ]
    return section(
        "cost",
        title,
        figure(
            "; ".join(f"{bar.name}: {bar.words}" for bar in bars),
            partial(pictures.bars, bars),
            note,
        ),
    )
