"""One night in full: what came of it and why, and champion against challenger in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app.night_facts import NightFacts, number_of
from app.night_words import check_word, mode_word, outcome_word, remedy
from app.plain import plain, sentence
from app.visit import Visit

_NOTHING = plain("-")


@dataclass(frozen=True)
class _Measure:
    """name: of the figure. better: 1 when more is better, -1 when less is, 0 when neither."""

    name: str
    title: str
    better: int
    share: bool = True


def show_night(visit: Visit, night: NightFacts, document: Mapping[str, object] | None) -> None:
    """document: the report's, which has names and limits; None where it is gone."""
    word = outcome_word(visit.language, night.outcome)
    if night.outcome == "promoted":
        st.badge(word, icon=":material/check:", color="green")
    else:
        st.badge(word, icon=":material/front_hand:", color="orange")
    st.text(sentence(visit.language.tell(_reason(night, document))))
    st.caption(plain(_circumstances(visit, night)))
    if night.failed:
        _show_failed(visit, night, document)
    if night.failed_training:
        _advise(visit, visit.say("The trained head was refused"), night.failed_training)
    _show_duel(visit, night)
    with st.expander(visit.say("Every check of the gate")):
        _show_checks(visit, night, document)


def summary(visit: Visit, night: NightFacts) -> str:
    """Why, in a few words, for a list."""
    say = visit.say
    if night.outcome == "running":
        return say("Not finished.")
    if night.outcome == "refused":
        failed = ", ".join(check_word(visit.language, name) for name in night.failed)
        why = sentence(visit.language.tell(night.reason))
        return say("Refused by: {checks}", checks=failed) if failed else why
    if night.mode != "imprint":
        return say("The trained head serves.")
    if night.trained is None:
        return say("The plain means serve; nothing was trained.")
    return say("The plain means serve; the trained head was refused.")


def _reason(night: NightFacts, document: Mapping[str, object] | None) -> str:
    """With names where the report still has them."""
    found = document.get("reason") if document else None
    return found if isinstance(found, str) and found else night.reason


def _circumstances(visit: Visit, night: NightFacts) -> str:
    parts = [mode_word(visit.language, night.mode)]
    if night.people is not None:
        parts.append(visit.say_many("{n} person", "{n} people", night.people))
    if night.seconds is not None:
        parts.append(visit.say("{n} seconds", n=visit.language.number(night.seconds, 1)))
    return " · ".join(parts)


def _show_failed(visit: Visit, night: NightFacts, document: Mapping[str, object] | None) -> None:
    words = {check.get("name"): _told(visit, check, "words") for check in _checks(document)}
    lines = [
        f"- {plain(check_word(visit.language, name))}: "
        + plain(words.get(name) or remedy(visit.language, name))
        for name in night.failed
    ]
    st.warning(
        "\n".join(lines),
        title=visit.say("Why the gate refused"),
        icon=":material/front_hand:",
    )
    _advise(visit, visit.say("What would have to change"), night.failed)


def _advise(visit: Visit, title: str, failed: Sequence[str]) -> None:
    advice: dict[str, list[str]] = {}
    for name in failed:
        advice.setdefault(remedy(visit.language, name), []).append(check_word(visit.language, name))
    lines = [f"- {plain(', '.join(names))}: {plain(line)}" for line, names in advice.items()]
    st.info("\n".join(lines), title=title, icon=":material/lightbulb:")


# -- champion against challenger ------------------------------------------------------------------


def _show_duel(visit: Visit, night: NightFacts) -> None:
    say = visit.say
    st.markdown(f"**{plain(say('Champion against challenger'))}**")
    if night.champion is None:
        st.text(say("Nothing was measured."))
        return
    titles = {
        "before": say("served until then"),
        "imprint": say("plain means"),
        "challenger": say("trained that night"),
    }
    sides = [side for side in (night.champion, night.challenger) if side is not None]
    heads = [say("Champion"), say("Challenger")]
    lines = []
    for measure in _measures(visit):
        values = [number_of(figures, measure.name) for _, figures in sides]
        line = {say("Measure"): plain(measure.title)}
        for head, (key, _), value in zip(heads, sides, values, strict=False):
            line[plain(f"{head}: {titles[key]}")] = _shown(visit, measure, value)
        if len(sides) > 1:
            line[say("Difference")] = _difference(visit, measure, values)
        lines.append(line)
    st.table(lines, hide_index=True)
    if len(sides) == 1:
        st.caption(say("There was nothing to compare with: it was the first night."))


def _measures(visit: Visit) -> list[_Measure]:
    say = visit.say
    return [
        _Measure("find_rate", say("Found: named rightly (more is better)"), 1),
        _Measure("accuracy", say("Nearest is the right person (more is better)"), 1),
        _Measure("fpir", say("Strangers named (less is better)"), -1),
        _Measure("fpir_upper_95", say("Strangers named, at most (95 %; less is better)"), -1),
        _Measure("threshold", say("Threshold (neither is better)"), 0, share=False),
        _Measure("probes", say("Photos that were searched for"), 0, share=False),
    ]


def _shown(visit: Visit, measure: _Measure, value: float | None) -> str:
    if value is None:
        return plain(visit.say("not measured"))
    if measure.share:
        return visit.language.percent(value, 1)
    return visit.language.number(value, 3)


def _difference(visit: Visit, measure: _Measure, values: Sequence[float | None]) -> str:
    one, other = values
    if one is None or other is None:
        return _NOTHING
    gained = other - one
    amount = gained * 100 if measure.share else gained
    digits = 1 if measure.share else 3
    if round(amount, digits) == 0:
        return visit.say("same")
    text = f"{'+' if amount > 0 else '-'}{visit.language.number(abs(amount), digits)}"
    if measure.share:
        text = visit.say("{n} points", n=text)
    verdict = {1: visit.say("better"), -1: visit.say("worse"), 0: ""}
    word = verdict[measure.better * (1 if amount > 0 else -1)]
    return plain(f"{text} ({word})" if word else text)


# -- the gate -------------------------------------------------------------------------------------


def _show_checks(visit: Visit, night: NightFacts, document: Mapping[str, object] | None) -> None:
    say = visit.say
    told = {check.get("name"): check for check in _checks(document)}
    marks = {
        True: f":green-badge[:material/check: {plain(say('passed'))}]",
        False: f":orange-badge[:material/front_hand: {plain(say('refused'))}]",
        None: f":gray-badge[:material/help: {plain(say('too little data'))}]",
    }
    lines = []
    for name, passed in night.checks.items():
        check = told.get(name, {})
        lines.append(
            {
                say("Check"): plain(check_word(visit.language, name)),
                say("Result"): marks[passed],
                say("Measured"): plain(_told(visit, check, "value")) or _NOTHING,
                say("Limit"): plain(_told(visit, check, "limit")) or _NOTHING,
            }
        )
    if lines:
        st.table(lines, hide_index=True)
    else:
        st.text(say("Nothing was checked."))


def _told(visit: Visit, check: Mapping[str, object], name: str) -> str:
    text = check.get(name)
    return visit.language.tell(text) if isinstance(text, str) else ""


def _checks(document: Mapping[str, object] | None) -> list[Mapping[str, object]]:
    found = document.get("checks") if document else None
    return [check for check in found if isinstance(check, dict)] if isinstance(found, list) else []
