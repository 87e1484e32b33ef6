"""Names that try to be something else: paths, devices, commands to a terminal, pages, queries."""

import io
import json
import os
import random
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.output import emit, note, out
from enrollment.config import Settings
from enrollment.enrollee import MAX_NAME, check_name
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee, gather
from enrollment.people_archive import read_archive
from enrollment.people_table import read_table
from enrollment.photo import photo_bytes
from enrollment.service import Service
from tests import tiny

PICTURE = b"not looked at"
_PATHS = (
    "../", "..\\", "/etc/passwd", "C:\\", "\\\\server\\share", "~/.ssh", "%2e%2e/", "\x00", "\n",
    "\r", "CON", "NUL", "COM1.", "aux.txt", ".", "..", " ", "-rf", "--home=/",
)  # fmt: skip
_COMMANDS = (
    "$(reboot)", "`id`", "${HOME}", "; rm -rf /", "| cat", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", "&lt;", "{{7*7}}", "{name}", "%s%n", "' OR 1=1 --",
    '"; DROP TABLE subjects; --', "\x1b[2J", "\x1b]0;x\x07", "\x9b31m", "=1+1", "@SUM(A1)", "+1",
    "\t",
)  # fmt: skip
_TEXTS = (
    "\u202e", "\u2066", "\u200f", "\ufeff", "\u200b", "\U0001f600", "\U0001f468\u200d\U0001f469",
    "\u0430nna", "Zo\u00eb", "Zoe\u0308", "\u05d0\u05d1", "\ud800", "\uffff", "\U000e0041",
    "A" * 10_000, "e\u0301" * 300, "Anna", "O'Neil", "M\u00fcller-L\u00fcdenscheidt",
)  # fmt: skip
_PARTS = (*_PATHS, *_COMMANDS, *_TEXTS)


def names(count: int = 2000) -> list[str]:
    """Each part alone, and then parts put together at random."""
    chance = random.Random(0)
    found = list(_PARTS)
    while len(found) < count:
        found.append("".join(chance.choices(_PARTS, k=chance.randrange(1, 4))))
    return found


def answer(name: str, way: Callable[[str], object]) -> str | None:
    """None: taken; else the sentence it was refused with. Anything else is a fault."""
    try:
        way(name)
    except BadInput as error:
        said = str(error.args[0])
        assert said.isprintable(), f"{name!r}: {said!r}"
        assert 10 < len(said) < 400, f"{name!r}: {said!r}"
        return said
    return None


def by_table(name: str) -> object:
    text = io.StringIO()
    text.write('name,photo\n"' + name.replace('"', '""') + '",a.png\n')
    data = text.getvalue().encode("utf-8", "surrogatepass")
    found = read_table("people.csv", data, lambda cell: (photo_bytes(cell, PICTURE),))
    for wrong in found.refused:
        raise BadInput(wrong.message)
    return found.people


def by_archive(name: str) -> object:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo()
        info.filename = f"{name}/1.png"
        archive.writestr(info, PICTURE)
    found = read_archive("people.zip", buffer)
    for person in found.people:
        check_name(person.name)
    return found


@pytest.mark.parametrize("way", [check_name, by_table, by_archive])
def test_each_of_two_thousand_is_text_or_refused_in_a_sentence(
    way: Callable[[str], object],
) -> None:
    refused = 0
    for name in names():
        try:
            name.encode()
        except UnicodeEncodeError:
            if way is by_archive:
                continue  # no archive can hold it
        refused += answer(name, way) is not None
    assert 500 < refused < 2000


def test_what_is_taken_holds_nothing_that_a_terminal_obeys() -> None:
    taken = [name for name in names() if answer(name, check_name) is None]
    assert len(taken) > 50
    for name in taken:
        assert len(name) <= MAX_NAME
        assert not set(name) & set('/\\<>"`$\x00\x1b\x9b\n;|{}%')
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") for c in name)


def test_twins_of_one_look_stay_two_texts(tmp_path: Path) -> None:
    for folder in ("Zo\u00eb", "Zoe\u0308"):
        tiny.write_photos(tmp_path / folder, 1, range(1))
    people = gather([tmp_path])
    assert {p.name for p in people} == {f.name for f in tmp_path.iterdir()}


@pytest.mark.parametrize("say", [out, note, lambda text: emit({"name": text})])
def test_nothing_reaches_the_terminal_that_it_obeys(
    say: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in names():
        if "\ud800" not in name:
            say(name.replace("\n", " "))
    written = "".join(capsys.readouterr())
    assert set(filter(lambda c: not c.isprintable(), written)) == {"\n"}


def test_what_is_escaped_for_the_terminal_is_the_same_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    emit({"source": "\x9b31m\u202e\U000e0041 Zo\u00eb"})
    assert json.loads(capsys.readouterr().out) == {"source": "\x9b31m\u202e\U000e0041 Zo\u00eb"}


class Writes:
    """The files that Python opens to write, as its own audit hook tells."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.on = False
        sys.addaudithook(self._told)  # for good: there is no way to take one away

    def _told(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on or event != "open" or not isinstance(arguments[2], int):
            return
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            self.paths.append(str(arguments[0]))


def test_no_name_becomes_a_file(service: Service, settings: Settings, tmp_path: Path) -> None:
    """All that Python itself opens to write; SQLite writes into the gallery alone."""
    writes = Writes()
    before = {path.name for path in tmp_path.iterdir()}
    taken = 0
    chance = random.Random(1)
    writes.on = True
    try:
        for number, name in enumerate(chance.sample(names(), 40)):
            photo = photo_bytes(f"{name[:50]}.png", tiny.png(tiny.picture((number, 0))))
            person = Enrollee(name, None, (photo,))

            def enroll(_: str, person: Enrollee = person) -> object:
                return list(service.enroll([person], "agreed", allow_collision))

            taken += answer(name, enroll) is None
    finally:
        writes.on = False
    assert taken >= 2
    allowed = (str(settings.home), str(settings.key_folder), "/dev/", "/tmp/rollcall")  # noqa: S108
    outside = [path for path in writes.paths if not path.startswith(allowed) and not path.isdigit()]
    assert outside == []
    assert {path.name for path in tmp_path.iterdir()} <= before | {settings.key_folder.name}
    kept = {path.name for path in settings.home.rglob("*")}
    assert kept <= {"gallery.db", "gallery.db-wal", "gallery.db-shm", "gallery.toml", "keys"}, kept
