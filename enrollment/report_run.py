"""What an engineer asks of a night: which run, which heads, how long it took."""

from enrollment import report_reading as read
from enrollment.report_numbers import clock, duration, sentence
from enrollment.report_page import Html, facts, section
from enrollment.report_reading import Part
from enrollment.report_words import MODES


def run(document: Part) -> Html:
    head, plan, seconds = (read.part(document, key) for key in ("head", "plan", "seconds"))
    stages = [
        f"{stage} {duration(read.number(seconds, stage))}"
        for stage in ("plan", "train", "evaluate", "total")
        if read.number(seconds, stage) is not None
    ]
    planned = [
        f"{name} {duration(read.number(plan, key))}"
        for name, key in (("estimated", "estimated_seconds"), ("allowed", "budget_seconds"))
        if read.number(plan, key) is not None
    ]
    known = [
        ("Run", read.text(document, "run_id")),
        ("Started", clock(read.text(document, "started_at"))),
        ("Gallery", read.text(document, "gallery")),
        ("Backbone", read.text(document, "backbone")),
        ("How it learnt", _mode(document)),
        ("Plan", sentence(read.text(plan, "sentence"))),
        ("Planned time", ", ".join(planned)),
        ("Time taken", ", ".join(stages)),
        ("Head", read.text(head, "head_id")),
        ("Head before", read.text(head, "previous_head_id")),
    ]
    if not any(fact for _, fact in known):
        return Html()
    return section("run", "About this run", facts(known, "facts"))


def _mode(document: Part) -> str:
    mode = read.text(document, "mode")
    return f"{mode}: {MODES[mode]}" if mode in MODES else mode
