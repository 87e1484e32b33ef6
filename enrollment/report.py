"""What happened tonight, on one page: for whoever looks after the people, then for an engineer.

The page stands alone. It asks nobody for anything, needs no script, and forbids both (its content
security policy), because names and photos are in it. Texts of the document become markup in one
place, `_tag`, which escapes them.

Definitions are those of the research on heads, ISO/IEC 19795-1 and its kin; each stands beside
its number. A rate has no more digits than its count supports, and a small one is told in counts.
"""

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeGuard

from enrollment import report_pictures as pictures

Part = Mapping[str, Any]

_WORDS = {"promoted": "Promoted", "refused": "Refused", "skipped": "Skipped"}
_MODES = {
    "joint": "everybody was learnt again, from all photos",
    "local": "the new people were learnt, together with those who look most like them",
    "rehearsal": "the new people were learnt, and a few photos of everybody else were repeated",
    "pseudo": "the new people were learnt; statistics stood in for everybody else's photos",
    "imprint": "nothing was trained: each person is the average of their photos",
}
_STATES = {
    "before": "Before tonight",
    "imprint": "New people added, nothing trained",
    "challenger": "Trained tonight",
}
_NOT_MEASURED = "not measured"

# What is drawn or listed before the rest is folded away or left to the JSON.
_NAMES = 12
_CARDS = 48
_COHORTS, _NIGHTS, _NIGHTS_NARROW = 12, 14, 6
_WORSE, _BETTER = 12, 8
_TABLE_ROWS = 200
# With fewer photos than this a percentage says more than is known: "5 of 6" is said instead.
_FEW = 20


class Html(str):
    """Markup. Every other text is escaped where `_tag` puts it in."""

    __slots__ = ()


Inside = str | None


