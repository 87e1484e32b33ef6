"""What happened tonight, on one page: for whoever looks after the people, then for an engineer.

The page stands alone. It asks nobody for anything, needs no script, and forbids both (its content
security policy), because names and photos are in it. Texts of the document become markup in one
place, `report_page.tag`, which escapes them.

Definitions are those of the research on heads, ISO/IEC 19795-1 and its kin; each stands beside
its number. A rate has no more digits than its count supports, and a small one is told in counts.
"""

from enrollment import report_reading as read
from enrollment.report_charts import cohorts, cost, scores, shifts
from enrollment.report_numbers import long_day
from enrollment.report_page import page, tag
from enrollment.report_photos import disagreements
from enrollment.report_reading import Part
from enrollment.report_run import run
from enrollment.report_tables import checks, comparison, states
from enrollment.report_verdict import changes, to_do, verdict
from enrollment.report_words import OUTCOMES


def render(document: Part) -> str:
    """The report as one HTML page.

    Args:
        document: what the night wrote, as JSON has it. A key may be missing, None or empty: the
            page then says that it was not measured, and why where that is known.
    """
    word, day = OUTCOMES.get(read.text(document, "outcome"), "Report"), read.text(document, "day")
    sections = (
        verdict,
        to_do,
        changes,
        states,
        checks,
        comparison,
        cohorts,
        shifts,
        scores,
        cost,
        disagreements,
        run,
    )
    heading = tag("h1", "Nightly report, ", tag("time", long_day(day)))
    title = f"{word}: Rollcall's night of {long_day(day)}"
    return page(title, heading, (section(document) for section in sections), _PRIVATE)


_PRIVATE = (
    "This page holds names and photos of people: keep it as safe as the gallery itself. It loads "
    "nothing from anywhere. The same numbers are in the JSON file beside it."
)
