"""What this process has done since it was opened, in numbers: nobody's name, id or score."""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

# Upper bounds, in seconds: from a search among a few to VGG-Face on a busy CPU.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
NIGHT_OUTCOMES = ("promoted", "refused", "skipped", "stopped", "failed")
WAYS = ("identify", "passage", "verify")
DECISIONS = ("known", "unknown", "refused")
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Times:
    """How long something took. within: how often at most each of `BOUNDS`, cumulative."""

    within: tuple[int, ...]
    count: int
    seconds: float


@dataclass(frozen=True)
class NightEnd:
    """outcome: one of `NIGHT_OUTCOMES`; mode: the way of learning, None where it came to none."""

    outcome: str
    mode: str | None
    seconds: float


@dataclass(frozen=True)
class Counted:
    """A copy of a tally, of one moment.

    embedded: faces; searches: probes that were compared with everybody enrolled. decisions: by way
    (`WAYS`) and decision.
    """

    embedded: int
    searches: int
    decisions: Mapping[tuple[str, str], int]
    rebuilds: int
    nights: Mapping[str, int]
    embedding: Times
    searching: Times


class NightCount:
    """One night that runs: it has failed unless it is said how it ended."""

    def __init__(self) -> None:
        self.outcome = "failed"
        self.mode: str | None = None

    def ended(self, outcome: str, mode: str) -> None:
        self.outcome, self.mode = outcome, mode

    def stoppable(self, progress: Progress) -> Progress:
        """`progress`; a night that it ends was stopped, and has not failed."""

        def told(stage: str, share: float) -> None:
            try:
                progress(stage, share)
            except BaseException:
                self.outcome = "stopped"
                raise

        return told


class Tally:
    """Safe to share between threads. Built in `open_service`, passed to what is counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._embedding, self._searching = _Durations(), _Durations()
        self._embedded = self._searches = self._rebuilds = 0
        self._decisions: Counter[tuple[str, str]] = Counter()
        self._nights: Counter[str] = Counter()
        self._hearing: list[Callable[[NightEnd], None]] = []

    @contextmanager
    def embedding(self, faces: int) -> Iterator[None]:
        """Around one batch; one that fails is not counted."""
        started = time.perf_counter()
        yield
        with self._lock:
            self._embedded += faces
            self._embedding.add(time.perf_counter() - started)

    @contextmanager
    def searching(self, probes: int) -> Iterator[None]:
        """Around one comparison of these probes with everybody; one that fails is not counted."""
        started = time.perf_counter()
        yield
        with self._lock:
            self._searches += probes
            self._searching.add(time.perf_counter() - started)

    def decided(self, way: str, decision: str) -> None:
        with self._lock:
            self._decisions[way, decision] += 1

    def rebuilt(self) -> None:
        with self._lock:
            self._rebuilds += 1

    @contextmanager
    def night(self) -> Iterator[NightCount]:
        """Around one night, whoever runs it."""
        started, night = time.monotonic(), NightCount()
        try:
            yield night
        finally:
            end = NightEnd(night.outcome, night.mode, time.monotonic() - started)
            with self._lock:
                self._nights[night.outcome] += 1
            for hear in tuple(self._hearing):
                hear(end)

    def tell_nights(self, hear: Callable[[NightEnd], None]) -> None:
        """Call this at the end of every night from now on, in the night's thread."""
        self._hearing.append(hear)

    def read(self) -> Counted:
        """Every way, decision and outcome is there, with 0 where there was none."""
        with self._lock:
            return Counted(
                embedded=self._embedded,
                searches=self._searches,
                decisions={(w, d): self._decisions[w, d] for w in WAYS for d in DECISIONS},
                rebuilds=self._rebuilds,
                nights={outcome: self._nights[outcome] for outcome in NIGHT_OUTCOMES},
                embedding=self._embedding.read(),
                searching=self._searching.read(),
            )


class _Durations:
    def __init__(self) -> None:
        self._buckets = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def read(self) -> Times:
        within, so_far = [], 0
        for n in self._buckets[:-1]:
            so_far += n
            within.append(so_far)
        return Times(tuple(within), so_far + self._buckets[-1], self._seconds)
