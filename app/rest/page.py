"""Lists come in pages."""

from typing import Annotated

from fastapi import Query

MOST = 200

# A larger one than SQLite's integers hold would be an error of ours.
Offset = Annotated[int, Query(ge=0, le=2**31, description="Where the page begins.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many, at most.")]


def next_offset(offset: int, given: int, total: int) -> int | None:
    return offset + given if given and offset + given < total else None