def render(document: Part) -> str:
    """The report as one HTML page.

    Args:
        document: what the night wrote, as JSON has it. A key may be missing, None or empty: the
            page then says that it was not measured, and why where that is known.
    """
    word, day = _WORDS.get(_text(document, "outcome"), "Report"), _text(document, "day")
    sections = (
        _verdict,
        _to_do,
        _changes,
        _states,
        _checks,
        _comparison,
        _cohorts,
        _shifts,
        _scores,
        _cost,
        _disagreements,
        _run,
    )
    page = _tag(
        "html",
        _tag(
            "head",
            _tag("meta", charset="utf-8"),
            _tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            _tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            _tag("meta", name="color-scheme", content="light dark"),
            _tag("meta", name="referrer", content="no-referrer"),
            _tag("meta", name="robots", content="noindex"),
            _tag("title", f"{word}: Rollcall's night of {_long_day(day)}"),
            _tag("style", Html(_STYLE)),
        ),
        _tag(
            "body",
            _tag(
                "header",
                _tag("p", "Rollcall", class_="brand"),
                _tag("h1", "Nightly report, ", _tag("time", _long_day(day))),
            ),
            _tag("main", *(section(document) for section in sections)),
            _tag("footer", _tag("p", _PRIVATE)),
        ),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{page}\n"


_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_PRIVATE = (
    "This page holds names and photos of people: keep it as safe as the gallery itself. It loads "
    "nothing from anywhere. The same numbers are in the JSON file beside it."
)


# --- what the reader came for


def _verdict(document: Part) -> Html:
    outcome, tasks = _text(document, "outcome"), len(_tasks(document))
    must = f"There {_are(tasks, 'thing')} for you to do." if tasks else "You need to do nothing."
    return _tag(
        "section",
        _tag("p", _SIGNS.get(outcome, "\u2022"), class_="sign", aria_hidden="true"),
        _tag(
            "div",
            _tag("h2", _WORDS.get(outcome, "What happened"), id="verdict"),
            _tag("p", _happened(outcome, _text(document, "served")), class_="lead"),
            _maybe("p", "" if outcome == "promoted" else "Why: ", _sentence(_reason(document))),
            _tag("p", _tag("strong", must)),
        ),
        class_=f"verdict {outcome if outcome in _WORDS else 'skipped'}",
        aria_labelledby="verdict",
    )


def _reason(document: Part) -> str:
    """Without the outcome in front of it, which stands above it."""
    outcome = _text(document, "outcome")
    return _text(document, "reason").removeprefix(f"{outcome}:").strip()


_SIGNS = {"promoted": "\u2713", "refused": "\u2715", "skipped": "\u2013"}


def _happened(outcome: str, served: str) -> str:
    if outcome == "skipped":
        return "Nothing was learnt tonight. Recognition goes on as it was."
    if outcome == "promoted" and served == "imprint":
        return (
            "Tonight's people and photos count from now on: each person is recognised by the "
            "average of their photos."
        )
    if outcome == "promoted":
        return "What was learnt tonight passed its checks and is used from now on."
    if outcome == "refused" and served == "imprint":
        return (
            "What was learnt tonight is not used. Recognition goes on without it, and the new "
            "people are recognised all the same, by the average of their photos."
        )
    if outcome == "refused":
        return "What was learnt tonight is not used. Recognition goes on as it was."
    return "The night said nothing about its outcome."


def _to_do(document: Part) -> Html:
    tasks = _tasks(document)
    listed = _tag("ol", *(_tag("li", task) for task in tasks), class_="tasks")
    nothing = _tag("p", "Nothing. Nobody needs a new photo, nothing waits for you.")
    return _section("to-do", "What to do now", listed if tasks else nothing)


def _tasks(document: Part) -> list[Html]:
    """What somebody should do, the most useful first."""
    wanting = _rows(document, "needs_photos")
    photos = len(_rows(document, "disagreements"))
    failed = [_text(c, "name") for c in _rows(document, "checks") if _passed(c) is False]
    served = next((s for s in _rows(document, "states") if _serves(document, s)), {})
    few = _text(served, "promise") == "not_enough_data"
    tasks = [
        _task(
            f"Take new photos of {_count(len(wanting), 'person', 'people')}.",
            " Three or more, from different days and angles, help more than any setting.",
            _folded([_with_note(row, _text(row, "why")) for row in wanting]),
        )
        if wanting
        else None,
        _task(
            f"Look at {_count(photos, 'photo')}",
            " on which the old and the new answer differ. If one shows somebody else than it "
            "says, it was filed under the wrong person: replace it. ",
            _tag("a", "See the photos", href="#disagreements"),
        )
        if photos
        else None,
        _task(
            f"Show an engineer {'the check' if len(failed) == 1 else 'the checks'} that failed",
            f": {', '.join(failed)}. It is not urgent, recognition works. ",
            _tag("a", "See the checks", href="#checks"),
        )
        if failed
        else None,
        _task(
            "Enroll more people, or supply photos of strangers.",
            " There are too few to measure how often a stranger would be given a name; until "
            "then a careful default stands in.",
        )
        if few
        else None,
    ]
    return [task for task in tasks if task is not None]


def _task(request: str, *more: Inside) -> Html:
    return _joined(_tag("strong", request), *more)


def _changes(document: Part) -> Html:
    people = _part(document, "people")
    new, changed = _rows(people, "new"), _rows(people, "changed")
    first = not _served_before(document) and not new
    tiles = [
        ("people enrolled", _whole(people, "total")),
        ("photos of them", _whole(people, "photos")),
        ("new", "" if first else f"{len(new):,}"),
        ("with other photos", "" if first else f"{len(changed):,}"),
        ("gone", _whole(people, "gone")),
    ]
    return _section(
        "changes",
        "What changed",
        _facts(tiles, "tiles") if people else _tag("p", "Nothing is known about it."),
        _tag("p", "This was the first night: everybody is new to it.")
        if people and first
        else None,
        *_people("New people", new),
        *_people("People whose photos changed", changed),
    )


def _people(title: str, rows: Sequence[Part]) -> list[Html]:
    if not rows:
        return []
    counts = [_number(row, "photos") for row in rows]
    notes = ["" if n is None else _count(int(n), "photo") for n in counts]
    named = [_with_note(row, note) for row, note in zip(rows, notes, strict=True)]
    return [_tag("h3", title), _folded(named)]


def _with_note(row: Part, note: str) -> Html:
    return _joined(_bdi(_text(row, "name")), _maybe("span", " ", note))


def _served_before(document: Part) -> bool:
    """Whether there is anything to compare tonight with."""
    outcome, head = _text(document, "outcome"), _part(document, "head")
    return outcome == "skipped" or bool(_text(head, "previous_head_id"))


def _nothing_before(document: Part) -> str:
    """Why a comparison is missing, where that is why."""
    return "" if _served_before(document) else "nothing was served before tonight to compare with"


# --- the measurements, as tables


def _states(document: Part) -> Html:
    title = "How well people are recognised"
    states = _rows(document, "states")
    if not states:
        return _unmeasured(document, "states", title)
    serving = [_serves(document, state) for state in states]
    heads = [
        _joined(
            _tag("span", _text(state, "title") or _STATES.get(_text(state, "key"), "?")),
            _tag("span", "serves now", class_="badge") if serves else None,
        )
        for state, serves in zip(states, serving, strict=True)
    ]
    return _section(
        "states",
        title,
        _tag("p", _in_counts(states, serving)),
        _table(
            "Test photos, searched for as they would be at the door",
            ["Measure", *heads],
            [[_named(name, of), *(cell(s) for s in states)] for name, of, cell in _MEASURES],
            class_=f"states of{len(states)}",
            marked=serving.index(True) + 1 if any(serving) else None,
        ),
        _tag("p", _INTERVAL, class_="note"),
    )


_INTERVAL = (
    "95\u00a0% interval: with this many photos the true value lies in it 19 times out of 20. "
    "Fewer photos, wider interval."
)


def _serves(document: Part, state: Part) -> bool:
    key = _text(state, "key")
    return bool(key) and key == _text(document, "served")


def _in_counts(states: Sequence[Part], serving: Sequence[bool]) -> str:
    """The one comparison everybody asks for."""
    now = states[serving.index(True) if any(serving) else -1]
    others = [s for s in states if s is not now]
    other = next((s for s in others if _text(s, "key") == "before"), others[-1] if others else {})
    when = "before tonight" if _text(other, "key") == "before" else "with what was refused"
    said = [
        f"{_whole(s, 'right')} of {_whole(s, 'probes')} {words}"
        for s, words in ((now, "as it serves now"), (other, when))
        if _number(s, "probes")
    ]
    if not said:
        return "No photo could be set aside to test with, so nothing could be measured."
    return f"Test photos recognised right: {', '.join(said)}."


def _share(whole: Part, key: str, of: str, unit: str = "photo", why: str = "") -> Html:
    """A share of so many, with its interval where there is one.

    Args:
        of: the key of how many there are; of few the counts are said, not a percentage.
        why: it is not measured, where there are none.
    """
    value, n = _number(whole, key), _number(whole, of)
    if value is None:
        return _missing("" if n else why)
    if n is None:
        return _big(_percent(value, n))
    counted = abs(value * n - round(value * n)) < 1e-6 * max(n, 1)
    among = f"of {_count(int(n), unit, _PLURALS.get(unit))}"
    counts = f"{value * n:,.0f} {among}" if counted else among
    leading = _big(counts) if n < _FEW and counted else _big(_percent(value, n)) + _small(counts)
    return _joined(Html(leading), _small(_interval(whole.get(f"{key}_interval_95"), n)))


_PLURALS = {"search": "searches"}


def _interval(bounds: object, n: float) -> str:
    if not (isinstance(bounds, Sequence) and len(bounds) == 2 and all(map(_finite, bounds))):
        return ""
    low, high = _percent(bounds[0], n, math.floor), _percent(bounds[1], n, math.ceil)
    low = "" if low == high else f"{low.removesuffix(_PERCENT)}\u00a0to\u00a0"
    return f"95\u00a0%\u00a0interval {low}{high}"


def _strangers(state: Part) -> Html:
    upper = _number(state, "fpir_upper_95")
    bound = "" if upper is None else _percent(upper, _number(state, "stranger_searches"), math.ceil)
    return _joined(
        _share(state, "fpir", "stranger_searches", "search", "no stranger to test with"),
        _small(bound and f"at most {bound}, 95\u00a0% sure"),
    )


def _threshold(state: Part) -> Html:
    value = _number(state, "threshold")
    if value is None:
        return _missing("no operating point")
    promise = {"kept": "measured", "not_enough_data": "a default: not enough data"}
    return _joined(_big(f"{value:.3f}"), _small(promise.get(_text(state, "promise"), "")))


def _how_it_learnt(state: Part) -> Html:
    mode = _text(state, "mode")
    return _small(_MODES.get(mode, mode or _NOT_MEASURED))


def _people_known(state: Part) -> Html:
    return _big(_whole(state, "subjects") or _NOT_MEASURED)


def _time_taken(state: Part) -> Html:
    return _big(_duration(_number(state, "seconds")) or _NOT_MEASURED)


Measure = tuple[str, str, Callable[[Part], Html]]  # name, definition, how it is said
_NO_PHOTO = "no photo to test with"
_MEASURES: tuple[Measure, ...] = (
    ("People", "who can be recognised", _people_known),
    (
        "Accuracy",
        "share of test photos whose best candidate is the right person, however sure",
        partial(_share, key="accuracy", of="probes", why=_NO_PHOTO),
    ),
    (
        "Find rate",
        "share of test photos that are given the right name: right, and sure enough "
        "(TPIR, which is 1 \u2212 FNIR)",
        partial(_share, key="find_rate", of="probes", why=_NO_PHOTO),
    ),
    (
        "Strangers named",
        "share of searches for people who are not enrolled that give a name all the same (FPIR)",
        _strangers,
    ),
    (
        "Threshold",
        "how sure the best candidate must be to be named; below it the answer is unknown",
        _threshold,
    ),
    ("How it learnt", "", _how_it_learnt),
    ("Time", "to make and measure it", _time_taken),
)


def _checks(document: Part) -> Html:
    title = "The checks before anything goes live"
    checks = _rows(document, "checks")
    if not checks:
        return _unmeasured(document, "checks", title)
    failed, open_, passed = (
        [c for c in checks if _passed(c) is verdict] for verdict in (False, None, True)
    )
    counts = (len(passed), "passed"), (len(failed), "failed"), (len(open_), "not judged")
    return _section(
        "checks",
        title,
        _tag("p", _sentence(", ".join(f"{n} {word}" for n, word in counts if n))),
        _table(
            "What was made tonight goes live only if no check fails",
            ["Check", "Result", "Measured", "Limit"],
            [
                [
                    _named(_capital(_text(c, "name")), _ASKED.get(_text(c, "name"), "")),
                    _mark(_passed(c)),
                    _measured(c),
                    _text(c, "limit"),
                ]
                for c in (*failed, *open_, *passed)
            ],
            class_="stacked checks",
        ),
    )


_ASKED = {
    "integrity": "is the head whole, with one sound row for each person?",
    "strangers": "how often would a stranger be named?",
    "old people": "which photos of earlier people were right and would be wrong?",
    "agreement": "how many answers stay as they are?",
    "intrusion": "how often would an earlier person be taken for a new one?",
    "find rate": "is everybody still found as often?",
    "newcomers": "are the new people recognised?",
    "newcomers' own photos": "is each of them nearest to the person it shows?",
    "every single person": "is anybody lost, even where the average is better?",
    "calibration": "is what it is 90\u00a0% sure of right 9 times in 10?",
    "better than plain imprinting": "does training find more than the average of the photos?",
}


def _passed(check: Part) -> bool | None:
    passed = check.get("passed")
    return passed if isinstance(passed, bool) else None


def _measured(check: Part) -> Html:
    """The words say what would go wrong, so they stand where it would, or for want of a value."""
    value = _text(check, "value")
    words = _sentence(_text(check, "words"))
    needed = _passed(check) is False or not value
    return _tag("div", value or _NOT_MEASURED, _small(words if needed else ""))


def _mark(passed: bool | None) -> Html:
    kind, sign, word = _MARKS[passed]
    return _tag("span", _tag("span", sign, aria_hidden="true"), f" {word}", class_=f"mark {kind}")


_MARKS = {
    True: ("good", "\u2713", "passed"),
    False: ("bad", "\u2715", "failed"),
    None: ("open", "\u2013", "not judged"),
}


def _comparison(document: Part) -> Html:
    title = "Old and new answers, photo by photo"
    found = _part(document, "comparison")
    if not found:
        return _unmeasured(document, "comparison", title, _nothing_before(document))
    photos = _count(int(_number(found, "probes") or 0), "test photo")
    caption = f"Before tonight against what was made tonight, on {photos}"
    return _section("comparison", title, _pairs(caption, _COMPARED, found))


def _flips(found: Part, key: str) -> Html:
    count, n = _number(found, key), _number(found, "probes")
    if count is None:
        return _missing()
    share = f"{_percent(count / n, n)} of {n:,.0f}" if n and count else ""
    return _joined(_big(_count(int(count), "photo")), _small(share))


def _chance(found: Part) -> Html:
    p = _number(found, "mcnemar_p")
    if p is None or not any(_number(found, f"{kind}_flips") for kind in ("negative", "positive")):
        return _small("no answer became right or wrong")
    said = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    return _joined(_big("hardly" if p < 0.05 else "yes"), _small(said))


_COMPARED: tuple[Measure, ...] = (
    (
        "Same answer",
        "agreement: share of photos with the same first answer",
        partial(_share, key="agreement", of="probes"),
    ),
    ("Other answer", "churn: 1 \u2212 agreement", partial(_share, key="churn", of="probes")),
    ("Right before, wrong now", "negative flips", partial(_flips, key="negative_flips")),
    ("Wrong before, right now", "positive flips", partial(_flips, key="positive_flips")),
    (
        "Could that be chance?",
        "exact McNemar test: the probability p of flips at least this uneven if old and new were "
        "equally good; below 0.05 it hardly is chance",
        _chance,
    ),
    (
        "Named before, unknown now",
        "because less sure, or because the threshold rose",
        partial(_flips, key="known_to_unknown"),
    ),
    (
        "Taken for a new person",
        "intrusion: share of earlier people's photos that now get the name of somebody new",
        partial(_share, key="intrusion", of="probes"),
    ),
    (
        "New people recognised",
        "recall of the people who are new tonight",
        partial(
            _share, key="new_recall", of="new_probes", why="nobody new has a photo to test with"
        ),
    ),
    (
        "Earlier people recognised",
        "recall of everybody else",
        partial(_share, key="old_recall", of="probes", why="nobody was enrolled earlier"),
    ),
)


def _pairs(caption: str, measures: Iterable[Measure], part: Part) -> Html:
    rows = [[_named(name, definition), cell(part)] for name, definition, cell in measures]
    return _table(caption, ["Measure", "Value"], rows, class_="pairs")


# --- the measurements, as pictures


def _cohorts(document: Part) -> Html:
    title = "Are people who came earlier still recognised?"
    found = _part(document, "cohorts")
    days, nights = _strings(found, "cohorts"), _strings(found, "nights")
    cells = _cells(found, len(nights), len(days))
    forgetting = _forgetting(document)
    if not any(cell for night in cells for cell in night):
        why = "no test photo of any night so far"
        return _unmeasured(document, "cohorts", title, why, forgetting)
    maps = {
        pictures.WIDE: _heat(days, nights, cells, _NIGHTS),
        pictures.NARROW: _heat(days, nights, cells, _NIGHTS_NARROW),
    }
    heat = maps[pictures.WIDE]
    return _section(
        "cohorts",
        title,
        _figure(
            "Accuracy by the day people were added, in each of the last "
            f"{_count(len(heat.columns), 'night')}. The table below has the numbers.",
            lambda width: pictures.heat_map(maps[width], width),
            "A row is everybody who was added on one day, a column is a night, a cell says how "
            "many in a hundred of their test photos had the right best candidate that night "
            f"(R[t,\u2009j]; counts where there are fewer than {_FEW} photos). A row that turns "
            "paler to the right is being forgotten." + (_EARLIER if len(days) > _COHORTS else ""),
        ),
        _numbers(
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
    rates, counts = _lists(found, "accuracy"), _lists(found, "probes")

    def cell(night: int, cohort: int) -> Cell | None:
        rate, n = _at(rates, night, cohort), _at(counts, night, cohort)
        return None if rate is None or not n else (rate * n, n)

    return [[cell(night, cohort) for cohort in range(cohorts)] for night in range(nights)]


def _at(table: Sequence[Sequence[object]], row: int, column: int) -> float | None:
    try:
        value = table[row][column]
    except (IndexError, TypeError):
        return None
    return value if _finite(value) else None


def _heat(
    days: Sequence[str], nights: Sequence[str], cells: Sequence[Sequence[Cell | None]], most: int
) -> pictures.HeatMap:
    """The last nights and cohorts; all cohorts before those are one row."""
    first = max(len(nights) - most, 0)
    apart = max(len(days) - _COHORTS, 0)
    groups = ([range(apart)] if apart else []) + [range(j, j + 1) for j in range(apart, len(days))]
    names = ([f"{apart} earlier"] if apart else []) + [_short_day(day) for day in days[apart:]]
    table = [
        [_together(cells[night][j] for j in group) for night in range(first, len(nights))]
        for group in groups
    ]
    return pictures.HeatMap(
        rows=names,
        columns=[_short_day(night) for night in nights[first:]],
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
    if n < _FEW:
        return f"{right:.0f}/{n:.0f}"
    return _percent(right / n, min(n, 999)).removesuffix(_PERCENT).replace("over ", ">")


def _forgetting(document: Part) -> Html | None:
    found = _part(document, "forgetting")
    if all(_number(found, key) is None for key in ("forgetting", "bwt")):
        return _tag("p", "Forgetting is not measured: it needs a second night.", class_="note")
    nights = _lists(_part(document, "cohorts"), "probes")
    photos = sum(n for n in nights[-1] if _finite(n)) if nights else None
    counted = {**found, "photos": photos}
    return _pairs("Forgetting, over the cohorts before tonight's", _FORGOTTEN, counted)


def _points(found: Part, key: str, why: str = "it needs a second night", sign: str = "+") -> Html:
    """A difference of percentages is in points. sign: "+" shows one always, "-" where it is."""
    value, n = _number(found, key), _number(found, "photos")
    if value is None:
        return _missing(why)
    digits = _digits(n)
    last = 10.0**-digits
    text = f"{value * 100:{sign}.{digits}f}\u00a0points" if value else "0\u00a0points"
    if 0 < abs(value * 100) < last / 2:
        text = f"between 0 and {'-' if value < 0 else ''}{last:.{digits}f} points"
    text = text.replace("-", "\u2212")
    photos = "" if n is None else f"on {_count(int(n), 'photo')}"
    return _joined(_big(text), _small(photos))


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


def _shifts(document: Part) -> Html:
    title = "Who is recognised better or worse than before?"
    people = [p for p in map(_shift, _rows(document, "forgetting_per_person")) if p is not None]
    if not people and not _part(document, "comparison"):
        return _unmeasured(document, "shifts", title, _nothing_before(document))
    worse = sorted((p for p in people if p.after < p.before), key=lambda p: p.after - p.before)
    better = sorted((p for p in people if p.after > p.before), key=lambda p: p.before - p.after)
    if not worse and not better:
        nobody = "Nobody: for every person as many test photos are right as before."
        return _section("shifts", title, _tag("p", nobody))
    drawn = worse[:_WORSE] + better[:_BETTER]
    left_out = len(worse) + len(better) - len(drawn)
    said = f"{_count(len(worse), 'person', 'people')} worse, {len(better):,} better"
    return _section(
        "shifts",
        title,
        _tag("p", f"{said}; for everybody else as many test photos are right as before."),
        _figure(
            f"{said}. The table below has the numbers.",
            partial(pictures.shifts, drawn),
            "From the share of a person's test photos that were recognised before (ring) to the "
            "share now: down in orange is worse, up in blue is better."
            + (f" {left_out:,} more are in the table." if left_out else ""),
        ),
        _numbers(
            "Test photos recognised, by person",
            ["Person", "Before and after"],
            [[_bdi(p.name), p.words] for p in (worse + better)[:_TABLE_ROWS]],
            class_="pairs",
        ),
    )


def _shift(row: Part) -> pictures.Shift | None:
    shares, words = [], []
    for key in ("before", "after"):
        pair = row.get(key)
        if not (isinstance(pair, Sequence) and len(pair) == 2 and all(map(_finite, pair))):
            return None
        right, n = pair
        if not n:
            return None
        shares.append(right / n)
        words.append(f"{right:.0f} of {n:.0f}")
    return pictures.Shift(_text(row, "name"), shares[0], shares[1], " \u2192 ".join(words))


def _scores(document: Part) -> Html:
    title = "How well are colleagues and strangers told apart?"
    scores = _histograms(_part(document, "scores"))
    if scores is None:
        return _unmeasured(document, "scores", title, "too few searches")
    mated, nonmated = sum(scores.mated), sum(scores.nonmated)
    threshold = "" if scores.threshold is None else f" The threshold is {scores.threshold:.3f}."
    return _section(
        "scores",
        title,
        _figure(
            f"Confidence of {mated:,.0f} searches for colleagues and {nonmated:,.0f} for "
            f"strangers.{threshold}",
            partial(pictures.score_histograms, scores),
            f"{_count(int(mated), 'search', 'searches')} for people who are enrolled (mated) and "
            f"{nonmated:,.0f} for people who are not (non-mated), each group drawn to the same "
            "area. Right of the threshold a name is given, left of it the answer is unknown. The "
            "less the two overlap, the better.",
        ),
    )


def _histograms(found: Part) -> pictures.Scores | None:
    edges, mated, nonmated = (
        [float(x) for x in _list(found, key) if _finite(x)]
        for key in ("edges", "mated", "nonmated")
    )
    bins = len(edges) - 1
    fits = bins > 0 and len(mated) == len(nonmated) == bins and edges[0] < edges[-1]
    if not fits or not sum(mated) + sum(nonmated):
        return None
    threshold, before = _number(found, "threshold"), _number(found, "threshold_before")
    return pictures.Scores(edges, mated, nonmated, threshold, before)


def _cost(document: Part) -> Html:
    title = "What did the night cost?"
    cost = _part(document, "cost")
    tonight, full = _number(cost, "tonight_seconds"), _number(cost, "full_retrain_seconds")
    if tonight is None:
        return _unmeasured(document, "cost", title)
    note = _sentence(_text(cost, "note"))
    if full is None:
        said = f"Tonight: {_duration(tonight)}. A full retrain was {_NOT_MEASURED}."
        return _section("cost", title, _tag("p", said), _maybe("p", note, class_="note"))
    bars = [
        pictures.Bar("Tonight", tonight, _duration(tonight)),
        pictures.Bar("Training on everybody anew", full, _duration(full)),
    ]
    return _section(
        "cost",
        title,
        _figure(
            "; ".join(f"{bar.name}: {bar.words}" for bar in bars),
            partial(pictures.bars, bars),
            note,
        ),
    )


# --- photos to look at


def _disagreements(document: Part) -> Html:
    title = "Photos to look at"
    rows = _rows(document, "disagreements")
    if not rows:
        compared = bool(_part(document, "comparison"))
        none = "Old and new gave the same answer on every test photo." if compared else ""
        return _section("disagreements", title, _tag("p", none)) if none else Html()
    order = sorted(rows, key=lambda row: _VERDICTS.index(_verdict_on(row)))
    left_out = len(rows) - _CARDS
    return _section(
        "disagreements",
        title,
        _tag(
            "p",
            "On these test photos the old and the new answer differ; what got worse comes first. "
            "Is it the person it says? If not, replace the photo.",
        ),
        _tag("ul", *map(_card, order[:_CARDS]), class_="cards"),
        _tag("p", f"{left_out:,} more are in the JSON file.") if left_out > 0 else None,
    )


_VERDICTS = ("worse", "neither right", "different", "better")


def _verdict_on(row: Part) -> str:
    truth = _text(row, "truth")
    if not truth:
        return "different"
    before, after = _text(row, "before") == truth, _text(row, "after") == truth
    if before or after:
        return "different" if before and after else "worse" if before else "better"
    return "neither right"


def _card(row: Part) -> Html:
    truth, verdict = _text(row, "truth"), _verdict_on(row)
    name = _bdi(truth) if truth else "somebody who is not enrolled"
    return _tag(
        "li",
        _face(row.get("face"), truth),
        _tag(
            "div",
            _tag("p", _tag("span", "The photo of "), _tag("strong", name)),
            _tag(
                "dl",
                *_answer("before", row, "before", truth),
                *_answer("tonight", row, "after", truth),
            ),
            _tag("p", verdict, class_=f"badge {verdict.split()[0]}"),
        ),
    )


def _answer(when: str, row: Part, key: str, truth: str) -> list[Html]:
    name, score = _text(row, key), _number(row, f"score_{key}")
    right = bool(truth) and name == truth
    sure = "" if score is None else f" ({score:.2f})"
    return [
        _tag("dt", when),
        _tag(
            "dd",
            _bdi(name) if name else "unknown",
            sure,
            _tag("span", ", right" if right else ", wrong" if name and truth else ""),
        ),
    ]


def _face(base64: object, name: str) -> Html:
    """A crop is a JPEG in base64, which begins so; nothing else is put into an address."""
    if isinstance(base64, str) and re.fullmatch(r"/9j/[A-Za-z0-9+/]+={0,2}", base64):
        picture = f"data:image/jpeg;base64,{base64}"
        return _tag("img", src=picture, alt=f"Photo of {name or 'somebody'}")
    return _tag("p", "no picture kept", class_="no-face")


# --- for engineers


def _run(document: Part) -> Html:
    head, plan, seconds = (_part(document, key) for key in ("head", "plan", "seconds"))
    stages = [
        f"{stage} {_duration(_number(seconds, stage))}"
        for stage in ("plan", "train", "evaluate", "total")
        if _number(seconds, stage) is not None
    ]
    planned = [
        f"{name} {_duration(_number(plan, key))}"
        for name, key in (("estimated", "estimated_seconds"), ("allowed", "budget_seconds"))
        if _number(plan, key) is not None
    ]
    facts = [
        ("Run", _text(document, "run_id")),
        ("Started", _clock(_text(document, "started_at"))),
        ("Gallery", _text(document, "gallery")),
        ("Backbone", _text(document, "backbone")),
        ("How it learnt", _mode(document)),
        ("Plan", _sentence(_text(plan, "sentence"))),
        ("Planned time", ", ".join(planned)),
        ("Time taken", ", ".join(stages)),
        ("Head", _text(head, "head_id")),
        ("Head before", _text(head, "previous_head_id")),
    ]
    if not any(fact for _, fact in facts):
        return Html()
    return _section("run", "About this run", _facts(facts, "facts"))


def _mode(document: Part) -> str:
    mode = _text(document, "mode")
    return f"{mode}: {_MODES[mode]}" if mode in _MODES else mode


# --- pieces of a page


def _section(name: str, title: str, *inside: Inside) -> Html:
    heading = _tag("h2", title, id=f"{name}-title")
    return _tag("section", heading, *inside, id=name, aria_labelledby=f"{name}-title")


def _unmeasured(document: Part, name: str, title: str, why: str = "", *more: Html | None) -> Html:
    """A section without its numbers; none at all on a night when nothing was to be measured."""
    if _text(document, "outcome") == "skipped":
        return Html()
    said = f"{_NOT_MEASURED}: {why}" if why else f"{_NOT_MEASURED} tonight"
    return _section(name, title, _tag("p", _sentence(said), class_="note"), *more)


def _missing(why: str = "") -> Html:
    return _small(f"{_NOT_MEASURED}: {why}" if why else _NOT_MEASURED)


def _table(
    caption: str,
    heads: Sequence[Inside],
    rows: Sequence[Sequence[Inside]],
    class_: str,
    marked: int | None = None,
) -> Html:
    """Rows with a heading each. marked: the column to stand out.

    Roles are spelt out because telephones get these tables as blocks, and browsers that lay a
    table out as something else stop saying that it is one.
    """

    def mark(column: int) -> str | None:
        return "marked" if column == marked else None

    top = [
        _tag("th", head, scope="col", role="columnheader", class_=mark(i))
        for i, head in enumerate(heads)
    ]
    body = [
        _tag(
            "tr",
            _tag("th", row[0], scope="row", role="rowheader"),
            *(
                _tag("td", cell, role="cell", class_=mark(i), data_label=_plain(head))
                for i, (cell, head) in enumerate(zip(row[1:], heads[1:], strict=True), start=1)
            ),
            role="row",
        )
        for row in rows
    ]
    return _tag(
        "div",
        _tag(
            "table",
            _tag("caption", caption),
            _tag("thead", _tag("tr", *top, role="row"), role="rowgroup"),
            _tag("tbody", *body, role="rowgroup"),
            role="table",
            class_=class_,
        ),
        class_="table",
        **({"tabindex": "0", "role": "region", "aria_label": caption} if class_ == "grid" else {}),
    )


def _numbers(
    caption: str, heads: Sequence[Inside], rows: Sequence[Sequence[Inside]], class_: str
) -> Html:
    """A picture's numbers, for those who want them or cannot see it."""
    summary = _tag("summary", "The numbers of this picture")
    return _tag("details", summary, _table(caption, heads, rows, class_), class_="numbers")


def _figure(label: str, draw: Callable[[int], str], caption: str) -> Html:
    """label: the picture in words, for whoever cannot see it. draw: by its width."""
    sizes = (pictures.WIDE, "wide"), (pictures.NARROW, "narrow")
    return _tag(
        "figure",
        *(
            _tag("div", Html(draw(width)), role="img", aria_label=label, class_=name)
            for width, name in sizes
        ),
        _maybe("figcaption", caption),
    )


def _folded(names: Sequence[Html]) -> Html:
    """A list; what is beyond the first dozen opens on a tap."""
    first, rest = names[:_NAMES], names[_NAMES:]
    more = _tag("details", _tag("summary", f"and {len(rest):,} more"), _chips(rest))
    return _joined(_chips(first), more if rest else None)


def _chips(names: Sequence[Html]) -> Html:
    return _tag("ul", *(_tag("li", name) for name in names), class_="names")


def _facts(facts: Iterable[tuple[str, str]], class_: str) -> Html:
    """Names and what they are; those that are nothing are left out."""
    return _tag(
        "dl",
        *(_tag("div", _tag("dt", name), _tag("dd", fact)) for name, fact in facts if fact),
        class_=class_,
    )


def _named(name: str, definition: str) -> Html:
    return _joined(_tag("span", name), _small(definition))


def _big(text: str) -> Html:
    return _tag("span", text, class_="big")


def _small(text: str) -> Html:
    return _maybe("small", text)


def _bdi(name: str) -> Html:
    """A name runs in its own direction and leaves the rest of the line alone."""
    return _tag("bdi", name)


def _maybe(name: str, *inside: str, class_: str | None = None) -> Html:
    """Nothing where the last text, the one that varies, is empty."""
    return _tag(name, *inside, class_=class_) if inside[-1] else Html()


def _joined(*inside: Inside) -> Html:
    return Html("".join(map(_escaped, inside)))


_VOID = {"meta", "img", "br"}


def _tag(name: str, /, *inside: Inside, **attributes: str | None) -> Html:
    """An element. class_ is class, aria_label is aria-label; an attribute that is None is not."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{_joined(*inside)}</{name}>")


def _escaped(text: Inside) -> Html:
    if text is None:
        return Html()
    return text if isinstance(text, Html) else Html(html.escape(text))


def _plain(text: Inside) -> str | None:
    """What markup says, for a label."""
    if isinstance(text, Html):
        text = html.unescape(re.sub("<[^>]*>", " ", text))
    return " ".join(text.split()) if text else None


# --- numbers as people read them


_PERCENT = "\u00a0%"


def _digits(n: float | None) -> int:
    """Decimals of a percentage of n: one photo must count for more than the last digit."""
    return 0 if not n or n < 1_000 else 1 if n < 10_000 else 2


def _percent(rate: float, n: float | None, rounded: Callable[[float], float] = round) -> str:
    """Never 0 or 100 where it is not: then "under" and "over" say so. Bounds round outwards."""
    digits = _digits(n)
    scale = 10**digits
    # 0.29 * 100 is 28.999999999999996: bounds must not fall for that.
    value = rounded(round(rate * 100 * scale, 6)) / scale
    words = ""
    if rounded is round and 0 < rate < 1 and value in (0, 100):
        words = "over " if value else "under "
        value = value - 1 / scale if value else 1 / scale
    return f"{words}{value:.{digits}f}{_PERCENT}"


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _are(n: int, one: str) -> str:
    return f"{'is' if n == 1 else 'are'} {_count(n, one)}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 0.1:
        return "under 0.1\u00a0s"
    if seconds < 10:
        return f"{seconds:.1f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}\u00a0s"
    hours, minutes = divmod(minutes, 60)
    parts = (hours, "h"), (minutes, "min"), (0 if hours else rest, "s")
    return " ".join(f"{n}\u00a0{unit}" for n, unit in parts if n)


# Not strftime's: those are of the language of the process.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def _long_day(text: str) -> str:
    day = _day(text)
    if day is None:
        return text or "an unknown day"
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def _short_day(text: str) -> str:
    day = _day(text)
    return text if day is None else f"{day.day} {_MONTHS[day.month - 1][:3]}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _clock(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.tzinfo is None:
        return f"{at:%Y-%m-%d %H:%M}"
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _sentence(text: str) -> str:
    """With a capital and a full stop, as it stands on a page of its own."""
    text = _capital(text.strip())
    return text and text + ("" if text[-1] in ".!?:" else ".")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- reading the document, which may lack anything


def _part(whole: Part, key: str) -> Part:
    value = whole.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(whole: Part, key: str) -> Sequence[Any]:
    value = whole.get(key)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _rows(whole: Part, key: str) -> list[Part]:
    return [row for row in _list(whole, key) if isinstance(row, Mapping)]


def _lists(whole: Part, key: str) -> list[Sequence[Any]]:
    return [row if isinstance(row, Sequence) else () for row in _list(whole, key)]


def _strings(whole: Part, key: str) -> list[str]:
    return [_clean(value) for value in _list(whole, key)]


def _text(whole: Part, key: str) -> str:
    return _clean(whole.get(key))


def _clean(value: object) -> str:
    return _UNPRINTABLE.sub("\ufffd", value) if isinstance(value, str) else ""


# What HTML forbids or UTF-8 cannot write (control characters, halves of surrogate pairs), and
# what turns the rest of a line around.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def _number(whole: Part, key: str | None) -> float | None:
    value = whole.get(key) if key else None
    return value if _finite(value) else None


def _whole(whole: Part, key: str) -> str:
    value = _number(whole, key)
    return "" if value is None else f"{value:,.0f}"


def _finite(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_STYLE = """
:root {
  --page: #f4f6f8; --card: #ffffff; --ink: #1a212a; --muted: #57626f; --line: #d9dfe6;
  --new: #1f5fbf; --old: #8794a3; --good: #0b7040; --bad: #b1470a; --link: #1a55ad;
  --good-tint: #e6f4ec; --bad-tint: #fdeee3; --open-tint: #ebeff3; --new-tint: #eaf1fb;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #0f1419; --card: #181f27; --ink: #e8edf2; --muted: #a1adba; --line: #323c47;
    --new: #7fb0ff; --old: #7b8896; --good: #58c88f; --bad: #ff9f5f; --link: #8fb9ff;
    --good-tint: #12301f; --bad-tint: #38220f; --open-tint: #242d37; --new-tint: #1a2a44;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; padding: 1.5rem 1rem 3rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
header, main, footer { max-width: 57rem; margin: 0 auto; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .75rem; }
h1 { font-size: 1.05rem; font-weight: 500; margin: 0; color: var(--muted); min-width: 0; }
.brand { margin: 0; font-weight: 700; font-size: 1.05rem; letter-spacing: .01em; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .6rem; text-wrap: balance; }
h3 { font-size: 1rem; margin: 1.25rem 0 .4rem; }
p { margin: 0 0 .75rem; max-width: 42rem; text-wrap: pretty; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--new); outline-offset: 2px; border-radius: 3px; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: 1.35rem 1.5rem 1.1rem; margin: 1rem 0; scroll-margin-top: 1rem;
}
section > :last-child, section > :last-child > :last-child { margin-bottom: .25rem; }
small, .note, figcaption { font-size: .85rem; line-height: 1.45; color: var(--muted); }
small { display: block; font-weight: 400; }

.verdict { display: flex; gap: 1.25rem; padding: 1.6rem 1.5rem; border-width: 2px; }
.verdict h2 { font-size: 2.5rem; line-height: 1; letter-spacing: -.02em; margin: .2rem 0 .7rem; }
.verdict .lead { font-size: 1.15rem; line-height: 1.45; }
.verdict .sign {
  flex: none; width: 3rem; height: 3rem; margin: 0; border-radius: 50%; display: grid;
  place-items: center; font-size: 1.6rem; font-weight: 700; color: var(--card);
}
.promoted { background: var(--good-tint); border-color: var(--good); }
.promoted h2 { color: var(--good); } .promoted .sign { background: var(--good); }
.refused { background: var(--bad-tint); border-color: var(--bad); }
.refused h2 { color: var(--bad); } .refused .sign { background: var(--bad); }
.skipped { background: var(--open-tint); border-color: var(--old); }
.skipped .sign { background: var(--muted); }

.tasks { margin: 0; padding-left: 1.4rem; }
.tasks > li { margin: 0 0 .9rem; padding-left: .3rem; max-width: 46rem; }
.tasks > li::marker { font-weight: 700; color: var(--muted); }
.names {
  list-style: none; margin: .5rem 0; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem;
}
.names li {
  background: var(--open-tint); border-radius: 8px; padding: .2rem .65rem; max-width: 100%;
}
.names bdi { font-weight: 600; }
.names span { color: var(--muted); font-size: .9rem; }
details { margin: .25rem 0 .75rem; }
summary { cursor: pointer; color: var(--link); font-size: .95rem; padding: .35rem 0; }

.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem;
  margin: 0 0 1rem;
}
.tiles div { display: flex; flex-direction: column-reverse; }
.tiles dt { color: var(--muted); font-size: .9rem; }
.tiles dd { margin: 0; font-size: 1.7rem; font-weight: 650; line-height: 1.2; }

.table { margin: 0 0 .75rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); font-size: .9rem; padding-bottom: .5rem; }
th, td {
  text-align: left; vertical-align: top; padding: .6rem .75rem; border-top: 1px solid var(--line);
}
thead th {
  border-top: 0; font-size: .85rem; line-height: 1.3; vertical-align: bottom; color: var(--muted);
}
tbody th { font-weight: 600; }
th:first-child { padding-left: 0; }
td:last-child { padding-right: 0; }
.states, .checks, .pairs { table-layout: fixed; }
.checks th:first-child { width: 33%; } .checks th:nth-child(2) { width: 14%; }
.states th:first-child { width: 34%; }
.states thead span { display: block; } .states thead .badge { width: fit-content; }
.states thead th { color: var(--ink); font-size: .95rem; }
.states .marked { background: var(--new-tint); padding-right: .75rem; }
.states thead .marked { border-radius: 10px 10px 0 0; }
.states tr:last-child .marked { border-radius: 0 0 10px 10px; }
.big { font-size: 1.1rem; font-weight: 600; }
.badge {
  display: inline-block; margin: .2rem 0 0; padding: .05rem .55rem; border-radius: 99px;
  font-size: .78rem; font-weight: 600; background: var(--new); color: var(--card);
}
.pairs th { width: 62%; }
.mark { font-weight: 650; white-space: nowrap; }
.mark.good { color: var(--good); }
.mark.bad { color: var(--bad); }
.mark.open { color: var(--muted); }
.grid { width: auto; font-size: .85rem; }
.grid th, .grid td { padding: .3rem .55rem; white-space: nowrap; }
.grid td { text-align: right; }
.table:has(.grid) { overflow-x: auto; }

figure { margin: .25rem 0 .75rem; overflow: clip; }
figcaption { max-width: 42rem; margin-top: .5rem; }
svg {
  display: block; width: 100%; height: auto; fill: currentColor; stroke-linejoin: round;
  overflow: visible;
}
svg text { stroke: none; }
.narrow { display: none; max-width: 27rem; }

.cards {
  list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr));
}
.cards li {
  display: flex; gap: .9rem; border: 1px solid var(--line); border-radius: 12px; padding: .75rem;
}
.cards li > div { min-width: 0; }
.cards img, .no-face {
  flex: none; width: 104px; height: 104px; border-radius: 9px; object-fit: cover; margin: 0;
  background: var(--open-tint);
}
.no-face {
  display: grid; place-items: center; text-align: center; font-size: .8rem; color: var(--muted);
  padding: .5rem;
}
.cards p { margin: 0; line-height: 1.35; }
.cards p span { color: var(--muted); font-size: .85rem; }
.cards dl {
  display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 .6rem; margin: .3rem 0;
  font-size: .9rem;
}
.cards dt { color: var(--muted); }
.cards dd { margin: 0; min-width: 0; }
.cards dd span { color: var(--muted); }
.cards .badge { background: var(--open-tint); color: var(--ink); }
.cards .worse { background: var(--bad-tint); color: var(--bad); }
.cards .better { background: var(--new-tint); color: var(--link); }

