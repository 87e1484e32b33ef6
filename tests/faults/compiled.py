"""Statements that are compiled once, and not by every gallery that is opened."""

import functools
from typing import Any

import sqlalchemy as sa


@functools.cache
def compile_once() -> None:
    """Every engine from now on shares what the first one has compiled, and so do forks: it is most
    of the time that opening a small gallery takes, and what is compiled depends on no file."""
    make = sa.create_engine
    first: list[sa.Engine] = []

    def made(*arguments: Any, **options: Any) -> sa.Engine:
        engine = make(*arguments, **options)
        first.append(engine)
        engine.dialect = first[0].dialect
        engine._compiled_cache = first[0]._compiled_cache
        del first[1:]
        return engine

    vars(sa)["create_engine"] = made
