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


def stored_message(text: str) -> object:
    """For JSON: what `read_message` makes the same message of."""
    if not isinstance(text, Message):
        return text
    values = {k: stored_message(v) if isinstance(v, str) else v for k, v in text.values.items()}
    return {"template": text.template, "values": values}


def read_message(stored: object) -> str:
    """What `stored_message` gave, as it was."""
    if not isinstance(stored, Mapping):
        return str(stored)
    values = {
        k: read_message(v) if isinstance(v, Mapping) else v for k, v in stored["values"].items()
    }
    return message(stored["template"], **values)
