"""Does the database's server answer? And for how long may what is in memory speak for it?

While it does not, nobody who asks waits for it in vain: a thread tries, twice a second, and until
it gets through everybody is told at once. What was last confirmed to be true of the gallery may be
answered from for a while, no longer: somebody may have been erased or suspended elsewhere.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from store.errors import DatabaseAway

Value = TypeVar("Value")
MEMORY = timedelta(minutes=5)  # no longer than a proof of who one is holds
_TRY_EVERY = 0.5  # seconds
_REMEMBERED = 10_000  # callers


@dataclass(frozen=True)
class Reached:
    """away: seconds that the database has not answered for, None where it does; from_memory:
    seconds that recognition may still be answered from memory, 0 when it may not."""

    away: float | None
    from_memory: float

    @property
    def state(self) -> str:
        """there; from_memory: recognition goes on without it; away: nobody is named."""
        if self.away is None:
            return "there"
        return "from_memory" if self.from_memory > 0 else "away"


def _seconds() -> float:
    """That go on while the machine sleeps, where the system counts those."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Reach:
    """Of one gallery's database. Safe to share between threads.

    Args:
        knock: opens a connection; raises DatabaseAway.
        memory: how long what was confirmed may be answered from.
    """

    def __init__(
        self,
        knock: Callable[[], None],
        memory: timedelta,
        seconds: Callable[[], float] = _seconds,
    ) -> None:
        self._knock = knock
        self._memory = memory.total_seconds()
        self._seconds = seconds
        self._there = threading.Event()
        self._there.set()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._away: DatabaseAway | None = None
        self._since = 0.0
        self._confirmed: float | None = None
        self._known: dict[Hashable, tuple[object, float]] = {}

    def close(self) -> None:
        self._closed.set()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Around whatever asks the database. Raises DatabaseAway at once while it is."""
        away = self._away
        if away is not None:
            raise DatabaseAway(*away.args)
        try:
            yield
        except DatabaseAway as error:
            self._lose(error)
            raise

    def wait(self, seconds: float) -> None:
        """Until the database answers. Raises DatabaseAway where it has not within this time."""
        until = self._seconds() + seconds
        while True:
            try:
                with self.asking():
                    self._knock()
                    return
            except DatabaseAway:
                if not self._there.wait(max(until - self._seconds(), 0.0)):
                    raise

    def confirm(self) -> None:
        """What is in memory was just found to be what the database has."""
        self._confirmed = self._seconds()

    @property
    def remembers(self) -> bool:
        """May be answered from memory."""
        return self._left(self._confirmed) > 0

    @property
    def state(self) -> Reached:
        away = None if self._away is None else self._seconds() - self._since
        return Reached(away, max(self._left(self._confirmed), 0.0))

    def remembered(self, key: Hashable, ask: Callable[[], Value | None]) -> Value | None:
        """What `ask` says; while the database is away, what it said of this key within the time
        that memory holds. What is not there is never remembered.

        Raises:
            DatabaseAway: it is, and nothing is known of this key.
        """
        try:
            found = ask()
        except DatabaseAway:
            known, at = self._known.get(key, (None, None))
            if known is None or self._left(at) <= 0:
                raise
            return known  # type: ignore[return-value] # what `ask` said of it before
        with self._lock:
            self._known.pop(key, None)
            if found is not None:
                self._known[key] = (found, self._seconds())
                if len(self._known) > _REMEMBERED:
                    del self._known[next(iter(self._known))]
        return found

    def _left(self, confirmed: float | None) -> float:
        return 0.0 if confirmed is None else self._memory - (self._seconds() - confirmed)

    def _lose(self, error: DatabaseAway) -> None:
        with self._lock:
            if self._away is not None or self._closed.is_set():
                return
            self._since, self._away = self._seconds(), error
            self._there.clear()
        threading.Thread(target=self._look_out, name="database", daemon=True).start()

    def _look_out(self) -> None:
        while not self._closed.wait(_TRY_EVERY):
            try:
                self._knock()
            except DatabaseAway:
                continue
            break
        with self._lock:
            self._away = None
            self._there.set()
