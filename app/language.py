"""What the pages say, in the visitor's language.

English stands in the code. Every other language is one file, `locale/<code>.po`; a new one needs
nothing else. `python -m app.catalogue` finds what is new in the code and writes it into them all.
"""

import gettext
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from wording.message import Message

FOLDER = Path(__file__).with_name("locale")
ENGLISH = "en"


class Language:
    """Texts, numbers and times as readers of one language expect them.

    Args:
        code: ISO 639-1; one of `languages()`.
        zone: where times are told; UTC where the visitor's is not known.
    """

    def __init__(self, code: str = ENGLISH, zone: tzinfo = UTC) -> None:
        self.code = code
        self.zone = zone
        self._catalogue = _catalogue(code)

    def say(self, text: str, /, **values: object) -> str:
        """`text` in this language, with `values` filled in."""
        said = self._catalogue.gettext(text) if text else text
        return said.format(**self._told(values)) if values else said

    def say_many(self, one: str, many: str, n: int, /, **values: object) -> str:
        """As `say`, in the form that `n` needs; `n` is one of the values."""
        said = self._catalogue.ngettext(one, many, n)
        return said.format(n=self.number(n), **self._told(values))

    def tell(self, text: str) -> str:
        """A sentence of the rooms below; as it is where it is not one that can be translated."""
        if not isinstance(text, Message):
            return text
        said = self._catalogue.gettext(text.template)
        return said.format(**self._told(text.values))

    def tell_all(self, texts: Sequence[str]) -> str:
        return "; ".join(self.tell(text) for text in texts)

    def _told(self, values: Mapping[str, object]) -> dict[str, object]:
        return {k: self.tell(v) if isinstance(v, Message) else v for k, v in values.items()}

    def number(self, value: float, digits: int = 0) -> str:
        rounded = round(value, digits)
        return str(format_decimal(rounded, locale=self.code, decimal_quantization=False))

    def percent(self, share: float, digits: int = 1) -> str:
        """`share` is a fraction, 0..1."""
        rounded = round(share, digits + 2)
        return str(format_percent(rounded, locale=self.code, decimal_quantization=False))

    def duration(self, seconds: float) -> str:
        """In the largest unit that fits: seconds, minutes, hours."""
        return str(
            format_timedelta(timedelta(seconds=max(seconds, 1)), threshold=1.5, locale=self.code)
        )

    def day(self, when: datetime) -> str:
        return str(format_date(when.astimezone(self.zone), "medium", locale=self.code))

    def calendar_day(self, day: str) -> str:
        """A day of the calendar, YYYY-MM-DD, that belongs to no place."""
        return str(format_date(date.fromisoformat(day), "medium", locale=self.code))

    def moment(self, when: datetime) -> str:
        """Day and time of day."""
        return str(format_datetime(when, "short", tzinfo=self.zone, locale=self.code))


def languages() -> dict[str, str]:
    """Code -> what its speakers call it; English first."""
    codes = [ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po"))]
    return {code: str(Locale.parse(code).get_display_name(code)).capitalize() for code in codes}


def nearest_language(wanted: str | None) -> str:
    """The one to use for a browser that asks for `wanted`, such as de-AT."""
    code = (wanted or "").replace("_", "-").partition("-")[0].lower()
    return code if code in languages() else ENGLISH


def zone_of(name: str | None) -> tzinfo:
    """A browser's time zone; UTC where it has none that is known here."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    if code == ENGLISH:
        return gettext.NullTranslations()
    with (FOLDER / f"{code}.po").open("rb") as file:
        written = io.BytesIO()
        write_mo(written, read_po(file))
    written.seek(0)
    return gettext.GNUTranslations(written)
