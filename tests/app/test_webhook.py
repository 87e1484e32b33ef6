"""The webhook against a real server on this machine: signed, retried, bounded, never in the way."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator

import pytest

from app import webhook
from app.signed_post import sign
from app.webhook import Webhook
from enrollment.errors import BadInput
from tests.app.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def verified(header: str, body: bytes, secret: str) -> bool:
    """As docs/door.md tells a receiver to do it."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    signed = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256)
    fresh = abs(time.time() - int(parts["t"])) < 300
    return fresh and hmac.compare_digest(signed.hexdigest(), parts["v1"])


def test_a_message_is_signed_over_time_and_body(receiver: Receiver) -> None:
    said: list[str] = []
    with Webhook(receiver.url, "secret", said.append) as hook:
        assert hook.warnings == ()
        hook.send({"event": "passage", "name": "Zoë"})
    ((header, body),) = receiver.came
    assert header is not None
    assert verified(header, body, "secret")
    assert not verified(header, body + b" ", "secret")
    assert not verified(header, body, "another")
    assert json.loads(body)["name"] == "Zoë"
    assert json.loads(body)["delivery"]
    assert said == []
    assert sign("s", b"{}", 1) != sign("s", b"{}", 2)


def test_it_is_tried_again_with_the_same_body(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "PAUSES", (0.05, 0.05))
    receiver.statuses = [500, 429]
    said: list[str] = []
    with Webhook(receiver.url, None, said.append) as hook:
        assert "not signed" in hook.warnings[0]
        hook.send({"n": 1})
        deadline = time.monotonic() + 10
        while len(receiver.came) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len({body for _, body in receiver.came}) == 1
    assert len(receiver.came) == 3
    assert said == []


def test_what_is_refused_for_good_is_dropped_aloud(receiver: Receiver) -> None:
    receiver.statuses = [403]
    said: list[str] = []
    with Webhook(receiver.url, "s", said.append) as hook:
        hook.send({"n": 1})
    assert len(receiver.came) == 1
    assert said == ["webhook: a message was dropped: it was answered with 403"]


def test_a_slow_receiver_never_makes_the_door_wait(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "ROOM", 3)
    monkeypatch.setattr(webhook, "_SECONDS_TO_FINISH", 0.1)
    receiver.delay = 0.5
    said: list[str] = []
    with Webhook(receiver.url, "s", said.append) as hook:
        started = time.monotonic()
        for n in range(20):
            hook.send({"n": n})
        assert time.monotonic() - started < 0.4
    assert any("the oldest was dropped" in text for text in said)
    assert any("not delivered before the end" in text for text in said)


def test_addresses() -> None:
    for bad in (
        "door",
        "ftp://x/y",
        "https://",
        "http://example.org/x",
        "https://a:b@c/",
        "http://[/",
    ):
        with pytest.raises(BadInput, match="--webhook"):
            Webhook(bad, None, print)
    readable = Webhook("http://example.org/x", "secret", print)
    assert "readable" in readable.warnings[0]
    assert Webhook("https://example.org/x", "secret", print).warnings == ()
