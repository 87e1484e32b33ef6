"""What photos are good for, in numbers."""

import streamlit as st

from app.visit import Visit
from enrollment.outlook import OFF_BY, Outlook

_NEARLY_ALL = 0.99


def show_outlook(visit: Visit, outlook: Outlook) -> None:
    """How often the person will be found, what one more photo brings, who is near, what lacks."""
    say, language = visit.say, visit.language
    facts = []
    if outlook.find_rate is None:
        found = say("nobody can say yet")
    else:
        found = share(visit, outlook.find_rate)
    facts.append((say("Will be found"), found))
    if outlook.with_one_more is not None:
        facts.append((say("With one more photo"), share(visit, outlook.with_one_more)))
    if outlook.nearest_name is not None and outlook.likeness is not None:
        near = f"{outlook.nearest_name} ({language.number(outlook.likeness, 2)})"
        facts.append((say("Nearest colleague, and likeness"), near))
    missing = language.tell_all(outlook.missing) or say("none")
    facts.append((say("Missing views"), missing))
    with st.container(horizontal=True):
        for label, value in facts:
            with st.container(width="content", gap=None):
                st.caption(label)
                st.text(value)
    st.caption(_range(visit, outlook))


def share(visit: Visit, rate: float) -> str:
    """A rate that is not known to a hair."""
    if rate > _NEARLY_ALL:
        return visit.say("more than {share}", share=visit.language.percent(_NEARLY_ALL, 0))
    return visit.say("about {share}", share=visit.language.percent(rate, 0))


def _range(visit: Visit, outlook: Outlook) -> str:
    if outlook.find_rate is None:
        return visit.say(
            "How often somebody will be found can be said from ten people with two photos each on."
        )
    low, high = max(outlook.find_rate - OFF_BY, 0.0), min(outlook.find_rate + OFF_BY, 1.0)
    return visit.say(
        "Of good pictures at the door. For one person this is off by {off} points on average: "
        "{low} to {high}.",
        off=visit.language.number(100 * OFF_BY),
        low=visit.language.percent(low, 0),
        high=visit.language.percent(high, 0),
    )
