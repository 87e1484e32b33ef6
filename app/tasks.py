"""Long work that a page starts and that goes on when the page is left: one of a name at a time."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from enrollment.errors import RollcallError
from models.errors import ModelError
from store.errors import StoreError
from wording.message import message, words_of

_LOG = logging.getLogger(__name__)
_SECONDS_TO_END = 10.0


class Stopped(Exception):
    """Somebody pressed stop; raised inside the work, at its next step."""


@dataclass(eq=False)
class Task:
    """One piece of work, as pages see it while it runs and afterwards.

    state: "running" | "done" | "stopped" | "failed". error: a sentence, when it failed.
    done, total: steps; total 0: not known. stage: what it is at now.
    results: what the work has handed over so far; pages read it while it grows.
    """

    name: str
    started: datetime
    state: str = "running"
    stage: str = ""
    done: int = 0
    total: int = 0
    error: str | None = None
    ended: datetime | None = None
    results: list[object] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def share(self) -> float:
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def step(self, stage: str | None = None, share: float | None = None) -> None:
        """One step further, or at this share, 0..1. Called by the work.

        Raises:
            Stopped: somebody pressed stop.
        """
        if self._stop.is_set():
            raise Stopped
        if stage is not None:
            self.stage = stage
        if share is None:
            self.done += 1
        else:
            self.done, self.total = round(share * 1000), 1000

    def stop(self) -> None:
        """Ask it to end at its next step; what was done until then stays."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        if self._thread is not None:
            self._thread.join(seconds)


class Tasks:
    """The work of one process. Safe to share between threads."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._lock = threading.Lock()

    def latest(self, name: str) -> Task | None:
        """The one that runs, or the last one that ran; None before the first."""
        return self._tasks.get(name)

    def start(self, name: str, work: Callable[[Task], None], total: int = 0) -> Task:
        """Start `work` in a thread of its own; while one of this name runs, that one is returned.

        Args:
            work: calls `step` often, and appends what it has to `results`.
        """
        with self._lock:
            running = self._tasks.get(name)
            if running is not None and running.running:
                return running
            task = Task(name, datetime.now(UTC), total=total)
            task._thread = threading.Thread(
                target=_run, args=(task, work), name=f"rollcall-{name}", daemon=True
            )
            self._tasks[name] = task
            task._thread.start()
        return task

    def forget(self, name: str) -> None:
        """Let go of what the last one handed over; one that runs stays."""
        with self._lock:
            task = self._tasks.get(name)
            if task is not None and not task.running:
                del self._tasks[name]

    def close(self) -> None:
        """Stop everything and wait until it has ended."""
        for task in list(self._tasks.values()):
            task.stop()
        for task in list(self._tasks.values()):
            task.wait(_SECONDS_TO_END)


def _run(task: Task, work: Callable[[Task], None]) -> None:
    try:
        work(task)
        state = "done"
    except Stopped:
        state = "stopped"
    except (RollcallError, StoreError, ModelError) as error:
        task.error = words_of(error)
        state = "failed"
    except Exception:
        _LOG.exception("%s ended with an error that nobody foresaw", task.name)
        task.error = message("an error that nobody foresaw; the server's log has it")
        state = "failed"
    task.ended = datetime.now(UTC)
    task.state = state
