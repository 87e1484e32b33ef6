"""Two servers' schedules under a clock that jumps, stands still and is set, over many days.

The schedule (app/schedule.py), APScheduler's own reckoning, the lease and the publishing are the
product's, on a real gallery; only the clock is not. One seed is one history.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers import base
from apscheduler.schedulers.base import BaseScheduler

from app.schedule import Schedule, Wakeful
from enrollment.nightly import Nightly, NightResult
from enrollment.planning import NightPolicy
from enrollment.service import Service, open_service
from models.head_trainer import HeadTrainer
from store.archive import open_archive
from store.key import parse_key
from store.records import Job
from store.vault import Vault
from tests import tiny
from tests.faults.place import Place, capture

AT = time(2, 0, tzinfo=UTC)
STEP = timedelta(minutes=20)
_MUST = timedelta(
    hours=3
)  # so long a server was up, past the time, on a day that must have a night
_LONG = timedelta(days=3)
Progress = Callable[[str, float], None]


class _KilledError(BaseException):
    """This server was killed with its night; nothing of it goes on."""


class _Simulated(Wakeful):
    """Asked by hand whether something is due, instead of by a thread."""

    def start(self, *args: object, **kwargs: object) -> None:
        BaseScheduler.start(self, *args, **kwargs)

    def shutdown(self, wait: bool = True) -> None:
        BaseScheduler.shutdown(self, wait)

    def wakeup(self) -> None:
        pass


@dataclass
class History:
    """must: days that had to have their night; nights: that they had, by day; faults: by kind."""

    must: set[str] = field(default_factory=set)
    nights: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    days: int = 0

    @property
    def wrong(self) -> list[str]:
        twice = [f"{day}: {n} nights" for day, n in self.nights.items() if n > 1]
        return [*twice, *(f"{day}: no night" for day in self.must if not self.nights[day])]


class _Server:
    """What a schedule needs of a service, open until it is killed."""

    def __init__(self, world: "World", name: str) -> None:
        self._world = world
        self.name = name
        self.doomed = False  # its next night is killed
        self.open: Service | None = None
        self.schedule: Schedule | None = None
        self.wakes = timedelta(0)  # by the world's steady clock
        self.down_until = timedelta(0)
        self.running = False

    def start(self) -> None:
        self.reopen()
        ticking = _Simulated(STEP, timezone=UTC, executors={"default": DebugExecutor()})
        self.schedule = Schedule(self, AT, ticking, self._world.now)  # type: ignore[arg-type]
        self.wakes = self._world.steady

    def reopen(self) -> None:
        self.open = open_service(self._world.place.settings, capture=capture())
        self.open._gallery._now = self._world.now

    def stop(self) -> None:
        if self.open is not None:
            self.open.close()
        self.open = self.schedule = None

    def look(self) -> None:
        """As APScheduler's thread does when it wakes."""
        if self.schedule is None or self.running:
            return
        wait = self.schedule._scheduler._process_jobs()
        if self.open is None:  # it was killed with its night
            self.down_until = self._world.steady + self._world.chance.choice((1, 3)) * STEP
            return
        self.wakes = self._world.steady + min(timedelta(seconds=wait), _LONG)

    # -- as the schedule sees a service ------------------------------------------------------

    def head_lost(self) -> bool:
        assert self.open is not None
        return self.open.head_lost()

    def nightly(self, progress: Progress, force: bool) -> NightResult:
        assert self.open is not None
        assert not force, "nobody is erased here"
        if self.doomed:
            self.doomed = False
            self._world.kill(self)
            raise _KilledError
        self.running = True
        try:
            return self._world.night(self.open, self._told(progress))
        finally:
            self.running = False

    def nights(self) -> list[Job]:
        assert self.open is not None
        return self.open.nights()

    def count(self) -> int:
        assert self.open is not None
        return self.open.count()

    def night_of(self, day: str) -> dict[str, object] | None:
        assert self.open is not None
        return self.open.night_of(day)

    def _told(self, progress: Progress) -> Progress:
        def told(stage: str, share: float) -> None:
            progress(stage, share)
            self._world.meanwhile(self)

        return told


