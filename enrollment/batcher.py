"""Crops of several callers go through the backbone together."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Crops = NDArray[np.uint8]
Rows = NDArray[np.float32]
MOST = 32  # crops at once: no backbone gains from more, and whoever comes next would wait for it


class Batcher:
    """A function of crops, run for one batch at a time. Safe to share between threads.

    Nobody waits for company: whoever comes first runs at once, and what comes meanwhile goes
    together next. It has no thread of its own: of those who wait, the first runs the batch for all.
    """

    def __init__(self, embed: Callable[[Crops], Rows], most: int = MOST) -> None:
        self._embed = embed
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[_Call] = deque()
        self._leader: _Call | None = None

    def embed(self, crops: Crops) -> Rows:
        """The rows of these crops alone, in their order; blocks until they are there.

        Raises whatever the function raises for these crops, and nothing that it raises for others'.

        Args:
            crops: (n, height, width, 3) uint8, n > 0. More than `most` of one caller go alone.
        """
        call = _Call(crops)
        try:
            with self._lock:
                self._waiting.append(call)
                if self._leader is None:
                    self._appoint()
            call.ready.wait()
            if self._leader is call:
                self._lead(call)
        finally:
            self._leave(call)
        return call.answer()

    def _lead(self, call: "_Call") -> None:
        batch = self._take()
        try:
            _run(batch, self._embed)
        finally:
            with self._lock:
                # Where Ctrl-C stopped this thread, the others' crops go with the next.
                self._waiting.extendleft(c for c in reversed(batch) if not c.done and c is not call)
            for other in batch:
                if other.done:
                    other.ready.set()

    def _take(self) -> "list[_Call]":
        """Those who have waited longest; the leader is the first of them."""
        with self._lock:
            batch = [self._waiting.popleft()]
            size = len(batch[0].crops)
            while self._waiting and size + len(self._waiting[0].crops) <= self._most:
                batch.append(self._waiting.popleft())
                size += len(batch[-1].crops)
        return batch

    def _leave(self, call: "_Call") -> None:
        with self._lock:
            if call in self._waiting:  # Ctrl-C while it waited
                self._waiting.remove(call)
            if self._leader is call:
                self._appoint()

    def _appoint(self) -> None:
        self._leader = self._waiting[0] if self._waiting else None
        if self._leader is not None:
            self._leader.ready.set()


class _Call:
    """One caller's crops. ready: it has its answer, or is to lead."""

    def __init__(self, crops: Crops) -> None:
        self.crops = crops
        self.ready = threading.Event()
        self.rows: Rows | None = None
        self.error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.rows is not None or self.error is not None

    def run(self, embed: Callable[[Crops], Rows]) -> None:
        try:
            self.rows = embed(self.crops)
        except Exception as error:  # whatever it is, it is raised where the crops came from
            self.error = error

    def answer(self) -> Rows:
        if self.error is not None:
            raise self.error
        assert self.rows is not None  # noqa: S101 - a leader answers everybody it takes
        return self.rows


def _run(batch: Sequence[_Call], embed: Callable[[Crops], Rows]) -> None:
    if len(batch) > 1:
        try:
            rows = embed(np.concatenate([call.crops for call in batch]))
        except Exception:  # somebody's crops: each is run again alone, below
            rows = None
        if rows is not None:
            at = 0
            for call in batch:
                # A copy, or whoever keeps one row would keep the batch.
                call.rows = rows[at : at + len(call.crops)].copy()
                at += len(call.crops)
            return
    for call in batch:
        call.run(embed)
