"""Who passed a camera since the page was opened: the newest few, kept when the camera stops."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from enrollment.passage import Passage

MOST = 20


@dataclass(frozen=True)
class Passed:
    """seconds: on the clock of `time.monotonic`."""

    at: datetime
    seconds: float
    passage: Passage


class PassedList:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._newest: deque[Passed] = deque(maxlen=MOST)
        self._lock = threading.Lock()

    def add(self, passage: Passage, seconds: float) -> None:
        with self._lock:
            self._newest.appendleft(Passed(datetime.now(UTC), seconds, passage))

    def newest_first(self) -> list[Passed]:
        with self._lock:
            return list(self._newest)

    def clear(self) -> None:
        with self._lock:
            self._newest.clear()
