"""One move to another backbone at a time, however many doors ask for it; and its reports."""

import os
import socket
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from enrollment.errors import BadInput, Unusable
from enrollment.night_lease import is_alive
from store.change import Change
from store.gallery import Gallery
from store.records import Job
from wording.message import message

JOB = "rebackbone"
_ROW = "shadow"  # there is one, whatever the day
_BEAT = timedelta(seconds=20)
_KEPT_REPORTS = 20  # files: pages and documents
Now = Callable[[], datetime]


@dataclass
class Lease:
    """The right to work at the shadow. `beat` keeps it; who lost it must write nothing more."""

    gallery: Gallery
    actor: str
    now: Now
    started_at: datetime
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    _beaten_at: datetime | None = None

    def beat(self) -> None:
        """Say that this run is alive; writes at most every 20 s. Raises Unusable when lost."""
        now = self.now()
        if self._beaten_at is not None and abs(now - self._beaten_at) < _BEAT:
            return
        with self.gallery.change(self.actor, raises_generation=False) as change:
            self.keep(change)
        self._beaten_at = now

    def keep(self, change: Change) -> None:
        """The same, within a change."""
        self._put(change, "running", self.check(change).details)

    def check(self, change: Change) -> Job:
        """Raises Unusable when somebody else has taken over."""
        job = change.job(JOB, _ROW)
        if job is None or job.details.get("run_id") != self.run_id or job.state != "running":
            raise Unusable(
                message(
                    "another process has taken over the move to another backbone; nothing more "
                    "was written here"
                )
            )
        return job

    def name_reports(self, change: Change, reports: list[str], mentioned: Collection[str]) -> None:
        """From now on an erasure finds who is named in these files."""
        details = self.check(change).details
        kept = [*_texts(details.get("reports")), *reports][-_KEPT_REPORTS:]
        mentions = sorted({*_texts(details.get("mentions")), *mentioned})
        self._put(change, "running", {**details, "reports": kept, "mentions": mentions})

    def end(self) -> None:
        """Others may go on with it."""
        with self.gallery.change(self.actor, raises_generation=False) as change:
            job = change.job(JOB, _ROW)
            if job is not None and job.details.get("run_id") == self.run_id:
                change.put_job(JOB, _ROW, "finished", self.started_at, job.details)

    def _put(self, change: Change, state: str, details: Mapping[str, object]) -> None:
        mine = {
            "run_id": self.run_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "beat": self.now().isoformat(),
        }
        change.put_job(JOB, _ROW, state, self.started_at, {**details, **mine})


def claim(gallery: Gallery, actor: str, now: Now) -> Lease:
    """Raises BadInput while another process is at it: one that is gone, or has not been heard of
    for two minutes, is taken over."""
    lease = Lease(gallery, actor, now, now())
    with gallery.change(actor, raises_generation=False) as change:
        job = change.job(JOB, _ROW)
        if job is not None and job.state == "running" and is_alive(job.details, now()):
            raise BadInput(
                message(
                    "process {pid} on {host} is working at the move to another backbone; "
                    "wait for it, or end it",
                    pid=str(job.details.get("pid")),
                    host=str(job.details.get("host")),
                )
            )
        lease._put(change, "running", job.details if job is not None else {})
    return lease


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []
