"""What was learnt at night: the last runs, their reports, the versions of the head."""

from collections.abc import Sequence

import streamlit as st

from app.night_facts import NightFacts, facts_of
from app.night_heads import show_heads
from app.night_run import show_run
from app.night_verdict import show_night, summary
from app.night_words import mode_word, outcome_word
from app.plain import plain
from app.visit import Visit

_AT_ONCE = 30
_SHOWN = "nightly-shown"
_HEIGHT = 720  # px, of a report; it scrolls inside
_COLOURS = {"promoted": ("green", "check"), "refused": ("orange", "front_hand")}


def show(visit: Visit) -> None:
    say = visit.say
    st.title(say("Nightly"))
    shown = st.session_state.setdefault(_SHOWN, _AT_ONCE)
    nights, total = visit.service.nights_page(0, shown)
    facts = [facts_of(n.day, n.state, n.started_at, n.details) for n in nights]
    finished = [night for night in nights if night.state == "finished"]
    if not nights:
        _show_purpose(visit)
    elif finished:
        newest = next(fact for fact in facts if fact.day == finished[0].day)
        st.subheader(say("The night of {day}", day=_day(visit, newest)))
        show_night(visit, newest, visit.service.night_document(finished[0]))
    show_run(visit, visit.service.night_process())
    show_heads(visit)
    if finished:
        _show_list(visit, facts, total)
        st.subheader(say("Report"))
        by_day = {night.day: night for night in finished}
        days = {fact.day: _day(visit, fact) for fact in facts}
        chosen = st.selectbox(
            say("Night"), list(by_day), format_func=lambda day: days[day], key="nightly-report"
        )
        _show_report(visit, chosen, visit.service.night_page(by_day[chosen]))


def _show_purpose(visit: Visit) -> None:
    st.info(
        visit.say(
            "No night has been run yet. A night looks at who came, who went and which photos were "
            "added, learns from it, measures what it learnt on photos that were held back, and "
            "lets it serve only if nothing got worse. Until then the means of the photos serve."
        ),
        icon=":material/bedtime:",
    )
    st.text(
        visit.say(
            "rollcall serve runs it by itself at 02:00 UTC, or at --nightly-at HH:MM; without the "
            "server, cron runs rollcall nightly."
        )
    )
    if not visit.service.count():
        st.text(visit.say("Nobody is enrolled, so there is nothing to learn: enroll people first."))


def _show_list(visit: Visit, facts: Sequence[NightFacts], total: int) -> None:
    say, language = visit.say, visit.language
    st.subheader(say("Last runs"))
    st.table(
        [
            {
                say("Day"): plain(_day(visit, night)),
                say("Outcome"): _badge(visit, night.outcome),
                say("How"): plain(mode_word(language, night.mode)) or plain("-"),
                say("Why"): plain(summary(visit, night)),
                say("Seconds"): "" if night.seconds is None else language.number(night.seconds, 1),
                say("People"): "" if night.people is None else language.number(night.people),
            }
            for night in facts
        ],
        hide_index=True,
    )
    if total > len(facts):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(
                say(
                    "{shown} of {total} nights",
                    shown=language.number(len(facts)),
                    total=language.number(total),
                )
            )
            if st.button(say("Show more nights"), icon=":material/expand_more:"):
                st.session_state[_SHOWN] += _AT_ONCE
                st.rerun()


def _show_report(visit: Visit, day: str, page: str | None) -> None:
    say = visit.say
    if page is None:
        st.info(
            say(
                "The report of this night is gone. A report goes when somebody whom it names is "
                "erased; the numbers above stay."
            ),
            icon=":material/delete:",
        )
        return
    st.caption(
        say("It is in English, and holds names and faces: whoever has the file can read them.")
    )
    st.download_button(
        say("Download the report"),
        page,
        file_name=f"rollcall-{day}.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
    )
    # The page forbids itself to load or run anything: see its Content-Security-Policy.
    st.iframe(page, height=_HEIGHT, alt=say("Report of the night of {day}", day=day))


def _badge(visit: Visit, outcome: str) -> str:
    colour, icon = _COLOURS.get(outcome, ("gray", "hourglass"))
    return f":{colour}-badge[:material/{icon}: {plain(outcome_word(visit.language, outcome))}]"


def _day(visit: Visit, night: NightFacts) -> str:
    """A night belongs to a UTC day, wherever the reader is."""
    return visit.language.calendar_day(night.day)
