"""One night at a time, once a UTC day, however many doors ask for it."""

import os
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from enrollment.errors import Unusable
from store.gallery import Gallery
from store.records import Job
from wording.message import message

JOB = "nightly"
# In the details of a forced run: the run of the same day that it is to replace.
_REPLACES = "replaces"
_BEAT = timedelta(seconds=20)
_DEAD_AFTER = timedelta(seconds=120)
Now = Callable[[], datetime]


@dataclass
class Lease:
    """The right to run tonight. `beat` keeps it; who lost it must not publish."""

    gallery: Gallery
    actor: str
    day: str
    started_at: datetime
    now: Now
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    _beaten_at: datetime | None = None

    def details(self) -> dict[str, object]:
        return {
            "run_id": self.run_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "beat": self.now().isoformat(),
        }

    def beat(self) -> None:
        """Say that this run is alive; writes at most every 20 s. Raises Unusable when lost."""
        now = self.now()
        if self._beaten_at is not None and abs(now - self._beaten_at) < _BEAT:
            return
        with self.gallery.change(self.actor, raises_generation=False) as change:
            kept = self.check(change.job(JOB, self.day)).details
            details = {**kept, **self.details()}
            change.put_job(JOB, self.day, "running", self.started_at, details)
        self._beaten_at = now

    def check(self, job: Job | None) -> Job:
        """The same; raises Unusable unless it is this run."""
        if job is None or job.details.get("run_id") != self.run_id or job.state != "running":
            raise Unusable(message("another run has taken over this night; nothing was published"))
        return job


def claim(
    gallery: Gallery, actor: str, now: Now, *, force: bool = False
) -> tuple[Lease | None, str]:
    """Take tonight's run, or say in words why it is not to be had.

    A run whose process is gone, or that has not been heard of for two minutes, is taken over.
    """
    day = now().astimezone(UTC).date().isoformat()
    lease = Lease(gallery, actor, day, now(), now)
    with gallery.change(actor, raises_generation=False) as change:
        job = change.job(JOB, day)
        if job is not None and job.state == "finished" and not force:
            return None, message("the night of {day} has been run already", day=day)
        if job is not None and job.state == "running" and is_alive(job.details, now()):
            return None, message(
                "the night of {day} is being run by process {pid}",
                day=day,
                pid=str(job.details.get("pid")),
            )
        # What stood of the day stays until there is something better: its reports are named, and
        # an erasure finds who is named in them.
        details = {**_kept(job), **lease.details()}
        change.put_job(JOB, day, "running", lease.started_at, details)
    return lease, ""


def give_up(lease: Lease) -> None:
    """Leave no trace of a run that did nothing: the day can still have its night, or has the one
    that was to be replaced."""
    with lease.gallery.change(lease.actor, raises_generation=False) as change:
        job = change.job(JOB, lease.day)
        if job is None or job.details.get("run_id") != lease.run_id:
            return
        change.drop_job(JOB, lease.day)
        replaced = job.details.get(_REPLACES)
        if isinstance(replaced, dict):
            details = {k: v for k, v in job.details.items() if k != _REPLACES}
            details["run_id"] = replaced["run_id"]
            started, ended = (
                datetime.fromisoformat(replaced[key]) for key in ("started_at", "finished_at")
            )
            change.put_job(JOB, lease.day, "finished", started, details, ended)


def _kept(job: Job | None) -> dict[str, object]:
    """What a run of the same day found."""
    if job is None:
        return {}
    if job.state != "finished" or job.finished_at is None:
        return dict(job.details) if _REPLACES in job.details else {}
    replaced = {
        "run_id": job.details.get("run_id"),
        "started_at": job.started_at.isoformat(),
        "finished_at": job.finished_at.isoformat(),
    }
    return {**job.details, _REPLACES: replaced}


def runs_now(job: Job, now: datetime) -> bool:
    """Is somebody running this night at this moment?"""
    return job.state == "running" and is_alive(job.details, now)


def is_alive(details: Mapping[str, object], now: datetime) -> bool:
    if details.get("host") == socket.gethostname() and not _runs(int(str(details["pid"]))):
        return False
    # A clock that jumped makes the difference negative: then the beat is not from the past.
    return abs(now - datetime.fromisoformat(str(details["beat"]))) < _DEAD_AFTER


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
