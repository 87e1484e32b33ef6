"""Nights that are killed with kill -9 at random points, and what must hold afterwards."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from enrollment.capture import Capture
from enrollment.champion import arrays_of
from enrollment.config import Settings
from enrollment.night_lease import JOB
from enrollment.night_report import NightReport
from enrollment.nightly import Nightly, NightResult
from enrollment.opening import facts_of, write_gallery
from enrollment.planning import NightPolicy
from enrollment.service import Service, open_service
from models.head_trainer import FitOptions, HeadTrainer, unit_rows
from store.records import NewSample
from tests import tiny

KEY = "5a" * 32
_FIRST = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
_DIMENSION = tiny.TinyBackbone.dimension


@dataclass
class Tally:
    """killed: how many were killed before they had ended; published: of these, after the commit."""

    nights: int = 0
    killed: int = 0
    published: int = 0


def killed_nights(home: Path, kills: int, mode: str, seed: int = 0) -> Tally:
    """Kill so many nights, one a day, each repaired by a night that is left alone.

    Raises:
        AssertionError: something is half there afterwards.
    """
    capture = Capture(tiny.TinyDetector(), tiny.TinyBackbone())
    settings = Settings(
        home=home, key=KEY, key_folder=home.with_name(f"{home.name}-keys"), actor="kill"
    )
    write_gallery(settings, facts_of(capture, "", "none"))
    policy = NightPolicy(mode=mode, options=FitOptions(epochs=2))
    moments, tally = random.Random(seed), Tally()
    with open_service(settings, capture=capture) as service:
        newcomers(service, 6, seed=10_000)
    child = Child(settings, capture, policy)
    ticks, after = child.whole_night(_FIRST)
    for kill in range(kills):
        at = _FIRST + timedelta(days=kill + 1)
        with open_service(settings, capture=capture) as service:
            newcomers(service, 1, seed=kill)
        aim = moments.randint(1, ticks)
        # Between two ticks little happens; after the last one everything is published.
        delay = moments.uniform(0, after * 1.5) if aim == ticks else moments.uniform(0, 0.01)
        died = child.killed(at, aim, delay)
        tally.nights += 1
        tally.killed += died
        with open_service(settings, capture=capture) as service:
            tally.published += died and check(service, at, finished=False)
        child.whole_night(at)
        with open_service(settings, capture=capture) as service:
            check(service, at, finished=True)
            champion = next(h for h in service.heads() if h.state == "champion")
            assert champion.manifest["subjects"] == 7 + kill, "the night saw the newcomer"
    return tally


def check(service: Service, at: datetime, finished: bool) -> bool:
    """Nothing is half published; gives whether the day has had its night."""
    heads = service.heads()
    day = at.date().isoformat()
    assert sum(head.state == "champion" for head in heads) == 1
    for head in heads:
        if "file_sha256" in head.manifest:
            arrays = arrays_of(head, service._archive, _DIMENSION)
            assert len(arrays.subject_ids) == head.manifest["subjects"]
    today = [head for head in heads if head.manifest["day"] == day]
    champions = [head for head in today if head.state == "champion"]
    assert len({head.manifest["run_id"] for head in today}) <= 1, "two nights for one day"
    jobs = [job for job in service.nights() if job.day == day]
    done = [job for job in jobs if job.state == "finished"]
    assert len(jobs) <= 1
    assert len(done) == len(champions), "head and outcome appear together"
    assert not finished or len(done) == 1
    for job in done:
        for name in job.details["reports"]:
            assert service._archive.report(str(name)).stat().st_size > 1000
    assert service.verify_gallery().sound
    assert service.nights() == service._gallery.jobs(JOB)
    return bool(done)


@dataclass(frozen=True)
class Child:
    """Nights in processes of their own: the parent never loads what cannot be forked."""

    settings: Settings
    capture: Capture
    policy: NightPolicy

    def whole_night(self, at: datetime) -> tuple[int, float]:
        """How often it tells its progress, and the seconds from the last time to its end."""
        child, pipe = self._start(at)
        ticks, last = 0, time.monotonic()
        with os.fdopen(pipe, "rb", buffering=0) as told:
            while told.read(1):
                ticks, last = ticks + 1, time.monotonic()
        _, status = os.waitpid(child, 0)
        assert status == 0, "a night that is left alone ends well"
        return ticks, time.monotonic() - last

    def killed(self, at: datetime, aim: int, delay: float) -> bool:
        """Kill a night so long after so many ticks; was it still running?"""
        child, pipe = self._start(at)
        with os.fdopen(pipe, "rb", buffering=0) as told:
            while aim and told.read(1):
                aim -= 1
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)

    def _start(self, at: datetime) -> tuple[int, int]:
        hears, tells = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(hears)
            self._night(at, tells)
        os.close(tells)
        return child, hears

    def _night(self, at: datetime, tells: int) -> None:
        code = 1
        try:
            settings = replace(self.settings, actor="child")
            with open_service(settings, capture=self.capture) as service:
                run(service, self.policy, at, lambda stage, share: _tell(tells))
            code = 0
        finally:
            os._exit(code)


def run(
    service: Service, policy: NightPolicy, at: datetime, progress: Callable[[str, float], None]
) -> NightResult:
    report = NightReport(service._gallery, service._archive, "here", faces=False)
    nightly = Nightly(
        service._gallery,
        service._archive,
        lambda: 0.6,
        report.write,
        "kill",
        HeadTrainer(_DIMENSION),
        now=lambda: at,
    )
    return nightly.run(policy, progress)


def newcomers(service: Service, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with service._gallery.change("kill") as change:
        for i in range(count):
            subject_id = change.add_subject(f"Person {seed}-{i}", None)
            consent = change.add_consent(subject_id, "policy-none", "")
            vectors = rng.normal(size=_DIMENSION) + 0.3 * rng.normal(size=(3, _DIMENSION))
            samples = [
                NewSample(os.urandom(32), b"x", {}, v)
                for v in unit_rows(vectors.astype(np.float32))
            ]
            change.add_samples(subject_id, consent, samples)


def _tell(tells: int) -> None:
    os.write(tells, b".")
