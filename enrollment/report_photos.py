"""The test photos on which old and new answers of a night differ, for somebody to look at."""

import re
from collections.abc import Mapping

from enrollment import report_reading as read
from enrollment.report_page import Html, bdi, section, tag
from enrollment.report_reading import Part

_CARDS = 48  # shown; the rest is left to the JSON


def disagreements(document: Part) -> Html:
    title = "Photos to look at"
    rows = read.rows(document, "disagreements")
    if not rows:
        compared = bool(read.part(document, "comparison"))
        none = "Old and new gave the same answer on every test photo." if compared else ""
        return section("disagreements", title, tag("p", none)) if none else Html()
    order = sorted(rows, key=lambda row: _VERDICTS.index(_verdict_on(row)))
    left_out = len(rows) - _CARDS
    return section(
        "disagreements",
        title,
        tag(
            "p",
            "On these test photos the old and the new answer differ; what got worse comes first. "
            "Is it the person it says? If not, replace the photo.",
        ),
        tag("ul", *map(_card, order[:_CARDS]), class_="cards"),
        tag("p", f"{left_out:,} more are in the JSON file.") if left_out > 0 else None,
    )


_VERDICTS = ("worse", "neither right", "different", "better")


def _verdict_on(row: Part) -> str:
    truth = read.text(row, "truth")
    if not truth:
        return "different"
    before, after = read.text(row, "before") == truth, read.text(row, "after") == truth
    if before or after:
        return "different" if before and after else "worse" if before else "better"
    return "neither right"


def _card(row: Part) -> Html:
    truth, verdict = read.text(row, "truth"), _verdict_on(row)
    name = bdi(truth) if truth else "somebody who is not enrolled"
    return tag(
        "li",
        _face(row, truth),
        tag(
            "div",
            tag("p", tag("span", "The photo of "), tag("strong", name)),
            tag(
                "dl",
                *_answer("before", row, "before", truth),
                *_answer("tonight", row, "after", truth),
            ),
            tag("p", verdict, class_=f"badge {verdict.split()[0]}"),
        ),
    )


def _answer(when: str, row: Part, key: str, truth: str) -> list[Html]:
    name, score = read.text(row, key), read.number(row, f"score_{key}")
    right = bool(truth) and name == truth
    sure = "" if score is None else f" ({score:.2f})"
    return [
        tag("dt", when),
        tag(
            "dd",
            bdi(name) if name else "unknown",
            sure,
            tag("span", ", right" if right else ", wrong" if name and truth else ""),
        ),
    ]


_LATER = re.compile(
    r'<p class="no-face" data-photo="(?P<photo>[0-9]+ [0-9a-f-]+)" data-alt="(?P<alt>[^"<>]*)">'
    "[^<>]*</p>"
)


def photos_in(page: str) -> list[str]:
    """The photos that a page names and does not hold, as the document has them."""
    return [found["photo"] for found in _LATER.finditer(page)]


def fill_in(page: str, faces: Mapping[str, str]) -> str:
    """Put faces, in base64, where their photos are named."""

    def filled(found: re.Match[str]) -> str:
        face = faces.get(found["photo"])
        return str(_image(face, Html(found["alt"])) if face else _none_kept())

    return _LATER.sub(filled, page)


def _face(row: Part, name: str) -> Html:
    """A crop is a JPEG in base64, which begins so; nothing else is put into an address."""
    face, photo, alt = row.get("face"), read.text(row, "photo"), f"Photo of {name or 'somebody'}"
    if isinstance(face, str) and re.fullmatch(r"/9j/[A-Za-z0-9+/]+={0,2}", face):
        return _image(face, alt)
    if photo:
        said = "look at it on the page Nightly"
        return tag("p", said, class_="no-face", data_photo=photo, data_alt=alt)
    return _none_kept()


def _none_kept() -> Html:
    return tag("p", "no picture kept", class_="no-face")


def _image(base64: str, alt: str | Html) -> Html:
    return tag("img", src=f"data:image/jpeg;base64,{base64}", alt=alt)
