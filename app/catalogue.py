"""Find the texts in the code and bring every language's file up to date: a developer's command.

Example: python -m app.catalogue          what is new stands empty in locale/*.po, to be translated
Example: python -m app.catalogue --check  ends with 1 where a text has no translation
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from app.language import FOLDER

_ROOT = Path(__file__).parents[1]
ROOMS = ("app", "enrollment", "models", "store")
_TEXTS = {"say": 1, "say_many": 2, "message": 1}  # how many of a call's arguments are texts
_WIDTH = 100


def texts() -> Catalog:
    """Every text in the code that people read."""
    found = Catalog(project="Rollcall", fuzzy=False)
    for room in ROOMS:
        for path in sorted((_ROOT / room).rglob("*.py")):
            for text in _said_in(ast.parse(path.read_text("utf-8"))):
                found.add(text, None, [(str(path.relative_to(_ROOT)), 0)])
    return found


def _said_in(module: ast.Module) -> Iterator[str | tuple[str, str]]:
    """The texts of a module. Babel's own extractor does not look into f-strings."""
    for call in ast.walk(module):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", None))
        given = call.args[: _TEXTS.get(str(name), 0)]
        said = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if len(said) == 2:
            yield said[0], said[1]
        elif said and said[0]:
            yield said[0]


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def untranslated(path: Path) -> Iterator[str]:
    """Texts of the code that this language's file does not have."""
    known = read(path)
    for entry in texts():
        if not entry.id:
            continue
        there = known.get(entry.id)
        said = () if there is None or there.fuzzy else there.string
        if not said or not all([said] if isinstance(said, str) else said):
            yield entry.id if isinstance(entry.id, str) else entry.id[0]


def _update(path: Path) -> None:
    catalogue = read(path)
    catalogue.update(texts(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        write_po(
            file, catalogue, width=_WIDTH, sort_output=True, no_location=True, omit_header=False
        )


def main() -> int:
    missing = 0
    for path in sorted(FOLDER.glob("*.po")):
        if "--check" not in sys.argv:
            _update(path)
        found = list(untranslated(path))
        missing += len(found)
        for text in found:
            sys.stdout.write(f"{path.name}: no translation of {text!r}\n")
    return 1 if missing and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
