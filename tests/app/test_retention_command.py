"""rollcall retention: a list first, then a question."""

import json
from collections.abc import Callable
from contextlib import contextmanager

import pytest

from app import cli, retention_command
from app.settings import read_retention
from enrollment.enroller import allow_collision
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.retention_policy import RetentionPolicy
from enrollment.service import Service

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    service: Service,
    person: Callable[..., Enrollee],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    people = [person(n, range(1), name) for n, name in enumerate(("Anna", "Bo", "Cy"))]
    assert all(r.enrolled for r in service.enroll(people, "yes", allow_collision))

    @contextmanager
    def opened(_settings: object) -> object:
        yield service

    monkeypatch.setattr("enrollment.service.open_service", opened)
    monkeypatch.setattr(retention_command, "read_settings", lambda *_: None)

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["retention", *arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


def test_nothing_is_due(run: Run) -> None:
    assert run() == (0, "due: 0 people\n", "")
    assert run("--erase")[0] == 0


def test_a_dry_run_first_then_a_question(run: Run, service: Service) -> None:
    service.privacy.withdraw(service.person("Bo").subject_id)
    code, out, err = run()
    assert code == 0
    assert out.startswith("Bo: Consent withdrawn on ")
    assert "nothing was changed" in err
    code, out, err = run("--erase")
    assert (code, len(service.people())) == (2, 3)
    assert "repeat with --yes" in err
    code, out, _ = run("--erase", "--yes")
    assert code == 0
    assert out.endswith("erased: 1 person\n")
    assert [s.name for s in service.people()] == ["Anna", "Cy"]


def test_documents(run: Run, service: Service) -> None:
    service.privacy.withdraw(service.person("Bo").subject_id)
    (due,) = json.loads(run("--json")[1])["due"]
    assert (due["name"], due["reasons"][0]["kind"]) == ("Bo", "consent_withdrawn")
    (receipt,) = json.loads(run("--erase", "--yes", "--json")[1])["erased"]
    assert receipt["subject_id"] == due["subject_id"]
    assert receipt["signature"]


def test_the_rules_in_force_to_publish(run: Run, service: Service) -> None:
    service.privacy.policy = RetentionPolicy(suspended_days=33, idle_days=None)
    _, out, _ = run("--text")
    assert "suspended for more than 33 days" in out
    assert "photographed" not in out
    assert all(line.startswith("- ") for line in out.splitlines())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROLLCALL_KEEP_SUSPENDED_DAYS", "0"),
        ("ROLLCALL_KEEP_SUSPENDED_DAYS", "off"),
        ("ROLLCALL_KEEP_IDLE_DAYS", "-3"),
        ("ROLLCALL_KEEP_IDLE_DAYS", "many"),
        ("ROLLCALL_PURPOSE_ENDS", "tomorrow"),
    ],
)
def test_a_setting_that_is_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=name):
        read_retention()


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_retention() == RetentionPolicy()
    monkeypatch.setenv("ROLLCALL_KEEP_SUSPENDED_DAYS", "30")
    monkeypatch.setenv("ROLLCALL_KEEP_IDLE_DAYS", "off")
    monkeypatch.setenv("ROLLCALL_PURPOSE_ENDS", "2027-12-31")
    found = read_retention()
    assert (found.suspended_days, found.idle_days) == (30, None)
    assert str(found.purpose_ends) == "2027-12-31"
