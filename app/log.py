"""What a server says of its work: one line an event, for machines or for people.

Every event is a method with its fields, so nothing else can be written: no names of people, no
paths or queries, no keys, no errors' messages. docs/operations.md has the fields.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from app.place import place_of
from enrollment.errors import BadInput
from enrollment.tally import NightEnd

STYLES = ("json", "text")


class Log:
    """Safe to share between threads."""

    def __init__(self, logger: FilteringBoundLogger | None = None) -> None:
        self._to = logger or structlog.wrap_logger(
            None, processors=[_drop], wrapper_class=_AT_INFO, cache_logger_on_first_use=True
        )

    def started(self, *, pages: bool, nightly_at: str) -> None:
        self._to.info("started", pages=pages, nightly_at=nightly_at)

    def stopping(self, signal: str | None) -> None:
        self._to.info("stopping", signal=signal)

    def stopped(self, *, log_cut: bool) -> None:
        """log_cut: the database's log was folded into its file."""
        self._to.info("stopped", log_cut=log_cut)

    def request(
        self, request_id: str, key_id: str | None, method: str, route: str, status: int, ms: float
    ) -> None:
        """route: the template, `/v1/subjects/{subject_id}`; the path may hold anything."""
        self._to.info(
            "request",
            request_id=request_id,
            key_id=key_id,
            method=method,
            route=route,
            status=status,
            ms=round(ms, 1),
        )

    def night(self, end: NightEnd) -> None:
        say = self._to.error if end.outcome == "failed" else self._to.info
        say("night", outcome=end.outcome, mode=end.mode, seconds=round(end.seconds, 1))

    def webhook(self, webhook_id: str, state: str) -> None:
        """state: failing, back, or paused until a person tries it."""
        tell = self._to.info if state == "back" else self._to.error
        tell("webhook", webhook_id=webhook_id, state=state)

    def error(self, error: BaseException, request_id: str | None = None) -> None:
        """Its kind and where it came from: its message may hold a name."""
        self._to.error(
            "error", exception=type(error).__name__, place=place_of(error), request_id=request_id
        )

    def library(self, record: logging.LogRecord) -> None:
        """Something that a library logged: who and where, because nobody knows what it says."""
        error = record.exc_info[1] if record.exc_info else None
        self._to.log(
            max(record.levelno, logging.INFO),
            "library",
            logger=record.name,
            place=place_of(error) if error else f"{record.filename}:{record.lineno}",
            exception=type(error).__name__ if error else None,
        )


def open_log(style: str, to: TextIO | None = None) -> Log:
    """Lines of JSON, or text for people.

    Args:
        style: json, text or auto: text on a terminal, else json.
        to: None for stderr.

    Raises:
        BadInput: there is no such style.
    """
    stream = to or sys.stderr
    if style == "auto":
        style = "text" if stream.isatty() else "json"
    if style not in STYLES:
        raise BadInput(f"--log is json or text, not {style}")
    shown: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=8)
    )
    stamps = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
    return Log(
        structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[_some, structlog.processors.add_log_level, stamps, shown],
            wrapper_class=_AT_INFO,
            cache_logger_on_first_use=True,
        )
    )


_AT_INFO = structlog.make_filtering_bound_logger(logging.INFO)


def _some(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Fields that have nothing to say are left out."""
    return {name: value for name, value in event.items() if value is not None}


def _drop(
    _logger: object, _method: str, _event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    raise structlog.DropEvent
