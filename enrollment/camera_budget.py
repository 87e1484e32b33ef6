"""How fast a camera may answer somebody who is not enrolled, so that answers cannot be collected.

Each passage that names nobody tells a bit about everybody. As for keys (`key_budget`, NIST SP
800-63B) a row of failures is slowed down, but never stopped: nobody stands by a door to let it go
on, and a door of visitors alone would stop each day (`python -m benchmarks.camera_back_off`).
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class CameraBackOff:
    """free: so many passages in a row may name nobody; after each further one nobody is looked at
    for so many seconds. within: a row ends by itself when so long nobody was unknown, in seconds;
    at least free * seconds, or waiting would be quicker than being slowed down."""

    free: int = 20
    seconds: float = 30.0
    within: float = 600.0


class CameraBudget:
    """Of one camera. Safe to share between threads. clock: seconds, that only go forward."""

    def __init__(
        self, back_off: CameraBackOff | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._back_off = back_off or CameraBackOff()
        self._clock = clock
        self._lock = threading.Lock()
        self._row = 0
        self._last: float | None = None  # when somebody was unknown

    def count(self, decision: str) -> None:
        """What a passage ended with. Who was refused was compared with nobody."""
        now = self._clock()
        with self._lock:
            if decision == "known":
                self._row = 0
            elif decision == "unknown":
                recent = self._last is not None and now - self._last <= self._back_off.within
                self._row = self._row + 1 if recent else 1
                self._last = now

    def wait(self) -> float:
        """Seconds until the next face may be looked at; 0: now."""
        with self._lock:
            if self._last is None or self._row < self._back_off.free:
                return 0.0
            return max(self._last + self._back_off.seconds - self._clock(), 0.0)
