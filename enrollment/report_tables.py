"""The nightly report's measurements told as tables: states, checks, old and new answers."""

import math
from collections.abc import Sequence
from functools import partial

from enrollment import report_reading as read
from enrollment.report_numbers import FEW, PERCENT, capital, count, duration, percent, sentence
from enrollment.report_page import (
    Html,
    Measure,
    big,
    joined,
    missing,
    named,
    pairs,
    section,
    small,
    table,
    tag,
    unmeasured,
)
from enrollment.report_reading import Part
from enrollment.report_words import MODES, NOT_MEASURED, STATES


def states(document: Part) -> Html:
    title = "How well people are recognised"
    found = read.rows(document, "states")
    if not found:
        return unmeasured(document, "states", title)
    serving = [read.serves(document, state) for state in found]
    heads = [
        joined(
            tag("span", read.text(state, "title") or STATES.get(read.text(state, "key"), "?")),
            tag("span", "serves now", class_="badge") if serves else None,
        )
        for state, serves in zip(found, serving, strict=True)
    ]
    return section(
        "states",
        title,
        tag("p", _in_counts(found, serving)),
        table(
            "Test photos, searched for as they would be at the door",
            ["Measure", *heads],
            [[named(name, of), *(cell(s) for s in found)] for name, of, cell in _MEASURES],
            class_=f"states of{len(found)}",
            marked=serving.index(True) + 1 if any(serving) else None,
        ),
        tag("p", _INTERVAL, class_="note"),
    )


_INTERVAL = (
    "95\u00a0% interval: with this many photos the true value lies in it 19 times out of 20. "
    "Fewer photos, wider interval."
)


def _in_counts(states: Sequence[Part], serving: Sequence[bool]) -> str:
    """The one comparison everybody asks for."""
    now = states[serving.index(True) if any(serving) else -1]
    others = [s for s in states if s is not now]
    other = next(
        (s for s in others if read.text(s, "key") == "before"), others[-1] if others else {}
    )
    when = "before tonight" if read.text(other, "key") == "before" else "with what was refused"
    said = [
        f"{read.whole_number(s, 'right')} of {read.whole_number(s, 'probes')} {words}"
        for s, words in ((now, "as it serves now"), (other, when))
        if read.number(s, "probes")
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
    value, n = read.number(whole, key), read.number(whole, of)
    if value is None:
        return missing("" if n else why)
    if n is None:
        return big(percent(value, n))
    counted = abs(value * n - round(value * n)) < 1e-6 * max(n, 1)
    among = f"of {count(int(n), unit, _PLURALS.get(unit))}"
    counts = f"{value * n:,.0f} {among}" if counted else among
    leading = big(counts) if n < FEW and counted else big(percent(value, n)) + small(counts)
    return joined(Html(leading), small(_interval(whole.get(f"{key}_interval_95"), n)))


_PLURALS = {"search": "searches"}


def _interval(bounds: object, n: float) -> str:
    if not (isinstance(bounds, Sequence) and len(bounds) == 2 and all(map(read.finite, bounds))):
        return ""
    low, high = percent(bounds[0], n, math.floor), percent(bounds[1], n, math.ceil)
    low = "" if low == high else f"{low.removesuffix(PERCENT)}\u00a0to\u00a0"
    return f"95\u00a0%\u00a0interval {low}{high}"


def _strangers(state: Part) -> Html:
    upper = read.number(state, "fpir_upper_95")
    bound = (
        "" if upper is None else percent(upper, read.number(state, "stranger_searches"), math.ceil)
    )
    return joined(
        _share(state, "fpir", "stranger_searches", "search", "no stranger to test with"),
        small(bound and f"at most {bound}, 95\u00a0% sure"),
    )


def _threshold(state: Part) -> Html:
    value = read.number(state, "threshold")
    if value is None:
        return missing("no operating point")
    promise = {"kept": "measured", "not_enough_data": "a default: not enough data"}
    return joined(big(f"{value:.3f}"), small(promise.get(read.text(state, "promise"), "")))


def _how_it_learnt(state: Part) -> Html:
    mode = read.text(state, "mode")
    return small(MODES.get(mode, mode or NOT_MEASURED))


def _people_known(state: Part) -> Html:
    return big(read.whole_number(state, "subjects") or NOT_MEASURED)


def _time_taken(state: Part) -> Html:
    return big(duration(read.number(state, "seconds")) or NOT_MEASURED)


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


def checks(document: Part) -> Html:
    title = "The checks before anything goes live"
    found = read.rows(document, "checks")
    if not found:
        return unmeasured(document, "checks", title)
    failed, open_, passed = (
        [c for c in found if read.passed(c) is verdict] for verdict in (False, None, True)
    )
    counts = (len(passed), "passed"), (len(failed), "failed"), (len(open_), "not judged")
    return section(
        "checks",
        title,
        tag("p", sentence(", ".join(f"{n} {word}" for n, word in counts if n))),
        table(
            "What was made tonight goes live only if no check fails",
            ["Check", "Result", "Measured", "Limit"],
            [
                [
                    named(capital(read.text(c, "name")), _ASKED.get(read.text(c, "name"), "")),
                    _mark(read.passed(c)),
                    _measured(c),
                    read.text(c, "limit"),
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


def _measured(check: Part) -> Html:
    """The words say what would go wrong, so they stand where it would, or for want of a value."""
    value = read.text(check, "value")
    words = sentence(read.text(check, "words"))
    needed = read.passed(check) is False or not value
    return tag("div", value or NOT_MEASURED, small(words if needed else ""))


def _mark(passed: bool | None) -> Html:
    kind, sign, word = _MARKS[passed]
    return tag("span", tag("span", sign, aria_hidden="true"), f" {word}", class_=f"mark {kind}")


_MARKS = {
    True: ("good", "\u2713", "passed"),
    False: ("bad", "\u2715", "failed"),
    None: ("open", "\u2013", "not judged"),
}


def comparison(document: Part) -> Html:
    title = "Old and new answers, photo by photo"
    found = read.part(document, "comparison")
    if not found:
        return unmeasured(document, "comparison", title, read.nothing_before(document))
    photos = count(int(read.number(found, "probes") or 0), "test photo")
    caption = f"Before tonight against what was made tonight, on {photos}"
    return section("comparison", title, pairs(caption, _COMPARED, found))


def _flips(found: Part, key: str) -> Html:
    flips, n = read.number(found, key), read.number(found, "probes")
    if flips is None:
        return missing()
    share = f"{percent(flips / n, n)} of {n:,.0f}" if n and flips else ""
    return joined(big(count(int(flips), "photo")), small(share))


def _chance(found: Part) -> Html:
    p = read.number(found, "mcnemar_p")
    if p is None or not any(
        read.number(found, f"{kind}_flips") for kind in ("negative", "positive")
    ):
        return small("no answer became right or wrong")
    said = "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
    return joined(big("hardly" if p < 0.05 else "yes"), small(said))


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
