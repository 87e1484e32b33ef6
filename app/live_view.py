"""Moving pictures, looked at as fast as the machine can and shown as fast as they come.

The newest frame is looked at in a thread of its own; the frames that come meanwhile are shown with
what was last known, and never queued.
"""

import logging
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)
_RATE_OVER = 2.0  # seconds

Picture = NDArray[np.uint8]  # (h, w, 3) RGB


class Rate:
    """Events a second, over the last two seconds."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def count(self, now: float) -> None:
        self._times = [t for t in self._times if now - t < _RATE_OVER] + [now]

    def at(self, now: float) -> float:
        return sum(now - t < _RATE_OVER for t in self._times) / _RATE_OVER


class LiveView:
    """One camera's pictures while it films. Its thread begins with the first picture.

    Args:
        look: called in a thread of its own with the newest picture, its number and its seconds.
        draw: the picture as it is shown; called for every one and has to be quick.
        end: called once, in the thread of `look`, when no more pictures come.
    """

    def __init__(
        self,
        look: Callable[[int, float, Picture], None],
        draw: Callable[[Picture], Picture],
        end: Callable[[], None] = lambda: None,
    ) -> None:
        self._look, self._draw, self._end = look, draw, end
        self._newest: tuple[int, float, Picture] | None = None
        self._changed = threading.Condition()
        self._over = False
        self._number = 0
        self._shown_rate, self._looked_rate = Rate(), Rate()
        self.error: Exception | None = None
        self.last_frame_at: float | None = None
        self.ended_at: float | None = None
        self._thread: threading.Thread | None = None

    def show(self, picture: Picture) -> Picture:
        """What the visitor is to see of this picture, which is also offered to be looked at."""
        now = time.monotonic()
        with self._changed:
            self._newest = (self._number, now, picture)
            self._number += 1
            if self._thread is None and not self._over:
                self._thread = threading.Thread(
                    target=self._work, name="rollcall-live", daemon=True
                )
                self._thread.start()
            self._changed.notify()
        if not self._over:  # what is still on its way when it ends is of the past
            self.last_frame_at = now
        self._shown_rate.count(now)
        return self._draw(picture)

    def close(self) -> None:
        """No more pictures come. Returns at once."""
        self._finish()

    def wait(self, seconds: float | None = None) -> None:
        """Until nothing is looked at any more, after `close`."""
        if self._thread is not None:
            self._thread.join(seconds)

    @property
    def over(self) -> bool:
        return self._over

    def rates(self) -> tuple[float, float]:
        """Pictures shown and looked at, a second."""
        now = time.monotonic()
        return self._shown_rate.at(now), self._looked_rate.at(now)

    def _work(self) -> None:
        try:
            while (newest := self._next()) is not None:
                self._look(*newest)
                self._looked_rate.count(time.monotonic())
        except Exception as error:  # said on the page, whose thread this is not
            _LOG.exception("looking at a camera's pictures ended")
            self.error = error
        finally:
            self._finish()
            self._end()

    def _finish(self) -> None:
        with self._changed:
            self._over = True
            if self.ended_at is None:
                self.ended_at = time.monotonic()
            self._changed.notify()

    def _next(self) -> tuple[int, float, Picture] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._over)
            newest, self._newest = self._newest, None
            return None if self._over else newest
