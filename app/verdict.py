"""What was decided, shown: about each photo of an enrollment, and about each face of a picture."""

import streamlit as st

from app.annotated import annotate
from app.plain import plain, sentence
from enrollment.enroller import SampleReport, SubjectReport
from enrollment.identifier import Identification
from enrollment.photo import Photo, decode
from enrollment.reasons import Reason, ReasonCode
from enrollment.service import Service

_THUMBNAIL = 88  # px
_SKIPPED = {ReasonCode.DUPLICATE_PHOTO}
_SET_ASIDE = {
    ReasonCode.NOT_THIS_PERSON,
    ReasonCode.NEAR_OTHER_SUBJECT,
    ReasonCode.SEVERAL_FACES,
}
_NOTHING = plain("-")
_DECISIONS = {
    "known": ":green-badge[:material/check: known]",
    "unknown": ":orange-badge[:material/question_mark: unknown]",
    "refused": ":gray-badge[:material/block: refused]",
}


def show_samples(report: SubjectReport) -> None:
    """A line for each photo: its face, what became of it, and why."""
    for sample in report.samples:
        with st.container(border=True, horizontal=True, vertical_alignment="center", wrap=False):
            if sample.crop is not None:
                st.image(sample.crop, width=_THUMBNAIL, alt=f"The face in {sample.source}")
            else:
                st.container(width=_THUMBNAIL)
            with st.container(gap="xxsmall"):
                _mark(sample)
                st.text(sample.source)
                for reason in sample.reasons:
                    st.text(sentence(reason.message))


def _mark(sample: SampleReport) -> None:
    codes = {reason.code for reason in sample.reasons}
    if sample.accepted:
        st.badge("kept", icon=":material/check:", color="green")
    elif codes & _SKIPPED:
        st.badge("skipped", icon=":material/content_copy:", color="gray")
    elif codes & _SET_ASIDE:
        st.badge("set aside", icon=":material/inventory_2:", color="orange")
    else:
        st.badge("not usable", icon=":material/block:", color="red")


def show_answers(service: Service, photo: Photo) -> None:
    """Identify a photo on the spot; draw it, and a line for each face beside it."""
    with st.spinner("Looking for faces"):
        picture = decode(photo)
        if isinstance(picture, Reason):
            st.error(plain(sentence(picture.message)), icon=":material/block:")
            return
        answers = _left_to_right(service.identify_image(picture.image, photo.source))
        point = service.operating_point()
    st.image(annotate(picture.image, answers), width="stretch", alt=_in_words(answers))
    st.table([_line(number, answer) for number, answer in enumerate(answers, 1)], hide_index=True)
    st.caption(
        f"A name is given from score {point.threshold:.3f} on. The margin is how far the second "
        "most alike person is behind."
    )


def _left_to_right(answers: list[Identification]) -> list[Identification]:
    return sorted(answers, key=lambda answer: answer.box or (0, 0, 0, 0))


def _line(number: int, answer: Identification) -> dict[str, str]:
    return {
        "Face": str(number) if answer.box else _NOTHING,
        "Decision": _DECISIONS[answer.decision],
        "Name": plain(answer.name) if answer.name else _NOTHING,
        "Score": _number(answer.score),
        "Margin": _number(answer.margin),
        "Why": plain("; ".join(reason.message for reason in answer.reasons)) or _NOTHING,
    }


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.3f}"


def _in_words(answers: list[Identification]) -> str:
    return "; ".join(
        f"face {number}: {answer.name or answer.decision}"
        for number, answer in enumerate(answers, 1)
    )
