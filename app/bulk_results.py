"""What became of each of many people: in a table, in words, and as files."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from app.language import Language
from app.plain import plain, sentence
from app.spreadsheet import spreadsheet
from app.visit import Visit
from enrollment.bulk import BulkResult, Outcome, RefusedPhoto
from enrollment.enrollee import Refused
from enrollment.reasons import ReasonCode

_MOST = 50  # rows on the page; the files have them all
_MOST_REASONS = 3
_WRONG = (Outcome.REFUSED, Outcome.SET_ASIDE, Outcome.LEFT_OUT)
_ICONS = {
    Outcome.ENROLLED: ("green", "person_add"),
    Outcome.ADDED: ("green", "add_a_photo"),
    Outcome.THERE: ("gray", "check"),
    Outcome.SET_ASIDE: ("orange", "group"),
    Outcome.LEFT_OUT: ("gray", "close"),
    Outcome.REFUSED: ("red", "block"),
}


def show_results(visit: Visit, results: Sequence[BulkResult]) -> None:
    """The newest rows, first; those that something was refused of alone where that is chosen."""
    say = visit.say
    if not results:
        return
    only = st.toggle(say("Show only what was refused"), key="bulk-only-refused")
    shown = [result for result in results if not only or something_refused(result)][::-1]
    if not shown:
        st.text(say("Nothing was refused."))
        return
    st.table([_row(visit.language, result) for result in shown[:_MOST]], hide_index=True)
    if len(shown) > _MOST:
        st.caption(
            plain(say("The last {n} of {all}.", n=_MOST, all=visit.language.number(len(shown))))
        )


def counts_in_words(visit: Visit, results: Sequence[BulkResult]) -> str:
    """How many people of each outcome, and how many photos were kept."""
    found = Counter(result.outcome for result in results)
    new, added, there = (found[o] for o in (Outcome.ENROLLED, Outcome.ADDED, Outcome.THERE))
    aside, out, refused = (found[o] for o in (Outcome.SET_ASIDE, Outcome.LEFT_OUT, Outcome.REFUSED))
    kept = sum(result.kept for result in results)
    say_many = visit.say_many
    said = [
        say_many("{n} person enrolled", "{n} people enrolled", new),
        say_many("{n} got more photos", "{n} got more photos", added) if added else "",
        say_many("{n} was there already", "{n} were there already", there) if there else "",
        say_many("{n} set aside", "{n} set aside", aside) if aside else "",
        say_many("{n} left out", "{n} left out", out) if out else "",
        say_many("{n} refused", "{n} refused", refused),
        say_many("{n} photo kept", "{n} photos kept", kept),
    ]
    return ", ".join(text for text in said if text)


def something_refused(result: BulkResult) -> bool:
    """A photo that is there already was not refused; one that is there under another name is a
    question at least."""
    return result.outcome in _WRONG or result.elsewhere is not None or bool(_refused_photos(result))


def _refused_photos(result: BulkResult) -> list[RefusedPhoto]:
    return [photo for photo in result.photos if photo.code != ReasonCode.DUPLICATE_PHOTO]


def show_refused(visit: Visit, refused: Sequence[Refused]) -> None:
    """Rows and folders that cannot be taken, before anything is enrolled."""
    say = visit.say
    lines = [
        {
            say("Name"): plain(wrong.name) or plain("-"),
            say("Line"): plain("-") if wrong.line is None else str(wrong.line),
            say("Why"): plain(sentence(visit.language.tell(wrong.message))),
        }
        for wrong in refused[:_MOST]
    ]
    st.table(lines, hide_index=True)
    if len(refused) > _MOST:
        st.caption(
            plain(
                say(
                    "The first {n} of {all}; the file of what was refused will have them all.",
                    n=_MOST,
                    all=visit.language.number(len(refused)),
                )
            )
        )


def outcome_word(language: Language, outcome: Outcome) -> str:
    words = {
        Outcome.ENROLLED: language.say("enrolled"),
        Outcome.ADDED: language.say("photos added"),
        Outcome.THERE: language.say("there already"),
        Outcome.SET_ASIDE: language.say("set aside"),
        Outcome.LEFT_OUT: language.say("left out"),
        Outcome.REFUSED: language.say("refused"),
    }
    return words[outcome]


def why(language: Language, result: BulkResult) -> list[str]:
    """Every reason once, with how many photos it is true of."""
    said: list[str] = []
    if result.message is not None:
        said.append(language.tell(result.message))
    if result.question is not None:
        near = result.question.collision.near
        said.append(
            language.say(
                "looks like {name} (score {score:.3f}), who is enrolled",
                name=near.name,
                score=near.score,
            )
        )
        return said
    told = Counter(language.tell(photo.message) for photo in result.photos)
    for text, photos in told.items():
        said.append(language.say_many("{reason}", "{reason} ({n} photos)", photos, reason=text))
    return said


def _row(language: Language, result: BulkResult) -> dict[str, str]:
    say = language.say
    colour, icon = _ICONS[result.outcome]
    word = outcome_word(language, result.outcome)
    reasons = why(language, result)
    more = len(reasons) - _MOST_REASONS
    told = "; ".join(reasons[:_MOST_REASONS]) + (f"; +{more}" if more > 0 else "")
    return {
        say("Name"): plain(result.name) or plain("-"),
        say("Result"): f":{colour}-badge[:material/{icon}: {word}]",
        say("Photos kept"): plain(say("{kept} of {given}", kept=result.kept, given=result.given)),
        say("Why"): plain(told) or plain("-"),
    }


def refused_file(language: Language, results: Sequence[BulkResult]) -> bytes:
    """What was refused and why, a line for each photo or person, for a spreadsheet."""
    say = language.say
    rows = [[say("name"), say("staff number"), say("photo"), say("code"), say("reason")]]
    for result in results:
        who = [result.name, result.external_id or ""]
        if result.question is not None:
            rows.append([*who, "", "near_other_subject", "; ".join(why(language, result))])
            continue
        if result.message is not None:
            rows.append([*who, "", result.code or "", language.tell(result.message)])
        rows += [
            [*who, photo.source, photo.code, language.tell(photo.message)]
            for photo in _refused_photos(result)
        ]
    return spreadsheet(rows)


def results_file(language: Language, results: Sequence[BulkResult]) -> bytes:
    """A line for each person, for a spreadsheet."""
    say = language.say
    heading = [
        *(say("name"), say("staff number"), say("result")),
        *(say("photos given"), say("photos kept"), say("reasons")),
    ]
    rows = [
        [
            result.name,
            result.external_id or "",
            outcome_word(language, result.outcome),
            str(result.given),
            str(result.kept),
            "; ".join(why(language, result)),
        ]
        for result in results
    ]
    return spreadsheet([heading, *rows])
