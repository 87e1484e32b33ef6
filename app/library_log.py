"""What libraries log, led into the server's log, so that no message and no traceback is written.

Streamlit gives every logger of its own a handler that writes the whole traceback, and an error's
message may hold a name.
"""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from app.log import Log

if TYPE_CHECKING:
    from sys import UnraisableHookArgs


class Libraries:
    """Their loggers, and how they were before."""

    def __init__(self, log: Log) -> None:
        self._root = logging.getLogger()
        self._before: dict[logging.Logger, tuple[list[logging.Handler], bool]] = {}
        self._root_before = self._root.handlers
        self._root.handlers = [_Handler(log)]

    def lead(self) -> None:
        """Those that were made meanwhile, too."""
        for one in self._root.manager.loggerDict.values():
            if isinstance(one, logging.Logger) and (one.handlers or not one.propagate):
                self._before.setdefault(one, (one.handlers, one.propagate))
                one.handlers, one.propagate = [], True

    def bring_back(self) -> None:
        self._root.handlers = self._root_before
        for one, (handlers, propagate) in self._before.items():
            one.handlers, one.propagate = handlers, propagate


@contextmanager
def libraries_in(log: Log) -> Iterator[Libraries]:
    """Within, warnings and errors of every library and thread are events of this log."""
    from streamlit import logger as of_streamlit

    libraries, made = Libraries(log), of_streamlit.setup_formatter
    libraries.lead()
    of_streamlit.setup_formatter = _as_others  # for the loggers that it makes later
    logging.captureWarnings(True)
    try:
        with _hooks(log):
            yield libraries
    finally:
        logging.captureWarnings(False)
        of_streamlit.setup_formatter = made
        libraries.bring_back()


@contextmanager
def _hooks(log: Log) -> Iterator[None]:
    """For errors that nobody caught."""
    before = threading.excepthook, sys.unraisablehook, sys.excepthook

    def uncaught(error: BaseException | None) -> None:
        if error is not None:
            log.error(error)

    def of_thread(args: threading.ExceptHookArgs) -> None:
        uncaught(args.exc_value)

    def unraisable(args: "UnraisableHookArgs") -> None:
        uncaught(args.exc_value)

    def of_process(
        _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
    ) -> None:
        uncaught(error)

    threading.excepthook, sys.unraisablehook, sys.excepthook = of_thread, unraisable, of_process
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook, sys.excepthook = before


class _Handler(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.library(record)


def _as_others(logger: logging.Logger) -> None:
    logger.propagate = True
