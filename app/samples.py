"""What became of each photo of an enrollment: its face, the decision and the reason's number."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import streamlit as st

from app.plain import plain, sentence
from app.visit import Visit
from enrollment.enroller import SampleReport
from enrollment.reasons import ReasonCode

MOST_SHOWN = 50
_THUMBNAIL = 88  # px
_SKIPPED = {ReasonCode.DUPLICATE_PHOTO}
_SET_ASIDE = {
    ReasonCode.NOT_THIS_PERSON,
    ReasonCode.NEAR_OTHER_SUBJECT,
    ReasonCode.SEVERAL_FACES,
}

_MARKS: Final[dict[str, tuple[str, Literal["green", "gray", "orange", "red"]]]] = {
    "kept": (":material/check:", "green"),
    "skipped": (":material/content_copy:", "gray"),
    "set aside": (":material/inventory_2:", "orange"),
    "not usable": (":material/block:", "red"),
}

Say = Callable[[int, bool, int | None], None]


def show_samples(
    visit: Visit, samples: Sequence[SampleReport], say_of: Say | None = None, *, key: str = ""
) -> None:
    """How many of each, and a line for each photo; those that need a look come first.

    Args:
        say_of: what is done when somebody says of a photo, by its number, that it is this person
            all the same, or which of its faces is meant; None: nobody is asked.
        key: part of the buttons' keys.
    """
    _count(visit, samples)
    order = sorted(range(len(samples)), key=lambda i: not _asks(samples[i]))
    for i in order[:MOST_SHOWN]:
        _show(visit, i, samples[i], say_of, key)
    rest = len(samples) - MOST_SHOWN
    if rest > 0:
        st.caption(
            visit.say_many("{n} more photo is not shown", "{n} more photos are not shown", rest)
        )


def state_of(sample: SampleReport) -> str:
    """kept, skipped, set aside or not usable."""
    codes = {reason.code for reason in sample.reasons}
    if sample.accepted:
        return "kept"
    if codes & _SKIPPED:
        return "skipped"
    return "set aside" if codes & _SET_ASIDE else "not usable"


def _asks(sample: SampleReport) -> bool:
    return sample.can_be_insisted_on or bool(sample.choices)


def _words(visit: Visit) -> dict[str, str]:
    say = visit.say
    return {
        "kept": say("kept"),
        "skipped": say("skipped"),
        "set aside": say("set aside"),
        "not usable": say("not usable"),
    }


def _count(visit: Visit, samples: Sequence[SampleReport]) -> None:
    states = [state_of(sample) for sample in samples]
    counted = [
        f"{visit.language.number(states.count(state))} {word}"
        for state, word in _words(visit).items()
        if state in states
    ]
    st.text(", ".join(counted))


def _show(visit: Visit, i: int, sample: SampleReport, say_of: Say | None, key: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False):
        if sample.crop is not None:
            st.image(
                sample.crop,
                width=_THUMBNAIL,
                alt=visit.say("The face in {source}", source=sample.source),
            )
        else:
            st.container(width=_THUMBNAIL)
        with st.container(gap="xxsmall"):
            _mark(visit, sample)
            st.text(sample.source)
            for reason in sample.reasons:
                st.text(sentence(visit.language.tell(reason.message)))
            if say_of is not None:
                _ask(visit, i, sample, say_of, key)


def _mark(visit: Visit, sample: SampleReport) -> None:
    state = state_of(sample)
    icon, colour = _MARKS[state]
    st.badge(_words(visit)[state], icon=icon, color=colour)


def _ask(visit: Visit, i: int, sample: SampleReport, say_of: Say, key: str) -> None:
    if sample.can_be_insisted_on:
        st.button(
            visit.say("Keep it all the same"),
            key=f"keep-{key}-{i}",
            icon=":material/undo:",
            help=plain(
                visit.say(
                    "You know the person, and say that {source} shows them. It is kept with your "
                    "word.",
                    source=sample.source,
                )
            ),
            on_click=say_of,
            args=(i, True, None),
        )
    if not sample.choices:
        return
    st.text(visit.say("Which face is meant?"))
    with st.container(horizontal=True):
        for number, crop in enumerate(sample.choices):
            with st.container(width=_THUMBNAIL, gap="xxsmall"):
                face = visit.say("Face {number}", number=number + 1)
                st.image(crop, width=_THUMBNAIL, alt=face)
                st.button(
                    face, key=f"face-{key}-{i}-{number}", on_click=say_of, args=(i, False, number)
                )
