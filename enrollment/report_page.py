"""A report's page and its pieces; texts become markup in one place, `tag`."""

import html
import re
from collections.abc import Callable, Iterable, Sequence

from enrollment import report_pictures as pictures
from enrollment import report_reading as read
from enrollment.report_numbers import sentence
from enrollment.report_reading import Part
from enrollment.report_style import STYLE
from enrollment.report_words import NOT_MEASURED

# It loads and runs nothing, whatever is in it.
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)
_NAMES = 12  # listed before the rest is folded away


class Html(str):
    """Markup. Every other text is escaped where `tag` puts it in."""

    __slots__ = ()


Inside = str | None


def page(title: str, heading: Html, inside: Iterable[Html], foot: str | None = None) -> str:
    """All of it, as a file that needs no other."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        tag("style", Html(STYLE)),
    )
    body = tag(
        "body",
        tag("header", tag("p", "Rollcall", class_="brand"), heading),
        tag("main", *inside),
        tag("footer", tag("p", foot)) if foot else None,
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def section(name: str, title: str, *inside: Inside) -> Html:
    heading = tag("h2", title, id=f"{name}-title")
    return tag("section", heading, *inside, id=name, aria_labelledby=f"{name}-title")


def unmeasured(document: Part, name: str, title: str, why: str = "", *more: Html | None) -> Html:
    """A section without its numbers; none at all on a night when nothing was to be measured."""
    if read.text(document, "outcome") == "skipped":
        return Html()
    said = f"{NOT_MEASURED}: {why}" if why else f"{NOT_MEASURED} tonight"
    return section(name, title, tag("p", sentence(said), class_="note"), *more)


def missing(why: str = "") -> Html:
    return small(f"{NOT_MEASURED}: {why}" if why else NOT_MEASURED)


def table(
    caption: str,
    heads: Sequence[Inside],
    rows: Sequence[Sequence[Inside]],
    class_: str,
    marked: int | None = None,
) -> Html:
    """Rows with a heading each. marked: the column to stand out.

    Roles are spelt out because telephones get these tables as blocks, and browsers that lay a
    table out as something else stop saying that it is one.
    """

    def mark(column: int) -> str | None:
        return "marked" if column == marked else None

    top = [
        tag("th", head, scope="col", role="columnheader", class_=mark(i))
        for i, head in enumerate(heads)
    ]
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row", role="rowheader"),
            *(
                tag("td", cell, role="cell", class_=mark(i), data_label=_plain(head))
                for i, (cell, head) in enumerate(zip(row[1:], heads[1:], strict=True), start=1)
            ),
            role="row",
        )
        for row in rows
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", *top, role="row"), role="rowgroup"),
            tag("tbody", *body, role="rowgroup"),
            role="table",
            class_=class_,
        ),
        class_="table",
        **({"tabindex": "0", "role": "region", "aria_label": caption} if class_ == "grid" else {}),
    )


Measure = tuple[str, str, Callable[[Part], Html]]  # name, definition, how it is said


def pairs(caption: str, measures: Iterable[Measure], part: Part) -> Html:
    rows = [[named(name, definition), cell(part)] for name, definition, cell in measures]
    return table(caption, ["Measure", "Value"], rows, class_="pairs")


def picture_numbers(
    caption: str, heads: Sequence[Inside], rows: Sequence[Sequence[Inside]], class_: str
) -> Html:
    """A picture's numbers, for those who want them or cannot see it."""
    summary = tag("summary", "The numbers of this picture")
    return tag("details", summary, table(caption, heads, rows, class_), class_="numbers")


def figure(label: str, draw: Callable[[int], str], caption: str) -> Html:
    """label: the picture in words, for whoever cannot see it. draw: by its width."""
    sizes = (pictures.WIDE, "wide"), (pictures.NARROW, "narrow")
    return tag(
        "figure",
        *(
            tag("div", Html(draw(width)), role="img", aria_label=label, class_=name)
            for width, name in sizes
        ),
        maybe("figcaption", caption),
    )


def folded(names: Sequence[Html]) -> Html:
    """A list; what is beyond the first dozen opens on a tap."""
    first, rest = names[:_NAMES], names[_NAMES:]
    more = tag("details", tag("summary", f"and {len(rest):,} more"), _chips(rest))
    return joined(_chips(first), more if rest else None)


def _chips(names: Sequence[Html]) -> Html:
    return tag("ul", *(tag("li", name) for name in names), class_="names")


def facts(known: Iterable[tuple[str, str]], class_: str) -> Html:
    """Names and what they are; those that are nothing are left out."""
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", fact)) for name, fact in known if fact),
        class_=class_,
    )


def named(name: str, definition: str) -> Html:
    return joined(tag("span", name), small(definition))


def big(text: str) -> Html:
    return tag("span", text, class_="big")


def small(text: str) -> Html:
    return maybe("small", text)


def bdi(name: str) -> Html:
    """A name runs in its own direction and leaves the rest of the line alone."""
    return tag("bdi", name)


def maybe(name: str, *inside: str, class_: str | None = None) -> Html:
    """Nothing where the last text, the one that varies, is empty."""
    return tag(name, *inside, class_=class_) if inside[-1] else Html()


def joined(*inside: Inside) -> Html:
    return Html("".join(map(_escaped, inside)))


_VOID = {"meta", "img", "br"}


def tag(name: str, /, *inside: Inside, **attributes: str | None) -> Html:
    """An element. class_ is class, aria_label is aria-label; an attribute that is None is not."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(*inside)}</{name}>")


def _escaped(text: Inside) -> Html:
    if text is None:
        return Html()
    return text if isinstance(text, Html) else Html(html.escape(text))


def _plain(text: Inside) -> str | None:
    """What markup says, for a label."""
    if isinstance(text, Html):
        text = html.unescape(re.sub("<[^>]*>", " ", text))
    return " ".join(text.split()) if text else None
