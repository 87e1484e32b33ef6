"""What the nightly report's reader came for: the outcome, what to do, what changed."""

from collections.abc import Sequence

from enrollment import report_reading as read
from enrollment.report_numbers import are, count, sentence
from enrollment.report_page import Html, Inside, bdi, facts, folded, joined, maybe, section, tag
from enrollment.report_reading import Part
from enrollment.report_words import OUTCOMES


def verdict(document: Part) -> Html:
    outcome, tasks = read.text(document, "outcome"), len(_tasks(document))
    must = f"There {are(tasks, 'thing')} for you to do." if tasks else "You need to do nothing."
    return tag(
        "section",
        tag("p", _SIGNS.get(outcome, "\u2022"), class_="sign", aria_hidden="true"),
        tag(
            "div",
            tag("h2", OUTCOMES.get(outcome, "What happened"), id="verdict"),
            tag("p", _happened(outcome, read.text(document, "served")), class_="lead"),
            maybe("p", "" if outcome == "promoted" else "Why: ", sentence(_reason(document))),
            tag("p", tag("strong", must)),
        ),
        class_=f"verdict {outcome if outcome in OUTCOMES else 'skipped'}",
        aria_labelledby="verdict",
    )


def _reason(document: Part) -> str:
    """Without the outcome in front of it, which stands above it."""
    outcome = read.text(document, "outcome")
    return read.text(document, "reason").removeprefix(f"{outcome}:").strip()


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


def to_do(document: Part) -> Html:
    tasks = _tasks(document)
    listed = tag("ol", *(tag("li", task) for task in tasks), class_="tasks")
    nothing = tag("p", "Nothing. Nobody needs a new photo, nothing waits for you.")
    return section("to-do", "What to do now", listed if tasks else nothing)


def _tasks(document: Part) -> list[Html]:
    """What somebody should do, the most useful first."""
    wanting = read.rows(document, "needs_photos")
    photos = len(read.rows(document, "disagreements"))
    failed = [
        read.text(c, "name") for c in read.rows(document, "checks") if read.passed(c) is False
    ]
    served = next((s for s in read.rows(document, "states") if read.serves(document, s)), {})
    few = read.text(served, "promise") == "not_enough_data"
    tasks = [
        _task(
            f"Take new photos of {count(len(wanting), 'person', 'people')}.",
            " Three or more, from different days and angles, help more than any setting.",
            folded([_with_note(row, read.text(row, "why")) for row in wanting]),
        )
        if wanting
        else None,
        _task(
            f"Look at {count(photos, 'photo')}",
            " on which the old and the new answer differ. If one shows somebody else than it "
            "says, it was filed under the wrong person: replace it. ",
            tag("a", "See the photos", href="#disagreements"),
        )
        if photos
        else None,
        _task(
            f"Show an engineer {'the check' if len(failed) == 1 else 'the checks'} that failed",
            f": {', '.join(failed)}. It is not urgent, recognition works. ",
            tag("a", "See the checks", href="#checks"),
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
    return joined(tag("strong", request), *more)


def changes(document: Part) -> Html:
    people = read.part(document, "people")
    new, changed = read.rows(people, "new"), read.rows(people, "changed")
    first = not read.served_before(document) and not new
    tiles = [
        ("people enrolled", read.whole_number(people, "total")),
        ("photos of them", read.whole_number(people, "photos")),
        ("new", "" if first else f"{len(new):,}"),
        ("with other photos", "" if first else f"{len(changed):,}"),
        ("gone", read.whole_number(people, "gone")),
    ]
    return section(
        "changes",
        "What changed",
        facts(tiles, "tiles") if people else tag("p", "Nothing is known about it."),
        tag("p", "This was the first night: everybody is new to it.") if people and first else None,
        *_people("New people", new),
        *_people("People whose photos changed", changed),
    )


def _people(title: str, rows: Sequence[Part]) -> list[Html]:
    if not rows:
        return []
    counts = [read.number(row, "photos") for row in rows]
    notes = ["" if n is None else count(int(n), "photo") for n in counts]
    named = [_with_note(row, note) for row, note in zip(rows, notes, strict=True)]
    return [tag("h3", title), folded(named)]


def _with_note(row: Part, note: str) -> Html:
    return joined(bdi(read.text(row, "name")), maybe("span", " ", note))
