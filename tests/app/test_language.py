"""Languages: English in the code, every other in one file, nothing missing."""

import ast
import re
import string
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app import catalogue, language
from app.language import FOLDER, Language, languages, nearest_language, zone_of
from wording.message import message

ROOT = Path(__file__).parents[2]
OTHERS = sorted(FOLDER.glob("*.po"))


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_every_text_has_a_translation(path: Path) -> None:
    assert list(catalogue.untranslated(path)) == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_translations_keep_the_values_and_the_markup(path: Path) -> None:
    for entry in catalogue.read(path):
        if not entry.id:
            continue
        ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
        said = [entry.string] if isinstance(entry.string, str) else list(entry.string)
        wanted = fields(ids[-1])
        for text in said:
            # A singular may leave its number out: "one photo".
            assert fields(text) <= wanted, text
            assert wanted - fields(text) <= {"n"}, text
            assert re.findall(r":[a-z-]+\[|:material/\w+:", text) == re.findall(
                r":[a-z-]+\[|:material/\w+:", ids[-1]
            )


def test_every_text_is_written_out_where_it_is_said() -> None:
    """What is not a literal is not found by the catalogue, and would stay English."""
    for room in catalogue.ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.name in ("language.py", "visit.py", "message.py"):
                continue
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(call, ast.Call):
                    continue
                function = call.func
                name = getattr(function, "attr", getattr(function, "id", None))
                texts = {"say": 1, "say_many": 2, "message": 1}.get(str(name), 0)
                for argument in call.args[:texts]:
                    written = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                    assert written, f"{path}:{call.lineno}: {ast.unparse(argument)}"


def test_the_languages_are_found_by_their_files() -> None:
    assert list(languages()) == ["en", "de"]
    assert languages()["de"] == "Deutsch"


@pytest.mark.parametrize(
    ("wanted", "code"), [("de-AT", "de"), ("de", "de"), ("fr-FR", "en"), (None, "en"), ("", "en")]
)
def test_a_browser_gets_its_language_or_english(wanted: str | None, code: str) -> None:
    assert nearest_language(wanted) == code


def test_numbers_shares_and_times_are_written_as_readers_expect() -> None:
    german = Language("de", ZoneInfo("Europe/Berlin"))
    when = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    assert (german.number(10_000), Language().number(10_000)) == ("10.000", "10,000")
    assert Language().percent(0.0117) == "1.2%"
    assert german.percent(0.0117, 2).replace("\xa0", " ") == "1,17 %"
    assert german.day(when) == "22.11.2026", "in the reader's time zone it is the next day"
    assert Language().day(when) == "Nov 21, 2026"
    assert "00:30" in german.moment(when)
    assert zone_of("Nowhere/Never") is UTC


def test_a_message_of_the_rooms_below_is_translated_with_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xx.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Language: de\\n"\n\nmsgid "{n} px, {why}"\nmsgstr "{why}: {n} Punkte"\n\n'
        'msgid "too few"\nmsgstr "zu wenig"\n'
    )
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    said = message("{n} px, {why}", n=7, why=message("too few"))
    assert said == "7 px, too few"
    assert Language("xx").tell(said) == "zu wenig: 7 Punkte"
    assert Language("xx").tell("said in English only") == "said in English only"
    assert Language("xx").tell_all([message("too few"), "b"]) == "zu wenig; b"
