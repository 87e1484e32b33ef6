"""A sentence for people that can be said in another language: it remembers what it was made of."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real


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
    values = {name: _stored(value) for name, value in text.values.items()}
    return {"template": text.template, "values": values}


def read_message(stored: object) -> str:
    """What `stored_message` gave, as it was."""
    if not isinstance(stored, Mapping):
        return str(stored)
    values = {
        k: read_message(v) if isinstance(v, Mapping) else v for k, v in stored["values"].items()
    }
    return message(stored["template"], **values)


def words_of(error: BaseException) -> str:
    """What an error says: a message where it was raised with one."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)


def joined(texts: Sequence[str]) -> str:
    """Several as one sentence, which can be translated as each of them can."""
    said, *more = texts
    for text in more:
        said = message("{one}; {other}", one=said, other=text)
    return said


def _stored(value: object) -> object:
    """Numbers stay numbers, for the template says how they are written; the rest is its text."""
    if isinstance(value, str):
        return stored_message(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else str(value)
