"""A table as a file that spreadsheets open, and in which they compute nothing."""

import csv
import io
from collections.abc import Sequence

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_MARK = "\ufeff"  # without it Excel takes UTF-8 for the alphabet of its own country


def spreadsheet(rows: Sequence[Sequence[str]]) -> bytes:
    """CSV in UTF-8. A cell that begins like a formula gets an apostrophe before it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_harmless(cell) for cell in row] for row in rows])
    return (_MARK + text.getvalue()).encode()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell
