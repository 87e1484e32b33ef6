"""A sentence for people that can be said in another language: it remembers what it was made of."""

from collections.abc import Mapping


class Message(str):
    """The English sentence, filled in; `template` and `values` are for a translator.

    A text like any other: doors that speak English alone need not know of it. What is joined or
    formatted from it is plain text again, so doors translate before they join.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]


def message(template: str, /, **values: object) -> Message:
    """`template` with `values` filled in, as str.format does.

    A template is looked up word for word, so it is written out where it is used; a value that is a
    Message is translated as well.
    """
    made = Message(template.format(**values))
    made.template = template
    made.values = values
    return made
