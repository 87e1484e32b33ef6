"""The system page as Streamlit runs it, on a real gallery with tiny models; no browser."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from app.tasks import Tasks
from enrollment.enroller import allow_collision
from enrollment.intake import Enrollee
from enrollment.service import Service

Person = Callable[..., Enrollee]


def _page(service, tasks) -> None:  # a script of its own: it knows no names from here
    from app.language import Language
    from app.system_page import show
    from app.visit import Visit

    show(Visit(service, Language(), tasks))


@pytest.fixture
def at(service: Service, tasks: Tasks) -> AppTest:
    return AppTest.from_function(_page, default_timeout=60, args=(service, tasks))


def finished(at: AppTest, tasks: Tasks, name: str) -> AppTest:
    task = tasks.latest(name)
    assert task is not None
    task.wait(60)
    at.run()
    assert not at.exception, at.exception
    return at


def press(at: AppTest, label: str) -> None:
    (button,) = [button for button in at.button if button.label == label]
    button.click()
    at.run()
    assert not at.exception, at.exception


def said(at: AppTest) -> str:
    parts = [*at.title, *at.text, *at.markdown, *at.caption, *at.error, *at.warning, *at.info]
    everything = [*parts, *at.success, *at.subheader]
    return "\n".join(str(p.value) for p in everything).replace("\\", "").replace("\u2060", "")


def test_the_first_visit_looks_at_everything(at: AppTest, tasks: Tasks, service: Service) -> None:
    at.run()
    finished(at, tasks, "doctor")
    assert "nothing is wrong" in at.success[0].value
    assert "nroll the first person" in said(at)
    shown = [text.value for text in at.text]
    assert {"tiny", "CPU: tiny", str(service._settings.home), "0" * 64} <= set(shown)
    assert "streamlit" in [caption.value for caption in at.caption]
    first = tasks.latest("doctor")
    at.run()
    assert tasks.latest("doctor") is first, "what was found is kept"
    press(at, "Check again")
    assert tasks.latest("doctor") is not first
    finished(at, tasks, "doctor")


def test_what_is_wrong_comes_first(
    at: AppTest, tasks: Tasks, service: Service, person: Person
) -> None:
    list(service.enroll([person(1)], "yes"))
    with service._gallery._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'x' WHERE seq = 2")
    at.run()
    finished(at, tasks, "doctor")
    assert "The audit trail was altered at entry 2" in at.error[0].value
    assert not [s for s in at.success if "nothing is wrong" in s.value]
    list(service.enroll([person(2)], "yes", allow_collision))
    at.run()
    assert "The gallery has changed since" in said(at)
    press(at, "Check the index")
    finished(at, tasks, "index")
    assert "not sound" in said(at)


@pytest.mark.sqlite
def test_a_backup_is_made_listed_and_checked(at: AppTest, tasks: Tasks, service: Service) -> None:
    at.run()
    assert "There is no backup yet" in said(finished(at, tasks, "doctor"))
    assert "ROLLCALL_KEY" in said(at)
    press(at, "Make a backup now")
    finished(at, tasks, "backup")
    (kept,) = service.backups.listed()
    text = said(at)
    assert kept.name in text
    assert "checked" in text
    assert "rollcall restore" in text
    assert str(kept.keys) in text
    kept.path.write_bytes(kept.path.read_bytes()[:-1])
    at.run()
    assert "not checked" in said(at)
    press(at, "Check it")
    finished(at, tasks, "backup")
    assert "was changed or cut off" in said(at)
    kept.path.unlink()
    press(at, "Check it")
    assert "any more; look again" in said(at)


def test_the_index_is_checked_and_built_anew(
    at: AppTest, tasks: Tasks, service: Service, person: Person
) -> None:
    list(service.enroll([person(1)], "yes"))
    at.run()
    finished(at, tasks, "doctor")
    press(at, "Check the index")
    finished(at, tasks, "index")
    assert "3 templates, as in the database; the file and the audit trail are sound" in said(at)
    press(at, "Build it anew")
    finished(at, tasks, "index")
    assert "Built anew" in said(at)


def test_nights_are_told_as_far_as_they_are_known(
    at: AppTest, tasks: Tasks, service: Service
) -> None:
    at.run()
    assert "No night has been run yet" in said(at)
    for state, expected in (("running", "is being run since"), ("finished", "would get worse")):
        with service._gallery.change("test") as change:
            details = {"outcome": "refused"}
            change.put_job("nightly", "2026-01-01", state, change.at, details)
        at.run()
        assert expected in said(at)
    finished(at, tasks, "doctor")


def test_postgresql_is_sent_to_its_own_tools(
    at: AppTest, tasks: Tasks, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(service._gallery), "can_be_copied", False)
    at.run()
    finished(at, tasks, "doctor")
    assert "pg_dump" in said(at)
    assert "Make a backup now" not in [button.label for button in at.button]
