"""The server's night: at its time, and made up for when it was missed."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app import schedule
from app.schedule import Schedule, missed, run_night, time_of_day
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.nightly import Progress
from enrollment.planning import NightPolicy
from enrollment.service import Service
from models.head_trainer import FitOptions

NOW = datetime.now(UTC)


@pytest.fixture
def enrolled(service: Service, person: Callable[..., Enrollee]) -> Service:
    list(service.enroll([person(0, range(1))], "yes"))
    return service


def test_times() -> None:
    assert time_of_day("off") is None
    at = time_of_day("02:30")
    assert (at.hour, at.minute, at.tzinfo) == (2, 30, UTC)
    for bad in ("2", "25:00", "night", ""):
        with pytest.raises(BadInput, match="nightly-at"):
            time_of_day(bad)


def test_a_missed_night_is_made_up_for(
    enrolled: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schedule, "_CATCH_UP", timedelta(0))
    done = threading.Event()
    run = enrolled.nightly

    def nightly(**options: object) -> object:
        try:
            return run(NightPolicy(mode="imprint"), **options)
        finally:
            done.set()

    monkeypatch.setattr(enrolled, "nightly", nightly)
    at = (NOW - timedelta(hours=1)).timetz()
    assert missed(enrolled, at, NOW)
    nights = Schedule(enrolled, at)
    assert done.wait(600)
    nights.end()
    assert "night     promoted" in capsys.readouterr().err
    assert not missed(enrolled, at, NOW)
    assert missed(enrolled, at, NOW + timedelta(days=1, hours=1))


def test_the_clock_is_looked_at_although_nothing_is_due() -> None:
    """A machine that slept, or whose time was set, else waits on by the time of before."""
    ticking = schedule.Wakeful(timezone=UTC)
    ticking.add_job(lambda: None, "date", run_date=NOW + timedelta(days=2))
    ticking.start(paused=True)
    try:
        ticking.state = 1  # as while it runs, without its thread looking too
        assert 0 < ticking._process_jobs() <= 60
    finally:
        ticking.shutdown()


def test_nobody_enrolled_is_no_missed_night(service: Service) -> None:
    assert not missed(service, NOW.timetz(), NOW)


def test_what_goes_wrong_is_said(
    enrolled: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: object) -> None:
        raise BadInput("the moon is full of Ada")

    monkeypatch.setattr(enrolled, "nightly", fails)
    assert run_night(enrolled) is None
    said = capsys.readouterr().err
    assert "night     not run: BadInput at " in said
    assert "Ada" not in said


def test_a_server_that_ends_breaks_the_night_off(
    enrolled: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schedule, "_CATCH_UP", timedelta(0))
    begun, may_go_on = threading.Event(), threading.Event()
    run = enrolled.nightly

    def nightly(progress: Progress, force: bool) -> object:
        def slow(stage: str, share: float) -> None:
            begun.set()
            may_go_on.wait(600)
            progress(stage, share)

        return run(NightPolicy(mode="imprint"), slow)

    monkeypatch.setattr(enrolled, "nightly", nightly)
    nights = Schedule(enrolled, (NOW - timedelta(hours=1)).timetz())
    assert begun.wait(600)
    ending = threading.Thread(target=nights.end)
    ending.start()
    assert nights._ending.wait(600)
    may_go_on.set()
    ending.join(600)
    assert "broken off" in capsys.readouterr().err
    assert enrolled.nights() == []


@pytest.mark.slow
def test_a_head_that_was_erased_with_somebody_is_replaced_within_the_hour(
    service: Service, person: Callable[..., Enrollee]
) -> None:
    assert timedelta(minutes=30) >= schedule._LOOK_FOR_LOST
    people = [person(n) for n in range(4)]
    assert all(r.enrolled for r in service.enroll(people, "yes", allow_collision))
    quick = NightPolicy(mode="joint", options=FitOptions(epochs=2))
    service.nightly(quick)
    trained = next(h for h in service.heads() if h.manifest["mode"] == "joint")
    service.promote_head(trained.head_id)
    assert run_night(service, only_lost=True) is None, "a head serves"
    service.erase("Person 3")
    assert service.head_lost()
    result = run_night(service, only_lost=True)
    assert result is not None
    assert result.outcome == "promoted"
    assert not service.head_lost()
    assert run_night(service, only_lost=True) is None, "once is enough"
