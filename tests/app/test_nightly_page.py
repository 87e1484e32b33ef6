"""The nightly page as Streamlit runs it, on real nights with tiny models; no browser."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from app.language import Language
from app.night_facts import facts_of
from app.night_run import TASK
from app.tasks import Tasks
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.night_lease import JOB, claim, give_up
from enrollment.night_record import kept_reason, reason_of
from enrollment.planning import NightPolicy
from enrollment.service import Service
from wording.message import joined, message

pytestmark = pytest.mark.slow

QUICK = NightPolicy(mode="imprint")


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.close()


@pytest.fixture
def enroll(service: Service, person: Callable[..., Enrollee]) -> Callable[[range], None]:
    def add(numbers: range) -> None:
        list(service.enroll([person(i, range(2)) for i in numbers], "yes", allow_collision))

    return add


def _nightly_page(service, tasks) -> None:  # a script of its own: it knows no names from here
    from app.language import Language
    from app.nightly_page import show
    from app.visit import Visit

    show(Visit(service, Language(), tasks))


def _nightly_page_in_german(service, tasks) -> None:
    from app.language import Language
    from app.nightly_page import show
    from app.visit import Visit

    show(Visit(service, Language("de"), tasks))


def open_page(service: Service, tasks: Tasks, page=_nightly_page) -> AppTest:
    at = AppTest.from_function(page, default_timeout=600, args=(service, tasks)).run()
    assert not at.exception
    return at


def press(at: AppTest, label: str) -> AppTest:
    (button,) = [button for button in at.button if button.label == label]
    button.click().run()
    assert not at.exception
    return at


def said(at: AppTest) -> str:
    """Everything on the page that is text, without what keeps it from being markup."""
    parts = [*at.title, *at.subheader, *at.text, *at.caption, *at.markdown, *at.error]
    parts += [*at.warning, *at.info, *at.success]
    titles = [part.proto.title for part in [*at.error, *at.warning, *at.info, *at.success]]
    text = "\n".join([*(str(part.value) for part in parts), *titles])
    return text.replace("\\", "").replace("\u2060", "")


def cells(at: AppTest, number: int) -> str:
    return at.table[number].value.to_string().replace("\\", "").replace("\u2060", "")


def put_nights(service: Service, nights: int, details: dict[str, object]) -> None:
    last = date(2026, 11, 20)
    with service._gallery.change("test", raises_generation=False) as change:
        for back in range(nights):
            day = (last - timedelta(days=back)).isoformat()
            change.put_job(JOB, day, "finished", datetime(2026, 1, 1, tzinfo=UTC), details)


def test_before_the_first_night(
    service: Service, tasks: Tasks, enroll: Callable[[range], None]
) -> None:
    at = open_page(service, tasks)
    assert "No night has been run yet" in said(at)
    assert "--nightly-at HH:MM" in said(at)
    assert "Nobody is enrolled" in said(at)
    assert "the means of the photos serve" in said(at)
    press(at, "Run now")
    tasks.latest(TASK).wait(60)
    at.run()
    assert "Nobody is enrolled, so there is nothing to learn" in said(at)
    assert "Skipped" in said(at)


def test_a_night_is_run_from_the_page(
    service: Service, tasks: Tasks, enroll: Callable[[range], None]
) -> None:
    enroll(range(1))  # alone, so that nothing is trained, which would take longer
    at = press(open_page(service, tasks), "Run now")
    tasks.latest(TASK).wait(120)
    at.run()
    assert tasks.latest(TASK).state == "done"
    assert "Promoted" in said(at)
    (night,) = service.nights()
    assert night.details["metrics"]["subjects"] == 1
    assert "1 person" in said(at)
    assert "Found: named rightly" in cells(at, 0)
    assert "passed" in cells(at, 1)
    assert "serves now" in cells(at, 2)
    assert "promoted" in cells(at, 3)
    assert at.get("iframe"), "the report is on the page"
    assert "Content-Security-Policy" in at.get("iframe")[0].proto.srcdoc
    press(at, "Run now")
    tasks.latest(TASK).wait(60)
    at.run()
    assert "has been run already" in said(at)


def test_versions_are_promoted_and_rolled_back(
    service: Service, tasks: Tasks, enroll: Callable[[range], None]
) -> None:
    enroll(range(1))
    service.nightly(QUICK)
    enroll(range(1, 2))
    service.nightly(QUICK, force=True)
    first, second = service.heads()
    at = open_page(service, tasks)
    assert at.selectbox(key="nightly-head").options == [f"{first.head_id} (served before)"]
    press(at, "Roll back")
    assert f"Then: {first.head_id}" in said(at)
    assert f"Now: {second.head_id}" in said(at)
    press(at, "Leave it")
    assert [h.state for h in service.heads()] == ["retired", "champion"]
    press(press(at, "Roll back"), "Let it serve")
    assert [h.state for h in service.heads()] == ["champion", "retired"]
    assert f"{first.head_id} serves from now on" in said(at)
    assert "Roll back" not in [button.label for button in at.button]
    press(press(at, "Promote it"), "Let it serve")
    assert [h.state for h in service.heads()] == ["retired", "champion"]


def test_why_a_night_was_refused_and_what_would_help(service: Service, tasks: Tasks) -> None:
    figures = {"mode": "imprint", "probes": 100, "accuracy": 0.95, "find_rate": 0.9, "fpir": 0.01}
    worse = figures | {"find_rate": 0.8, "fpir": 0.0, "threshold": 0.5}
    details = {
        "outcome": "refused",
        "reason": "refused: people would be found less often: 90.0% -> 80.0%",
        "mode": "imprint",
        "metrics": {
            "subjects": 50,
            "checks": {"find rate": False, "strangers": None, "integrity": True},
            "states": {"before": figures, "imprint": worse},
            "seconds": {"total": 3.21},
        },
        "reports": [],
    }
    put_nights(service, 1, details)
    at = open_page(service, tasks)
    text = said(at)
    assert "people would be found less often: 90.0% -> 80.0%" in text
    assert "Why the gate refused" in text
    assert "More photos of the people who are not found" in text
    assert "50 people" in text
    duel = cells(at, 0)
    assert "Champion: served until then" in duel
    assert "Challenger: plain means" in duel
    assert "-10 points (worse)" in duel
    assert "-1 points (better)" in duel
    checks = cells(at, 1)
    assert "refused" in checks
    assert "too little data" in checks
    assert "Refused by: People found" in cells(at, 2)
    assert "The report of this night is gone" in text


def test_why_the_trained_head_does_not_serve(service: Service, tasks: Tasks) -> None:
    details = {
        "outcome": "promoted",
        "mode": "imprint",
        "metrics": {
            "trained": "joint",
            "checks": {"integrity": True},
            "trained_checks": {"integrity": True, "better than plain imprinting": False},
        },
    }
    put_nights(service, 1, details)
    at = open_page(service, tasks)
    assert "The trained head was refused" in said(at)
    assert "Better than the plain means: Nothing is wrong" in said(at)
    assert "Why the gate refused" not in said(at)
    assert "the trained head was refused" in cells(at, 1)


def test_the_report_of_somebody_erased_is_gone(
    service: Service, tasks: Tasks, enroll: Callable[[range], None]
) -> None:
    enroll(range(2))
    service.nightly(QUICK)
    assert open_page(service, tasks).get("iframe")
    service.erase("Person 1")
    at = open_page(service, tasks)
    assert not at.get("iframe")
    assert "A report goes when somebody whom it names is erased" in said(at)


def test_a_year_of_nights_is_shown_a_month_at_a_time(service: Service, tasks: Tasks) -> None:
    put_nights(service, 365, {"outcome": "promoted", "mode": "imprint", "metrics": {}})
    at = open_page(service, tasks)
    runs = at.table[-1]
    assert len(runs.value) == 30
    assert runs.value["Day"][0].replace("\\", "") == "Nov 20, 2026"
    assert "30 of 365 nights" in said(at)
    press(at, "Show more nights")
    assert len(at.table[-1].value) == 60


def test_a_night_that_runs_is_watched_and_stopped(service: Service, tasks: Tasks) -> None:
    def work(task) -> None:
        while True:
            task.step("train", 0.4)
            time.sleep(0.01)

    tasks.start(TASK, work)
    at = open_page(service, tasks)
    assert "Run now" not in [button.label for button in at.button]
    (bar,) = at.get("progress")
    assert (bar.proto.value, bar.proto.text) == (40, "Training on everybody")
    press(at, "Stop")
    tasks.latest(TASK).wait(10)
    at.run()
    assert "It was stopped" in said(at)
    assert "Run now" in [button.label for button in at.button]


def test_a_night_of_another_process_is_seen(service: Service, tasks: Tasks) -> None:
    lease, _ = claim(service._gallery, "test", lambda: datetime.now(UTC))
    at = open_page(service, tasks)
    assert "This server's schedule runs a night" in said(at)
    assert "Run now" not in [button.label for button in at.button]
    assert lease is not None
    give_up(lease)
    at.run()
    assert "Run now" in [button.label for button in at.button]


def test_a_night_of_before_is_told_in_german(
    service: Service, tasks: Tasks, enroll: Callable[[range], None]
) -> None:
    """From what is kept of it: its row, its report's document and its head."""
    enroll(range(2))
    night = service.nightly(QUICK)
    at = open_page(service, tasks, _nightly_page_in_german)
    assert "Die einfachen Mittelwerte sind ab jetzt für 2 Personen im Einsatz" in said(at)
    assert "einfache Mittelwerte: es wurde so verlangt" in said(at)
    assert "plain means" not in said(at)
    assert "endliche Zeilen der Länge eins" in cells(at, 1)
    assert "wie es sein soll" in cells(at, 1)
    (row,) = service.nights()
    assert row.details["reason"] == night.reason, "English, for who reads the row alone"
    german = Language("de")
    document = service.night_document(row)
    assert document is not None
    assert "messages" not in document
    assert german.tell(document["reason"]).startswith("die einfachen Mittelwerte")
    assert german.tell(reason_of(row.details)).startswith("die einfachen Mittelwerte")
    again = service.nightly(QUICK)
    assert "ist schon gelaufen: die einfachen Mittelwerte" in german.tell(again.reason)


def test_a_refusal_of_before_is_told_in_german_with_its_names() -> None:
    why = message("{told} ({people})", told=message("{n} people would be lost", n=2), people="Ada")
    reason = message(
        "refused: {why}", why=joined([why, message("it took {seconds:.0f} s", seconds=9)])
    )
    details = json.loads(json.dumps(kept_reason(reason)))
    assert Language("de").tell(reason_of(details)) == (
        "abgelehnt: 2 Personen gingen verloren (Ada); es dauerte 9 s"
    )
    assert reason_of(details) == reason


def test_a_reason_of_a_night_from_before_messages_is_the_text_it_was() -> None:
    facts = facts_of("2026-11-20", "finished", datetime.now(UTC), {"reason": "it was so"})
    assert Language("de").tell(facts.reason) == "it was so"


def test_details_of_any_age_are_read() -> None:
    facts = facts_of("2026-11-20", "finished", datetime.now(UTC), {})
    assert (facts.champion, facts.challenger, facts.failed) == (None, None, [])
    facts = facts_of("2026-11-20", "running", datetime.now(UTC), {"metrics": "no"})
    assert (facts.outcome, facts.people, facts.seconds) == ("running", None, None)
