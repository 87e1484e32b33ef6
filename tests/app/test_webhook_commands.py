"""webhook, as people type it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from enrollment.capture import Capture
from enrollment.service import Service
from tests.app.receiver import Receiver, receiving
from tests.app.typed import Run, ask, runner


@pytest.fixture
def rollcall(
    service: Service,
    capture: Capture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    return runner(service, capture, monkeypatch, capsys)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def test_it_comes_is_tried_and_goes(rollcall: Run, service: Service, receiver: Receiver) -> None:
    assert "rollcall webhook add" in rollcall("webhook", "list")[1]
    added = ask(rollcall, "webhook", "add", "HR", receiver.url, "--event", "subject.erase")
    assert added["secret"].startswith("rwh_")
    assert added["events"] == ["subject.erase"]
    _, out, _ = rollcall("webhook", "list")
    assert added["secret"] not in out
    assert "told up to entry" in out
    assert ask(rollcall, "webhook", "test", "HR")["taken"]
    assert json.loads(receiver.came[0][1])["event"] == "webhook.test"
    receiver.statuses = [500]
    code, out, _ = rollcall("webhook", "test", "HR")
    assert (code, "answered with 500" in out) == (1, True)
    (hook,) = service.webhooks.all()
    service._gallery.webhook_failed(hook, datetime.now(UTC), datetime.now(UTC))
    assert "PAUSED" in rollcall("webhook", "list")[1]
    assert ask(rollcall, "webhook", "test", "HR")["taken"]
    assert ask(rollcall, "webhook", "list")["webhooks"][0]["state"] == "working"
    assert rollcall("webhook", "remove", "HR")[0] == 0
    assert ask(rollcall, "webhook", "list") == {"webhooks": []}
    deeds, _ = service.privacy.audit_page(["webhook.add", "webhook.remove"])
    assert len(deeds) == 2
    assert receiver.url not in str(deeds)


def test_what_cannot_be_told(rollcall: Run) -> None:
    code, _, err = rollcall("webhook", "add", "HR", "http://hr.example")
    assert (code, "use https" in err) == (2, True)
    code, _, err = rollcall("webhook", "add", "HR", "https://hr.example", "--event", "people.look")
    assert (code, "subject.erase" in err) == (2, True)
    assert rollcall("webhook", "test", "HR")[0] == 2
