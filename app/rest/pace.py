"""How fast a key may ask: a bucket of tokens each, in memory."""

import threading
import time
from collections.abc import Callable

# reliability.md 5.2
A_SECOND = 10.0
AT_ONCE = 20.0


class Pace:
    def __init__(
        self,
        a_second: float = A_SECOND,
        at_once: float = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._a_second, self._at_once, self._clock = a_second, at_once, clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait(self, key_id: str) -> float:
        """Takes a token; 0, or the seconds until there is one, and then none was taken."""
        with self._lock:
            now = self._clock()
            tokens, at = self._buckets.get(key_id, (self._at_once, now))
            tokens = min(self._at_once, tokens + (now - at) * self._a_second)
            if tokens < 1:
                self._buckets[key_id] = (tokens, now)
                return (1 - tokens) / self._a_second
            self._buckets[key_id] = (tokens - 1, now)
            return 0.0
