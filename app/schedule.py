"""The night of a server: once a day at a time of day, and made up for when it was missed."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from app.output import note
from app.place import place_of
from enrollment.errors import BadInput, Ending, RollcallError
from enrollment.nightly import NightResult, Progress
from enrollment.service import Service
from models.errors import ModelError
from store.errors import StoreError

# A server that was down at night catches up shortly after its start, not in its first second.
_CATCH_UP = timedelta(minutes=1)
# Where a trained head went with somebody who was erased, the next one does not wait for the night:
# design.md asks for it within the hour. Not at once, for many may be erased one after the other.
_LOOK_FOR_LOST = timedelta(minutes=20)
_LOOKS_EVERY = timedelta(minutes=1)


class _ServerEndsError(Exception):
    """The server ends while a night runs."""


def time_of_day(text: str) -> time | None:
    """`HH:MM` in UTC; None for `off`. Raises BadInput."""
    if text == "off":
        return None
    try:
        return time.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise BadInput(f"--nightly-at is HH:MM in UTC, or off; not {text}") from error


class Wakeful(BackgroundScheduler):  # type: ignore[misc]  # it comes without types
    """Looks at the clock at least every so often.

    APScheduler waits for the next night by a clock that stands still while the machine sleeps, and
    that knows nothing of the time being set: after three days' sleep a night came a day late.
    """

    def __init__(self, every: timedelta = _LOOKS_EVERY, **options: object) -> None:
        super().__init__(**options)
        self._every = every.total_seconds()

    def _process_jobs(self) -> float:
        wait: float | None = super()._process_jobs()
        return self._every if wait is None else min(wait, self._every)


class Schedule:
    """Runs what `rollcall nightly` runs, until `end`."""

    def __init__(
        self,
        service: Service,
        at: time,
        scheduler: BackgroundScheduler | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._service = service
        self._ending = threading.Event()
        self._scheduler = scheduler or Wakeful(timezone=UTC)
        self._add(CronTrigger(hour=at.hour, minute=at.minute, timezone=UTC))
        if missed(service, at, now()):
            self._add(DateTrigger(now() + _CATCH_UP))
        often = IntervalTrigger(seconds=_LOOK_FOR_LOST.total_seconds(), timezone=UTC)
        self._add(often, self._replace_lost)
        self._scheduler.start()

    def end(self) -> None:
        """Break off a night that runs; it leaves nothing and is made up for."""
        self._ending.set()
        self._scheduler.shutdown()

    def _add(self, trigger: object, run: Callable[[], None] | None = None) -> None:
        self._scheduler.add_job(
            run or self._run, trigger, coalesce=True, max_instances=1, misfire_grace_time=None
        )

    def _run(self) -> None:
        run_night(self._service, self._watch)

    def _replace_lost(self) -> None:
        run_night(self._service, self._watch, only_lost=True)

    def _watch(self, stage: str, share: float) -> None:
        if self._ending.is_set():
            raise _ServerEndsError(stage)


def missed(service: Service, at: time, now: datetime) -> bool:
    """Has the last scheduled time passed without a night?"""
    due = datetime.combine(now.astimezone(UTC).date(), at)
    if due > now:
        due -= timedelta(days=1)
    finished = [night.finished_at for night in service.nights() if night.finished_at is not None]
    return service.count() > 0 and not any(end >= due for end in finished)


def run_night(
    service: Service,
    progress: Progress = lambda stage, share: None,
    *,
    only_lost: bool = False,
) -> NightResult | None:
    """One night; what goes wrong is said, and the server serves on.

    Args:
        only_lost: only where a trained head went with somebody who was erased, and then also on a
            day that has had its night.
    """
    try:
        if only_lost and not service.head_lost():
            return None
        result = service.nightly(progress=progress, force=only_lost)
    except _ServerEndsError as stage:
        note(f"night     broken off at: {stage}")
        return None
    except Ending:
        note("night     broken off, because the server ends")
        return None
    except (RollcallError, StoreError, ModelError) as error:
        # Not what it says, which may hold a name: these lines are kept by whoever runs the server.
        note(f"night     not run: {type(error).__name__} at {place_of(error)}")
        return None
    note(f"night     {result.outcome}: {_nameless(service, result)}")
    return result


def _nameless(service: Service, result: NightResult) -> str:
    """Why it ended so, as it is kept; of a night that was not run nobody is told of."""
    kept = service.night_of(result.day) if result.outcome != "skipped" else None
    return result.reason if kept is None else str(kept["reason"])