class World:
    """A steady clock that stands still while the machine sleeps, and the wall clock beside it."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.chance = random.Random(seed)
        self.steady = timedelta(0)
        self.offset = datetime(2026, 3, 1, 12, 0, tzinfo=UTC) + timedelta(
            days=self.chance.randrange(300)
        )
        self.history = History()
        self._servers = [_Server(self, name) for name in ("one", "two")]
        self._covered: dict[str, timedelta] = {}
        self._correction: tuple[timedelta, timedelta] | None = None

    def now(self) -> datetime:
        return self.offset + self.steady

    def run(self, days: int) -> History:
        seen: set[str] = set()
        with self._clock():
            while len(seen) < days:
                seen.add(self.now().date().isoformat())
                self._fate()
                for server in self._servers:
                    if server.schedule is None and self.steady >= server.down_until:
                        server.start()
                for server in self._servers:
                    if self.steady >= server.wakes:
                        server.look()
                self._cover()
                self.steady += STEP
            with open_service(self.place.settings, capture=capture()) as service:
                done = [job.day for job in service.nights() if job.state == "finished"]
                heads = {str(head.manifest["run_id"]) for head in service.heads()}
                assert service.verify_gallery().sound
                assert len(heads) <= len(done)
            for server in self._servers:
                server.stop()
        assert sorted(self.history.nights.elements()) == sorted(done)
        self.history.days = len(seen)
        return self.history

    def night(self, service: Service, progress: Progress) -> NightResult:
        archive = open_archive(self.place.home, Vault(parse_key(tiny.KEY)))
        nightly = Nightly(
            service._gallery,
            archive,
            lambda: 0.6,
            lambda night: ([], []),
            "simulated",
            HeadTrainer(tiny.TinyBackbone.dimension),
            now=self.now,
        )
        result = nightly.run(NightPolicy(mode="imprint"), progress)
        if result.outcome != "skipped":
            self.history.nights[result.day] += 1
            self._something_new(service)
        return result

    def kill(self, server: _Server) -> None:
        """A night of this server, in a process of its own that is killed at some point of it."""
        for each in self._servers:  # no connection may be open in a fork
            if each.open is not None:
                each.open.close()
        before = set(self._finished())
        last = self.chance.randrange(9)
        child = os.fork()
        if child == 0:
            try:
                self._die(last)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        self.history.faults["killed"] += os.WIFSIGNALED(status)
        published = set(self._finished()) - before
        self.history.nights.update(published)
        if published:  # killed after its commit; else there would be nothing to learn ever after
            with open_service(self.place.settings, capture=capture()) as service:
                service._gallery._now = self.now
                self._something_new(service)
        server.open = server.schedule = None
        for each in self._servers:
            if each.open is not None:
                each.reopen()

    def _die(self, last: int) -> None:
        told = 0

        def progress(_stage: str, _share: float) -> None:
            nonlocal told
            told += 1
            if told > last:
                os.kill(os.getpid(), signal.SIGKILL)

        service = open_service(self.place.settings, capture=capture())
        service._gallery._now = self.now
        self.night(service, progress)
        os.kill(os.getpid(), signal.SIGKILL)

    def _finished(self) -> list[str]:
        with open_service(self.place.settings, capture=capture()) as service:
            return [job.day for job in service.nights() if job.state == "finished"]

    def meanwhile(self, server: _Server) -> None:
        """While one server's night runs: the clock is set, the other one's time comes."""
        if self.chance.random() < 0.01:
            self._jump()
        if self.chance.random() < 0.2:
            for other in self._servers:
                if other is not server:
                    other.look()

    def _fate(self) -> None:
        """What befalls the machine in this step; about one day in three has something."""
        drawn = self.chance.random() * 72
        if self._correction is not None and self.steady >= self._correction[0]:
            self.offset += self._correction[1]
            self._correction = None
            self._covered.clear()
        elif drawn < 0.1:
            self._jump()
        elif drawn < 0.15:
            self.history.faults["suspended"] += 1
            self.offset += timedelta(hours=self.chance.uniform(1, 72))
            self._covered.clear()
        elif drawn < 0.25:
            self.chance.choice(self._servers).doomed = True
        elif drawn < 0.3:
            self.history.faults["restarted"] += 1
            server = self.chance.choice(self._servers)
            server.stop()
            server.down_until = self.steady + self.chance.randrange(1, 30) * STEP
            self._covered.clear()

    def _jump(self) -> None:
        self.history.faults["clock set"] += 1
        by = timedelta(hours=self.chance.uniform(-26, 26))
        self.offset += by
        self._covered.clear()
        if self._correction is None and self.chance.random() < 0.7:
            self._correction = self.steady + self.chance.randrange(1, 60) * STEP, -by

    def _cover(self) -> None:
        """Count for how long somebody was there to run the night of this day."""
        now = self.now()
        day = now.date().isoformat()
        up = any(server.schedule is not None for server in self._servers)
        later = any(done > day for done in self.history.nights)
        if not up or later or now.timetz() < AT:
            self._covered.pop(day, None)
            return
        self._covered[day] = self._covered.get(day, timedelta(0)) + STEP
        if self._covered[day] >= _MUST:
            self.history.must.add(day)

    def _something_new(self, service: Service) -> None:
        """So that there is something to learn the next night: another one of three is suspended.

        By the number of nights: it is called twice for one that was killed after its end, and of
        two nights that overlap the earlier one may be published last.
        """
        nights = sum(job.state == "finished" for job in service.nights())
        everybody = sorted(service.people(), key=lambda person: person.subject_id)
        with service._gallery.change("simulated") as change:
            for number, who in enumerate(everybody):
                suspended = number == nights % len(everybody)
                change.set_state(who.subject_id, "suspended" if suspended else "active")

    @contextmanager
    def _clock(self) -> Iterator[None]:
        world, real = self, base.datetime

        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return world.now().astimezone(tz)

        base.datetime = Clock
        try:
            yield
        finally:
            base.datetime = real
