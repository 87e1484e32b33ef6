"""What was decided of each face of a picture, shown."""

import streamlit as st

from app.annotated import annotate
from app.language import Language
from app.plain import plain, sentence
from app.visit import Visit
from enrollment.calibration import LEAST_SUBJECTS
from enrollment.identifier import Identification
from enrollment.photo import Photo, decode
from enrollment.reasons import Reason
from enrollment.rights import Right

_NOTHING = plain("-")
_BADGES = {
    "known": ("green", "check"),
    "unknown": ("orange", "question_mark"),
    "refused": ("gray", "block"),
}


def show_answers(visit: Visit, photo: Photo) -> None:
    """Identify a photo on the spot; draw it, and a line for each face beside it."""
    service, say = visit.service, visit.say
    with st.spinner(say("Looking for faces")):
        picture = decode(photo)
        if isinstance(picture, Reason):
            st.error(plain(sentence(visit.language.tell(picture.message))), icon=":material/block:")
            return
        answers = _left_to_right(service.identify_image(picture.image, photo.source))
        point = service.operating_point()
    st.image(annotate(picture.image, answers), width="stretch", alt=_in_words(visit, answers))
    st.table([_line(visit, n, answer) for n, answer in enumerate(answers, 1)], hide_index=True)
    if visit.may(Right.SCORES):
        st.caption(
            say(
                "A name is given from score {threshold:.3f} on. The margin is how far the second "
                "most alike person is behind.",
                threshold=point.threshold,
            )
        )
    if service.count() < LEAST_SUBJECTS and any(a.decision == "unknown" for a in answers):
        st.info(
            say(
                "Is somebody enrolled and not recognised? Of few people the threshold cannot be "
                "measured, so it is a strict one: about one photo in ten of a single person is "
                "missed. Try a photo that looks into the camera, or add photos of the person."
            ),
            icon=":material/lightbulb:",
        )


def _left_to_right(answers: list[Identification]) -> list[Identification]:
    return sorted(answers, key=lambda answer: answer.box or (0, 0, 0, 0))


def _line(visit: Visit, number: int, answer: Identification) -> dict[str, str]:
    """Numbers are for those alone who may see them: with them one could grope for a template."""
    say, language = visit.say, visit.language
    numbers = {say("Score"): _number(answer.score), say("Margin"): _number(answer.margin)}
    return {
        say("Face"): str(number) if answer.box else _NOTHING,
        say("Decision"): decision_badge(language, answer.decision),
        say("Name"): plain(answer.name) if answer.name else _NOTHING,
        **(numbers if visit.may(Right.SCORES) else {}),
        say("Why"): plain(language.tell_all([r.message for r in answer.reasons])) or _NOTHING,
    }


def decision_badge(language: Language, decision: str) -> str:
    """Colour, icon and word of a decision, in Markdown."""
    colour, icon = _BADGES[decision]
    return f":{colour}-badge[:material/{icon}: {decision_word(language, decision)}]"


def decision_word(language: Language, decision: str) -> str:
    """known, unknown or refused, as readers of this language say it."""
    words = {
        "known": language.say("known"),
        "unknown": language.say("unknown"),
        "refused": language.say("refused"),
    }
    return words[decision]


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.3f}"


def _in_words(visit: Visit, answers: list[Identification]) -> str:
    return "; ".join(
        visit.say(
            "face {number}: {answer}",
            number=number,
            answer=answer.name or decision_word(visit.language, answer.decision),
        )
        for number, answer in enumerate(answers, 1)
    )