.facts { margin: 0; }
.facts div {
  display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: 1rem; padding: .3rem 0;
  border-top: 1px solid var(--line);
}
.facts dt { color: var(--muted); } .facts dd { margin: 0; min-width: 0; }
footer p { color: var(--muted); font-size: .85rem; margin: 1.25rem 0 0; }

@media screen and (max-width: 640px) {
  body { padding: 1rem .6rem 2rem; }
  section { padding: 1.1rem 1rem .9rem; border-radius: 12px; }
  .verdict { display: block; padding: 1.1rem 1rem; }
  .verdict .sign {
    float: left; width: 2.3rem; height: 2.3rem; font-size: 1.25rem; margin-right: .75rem;
  }
  .verdict h2 { font-size: 2.1rem; margin: .05rem 0 1rem; }
  .wide { display: none; } .narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .facts div { grid-template-columns: 1fr; gap: 0; }
  .stacked, .stacked tbody, .stacked tr, .stacked th, .stacked td, .stacked caption {
    display: block; width: auto;
  }
  .stacked thead {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .stacked tr { border-top: 1px solid var(--line); padding: .7rem 0; }
  .stacked tr > * { border: 0; padding: .1rem 0; }
  .stacked tr > :first-child { width: auto; }
  .stacked td { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); gap: .5rem; }
  .stacked td > * { grid-column: 2; min-width: 0; }
  .stacked td::before { content: attr(data-label); color: var(--muted); }
  .states, .states thead, .states tbody, .states caption { display: block; }
  .states tr { display: grid; grid-template-columns: repeat(var(--of, 3), minmax(0, 1fr)); }
  .of1 { --of: 1; } .of2 { --of: 2; }
  .states th:first-child { grid-column: 1 / -1; width: auto; padding: .7rem 0 .3rem; }
  .states thead th:first-child { display: none; }
  .states thead th, .states td { padding: .35rem .4rem; }
  .states td { border: 0; } .states .marked { padding: .35rem .4rem; border-radius: 8px; }
  .states thead th { font-size: .8rem; vertical-align: top; }
  .pairs th { width: 58%; }
}
@media print {
  @page { margin: 14mm; }
  :root { --page: #fff; }
  body {
    padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact;
  }
  section { border-radius: 0; border-width: 0 0 1px; padding: .6rem 0; margin: .4rem 0; }
  section, figure, tr, .cards li, .tasks > li { break-inside: avoid; }
  .verdict { border-width: 2px; border-radius: 8px; padding: 1rem; }
  th, td { padding-top: .35rem; padding-bottom: .35rem; }
  h2, h3, caption { break-after: avoid; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  summary { list-style: none; color: var(--ink); }
  .numbers { display: none; }
  a { color: inherit; text-decoration: none; }
}
"""
