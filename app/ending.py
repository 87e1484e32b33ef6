"""SIGTERM and SIGINT: the first ends the server in good order, the second at once."""

import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """Hears the signals while it is entered; of the main thread.

    Before anything is to be called, a signal is a KeyboardInterrupt: nobody waits for an answer
    yet.
    """

    def __init__(self) -> None:
        self.signal: str | None = None
        self._acts: list[Callable[[], None]] = []
        self._before: list[object] = []

    def __enter__(self) -> Self:
        self._before = [signal.signal(number, self._hear) for number in _SIGNALS]
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for number, handler in zip(_SIGNALS, self._before, strict=True):
            signal.signal(number, handler)  # type: ignore[arg-type]

    def calls(self, act: Callable[[], None]) -> None:
        """Call this at the first signal. It may come at any place: set a flag, take no lock."""
        self._acts.append(act)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            # What was acknowledged is in the database, which a process may leave at any moment.
            os._exit(128 + number)
        self.signal = signal.Signals(number).name
        if not self._acts:
            raise KeyboardInterrupt
        for act in self._acts:
            act()
