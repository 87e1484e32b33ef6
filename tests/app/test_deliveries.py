"""What a server tells other software: in order, at least once, signed, and nobody's name."""

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app import signed_post
from app.deliveries import Deliveries
from app.log import Log
from app.signed_post import post, sign
from enrollment.capture import Capture
from enrollment.config import Settings
from enrollment.errors import BadInput
from enrollment.intake import Enrollee
from enrollment.planning import NightPolicy
from enrollment.service import Service, open_service
from enrollment.webhook_address import check_receiver, is_here, parsed
from enrollment.webhooks import EVENTS, Webhooks, webhook_document
from tests.app.receiver import Receiver, receiving

pytestmark = pytest.mark.slow

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
Person = Callable[..., Enrollee]


class Said(Log):
    def __init__(self) -> None:
        super().__init__()
        self.states: list[str] = []

    def webhook(self, webhook_id: str, state: str) -> None:
        self.states.append(state)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@contextmanager
def telling(service: Service, said: Log | None = None) -> Iterator[None]:
    deliveries = Deliveries(service, said or Log(), every=0.02)
    try:
        yield
    finally:
        deliveries.end()


def until(true: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def told(receiver: Receiver) -> list[dict]:
    return [json.loads(body) for _, body in receiver.came]


def enroll(service: Service, person: Person, *numbers: int) -> None:
    everybody = [person(n, range(1), name=f"Ada {n}") for n in numbers]
    assert all(report.enrolled for report in service.enroll(everybody, "yes"))


def rename(service: Service, *names: str) -> None:
    for name in names:
        service.rename(service.people()[0].subject_id, name)


def test_what_happens_is_told_in_order_without_a_name(
    service: Service, person: Person, receiver: Receiver
) -> None:
    enroll(service, person, 7)
    _, secret = service.webhooks.add("HR", receiver.url)
    assert secret.startswith("rwh_")
    with telling(service):
        enroll(service, person, 1, 2)
        one, *_ = service.people()
        service.rename(one.subject_id, "Somebody Else")
        service.suspend(one.subject_id)
        service.erase(one.subject_id)
        service.api_keys.add("Door 3")
        until(lambda: told(receiver) and told(receiver)[-1]["event"] == "api_key.add")
    came = told(receiver)
    kinds = [message["event"] for message in came]
    assert [k for k in kinds if k != "operating-point.set"] == [
        "subject.add", "samples.add", "subject.add", "samples.add",
        "subject.rename", "subject.suspended", "subject.erase", "api_key.add",
    ]  # fmt: skip
    assert [m["seq"] for m in came] == sorted({m["seq"] for m in came})
    assert len({m["delivery"] for m in came}) == len(came)
    wanted = {"event", "at", "subject_id", "pseudonym", "actor", "seq", "delivery"}
    assert all(set(message) == wanted for message in came)
    erased = next(m for m in came if m["event"] == "subject.erase")
    assert erased["subject_id"] is None
    assert erased["pseudonym"] in {
        m["pseudonym"] for m in came if m["event"] == "subject.suspended"
    }
    text = json.dumps(came)
    assert not re.search("Ada|Somebody|Door|score|threshold", text)
    for header, body in receiver.came:
        assert header == sign(secret, body, int(header.split(",")[0][2:]))


def test_only_what_was_asked_for_and_who_did_it(
    service: Service, person: Person, receiver: Receiver
) -> None:
    service.webhooks.add("HR", receiver.url, ["samples.add", "night.finish"])
    enroll(service, person, 1, 2, 3, 4)
    assert service.nightly(NightPolicy(mode="imprint")).outcome != "skipped"
    with telling(service):
        until(lambda: len(receiver.came) == 5)
    *_, photos, night = told(receiver)
    assert (photos["event"], photos["actor"]) == ("samples.add", "rollcall")
    assert (night["event"], night["outcome"]) == ("night.finish", "promoted")


def test_it_is_tried_again_with_the_same_body_and_in_order(
    service: Service, person: Person, receiver: Receiver
) -> None:
    enroll(service, person, 1)
    service.webhooks.add("HR", receiver.url, ["subject.rename"])
    rename(service, "B", "C", "D")
    receiver.statuses = [204, 500]
    said = Said()
    with telling(service, said):
        until(lambda: len(receiver.came) == 4)
        until(lambda: not service.webhooks.behind())
    bodies = [body for _, body in receiver.came]
    assert bodies[1] == bodies[2]
    assert len(set(bodies)) == 3
    assert said.states == ["failing", "back"]
    assert service.webhooks.all()[0].failed == 0


def test_a_restart_forgets_nothing(
    service: Service, settings: Settings, capture: Capture, person: Person, receiver: Receiver
) -> None:
    """Between the commit and the message, and between the message and its acknowledgement."""
    enroll(service, person, 1)
    service.webhooks.add("HR", receiver.url, ["subject.rename"])
    rename(service, "B", "C")
    claim = service.webhooks.claim(service.webhooks.behind()[0])
    assert claim is not None
    post(check_receiver(claim.hook.url), claim.messages[0].body, claim.hook.secret)
    service.webhooks.release(claim.hook.webhook_id)
    service.close()
    with open_service(settings, capture=capture) as again, telling(again):
        until(lambda: len(receiver.came) == 3)
    first, repeated, second = (body for _, body in receiver.came)
    assert first == repeated != second


def test_two_servers_tell_it_once(
    service: Service, settings: Settings, capture: Capture, person: Person, receiver: Receiver
) -> None:
    enroll(service, person, 1)
    service.webhooks.add("HR", receiver.url, ["subject.rename"])
    with open_service(settings, capture=capture) as other, telling(service), telling(other):
        rename(service, *(f"Name {n}" for n in range(40)))
        until(lambda: len(receiver.came) >= 40)
        until(lambda: not service.webhooks.behind())
    assert len(receiver.came) == 40
    assert [m["seq"] for m in told(receiver)] == sorted(m["seq"] for m in told(receiver))


def test_a_server_that_is_killed_is_taken_over_when_its_lease_ends(
    service: Service, person: Person
) -> None:
    enroll(service, person, 1)
    now = datetime.now(UTC)
    service._gallery._now = lambda: now
    here, there = (Webhooks(service._gallery, "test", lambda: now) for _ in range(2))
    hook, _ = here.add("HR", "https://hr.example/x")
    rename(service, "B")
    assert here.claim(hook.webhook_id) is not None
    assert here.claim(hook.webhook_id) is not None, "its own"
    assert there.claim(hook.webhook_id) is None
    now += timedelta(seconds=61)
    assert there.claim(hook.webhook_id) is not None
    assert here.claim(hook.webhook_id) is None


def test_a_bad_receiver_holds_up_nobody_else(
    service: Service, person: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    enroll(service, person, 1)
    monkeypatch.setattr(signed_post, "_WHOLE", 1.0)
    with ExitStack() as opened:
        silent = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        for n in range(3):
            service.webhooks.add(f"bad {n}", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        service.webhooks.add("HR", receiver.url, ["subject.rename"])
        with telling(service):
            rename(service, "B")
            started = time.monotonic()
            until(lambda: receiver.came)
            assert time.monotonic() - started < 0.8


def test_three_days_of_failures_pause_it_until_somebody_tries(
    service: Service, person: Person
) -> None:
    enroll(service, person, 1)
    now = datetime.now(UTC)
    service._gallery._now = lambda: now
    hooks = Webhooks(service._gallery, "test", lambda: now)
    hook, _ = hooks.add("HR", "https://hr.example/x", ["subject.rename"])
    rename(service, "B")
    pauses, states, started = [], [], now
    while (claim := hooks.claim(hook.webhook_id)) is not None:
        states.append(hooks.settle(claim, 0, failed=True))
        (kept,) = hooks.all()
        pauses.append((kept.next_at - now).total_seconds())
        now = kept.next_at
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == 3600
    assert (states[0], states[-1], set(states[1:-1])) == ("failing", "paused", {None})
    assert timedelta(days=3) <= now - started < timedelta(days=3, hours=3)
    assert webhook_document(kept)["state"] == "paused"
    now += timedelta(days=30)
    assert hooks.behind() == []
    hooks.resume(kept)
    claim = hooks.claim(hook.webhook_id)
    assert claim is not None
    assert len(claim.messages) == 1
    assert hooks.settle(claim, 1, failed=False) is None
    assert hooks.behind() == []


def test_what_it_is_told_stays_policy(service: Service, receiver: Receiver) -> None:
    service.webhooks.add("HR", receiver.url, ["webhook.add"])
    service.webhooks.add("CRM", receiver.url, ["webhook.remove"])
    with telling(service):
        until(lambda: len(receiver.came) == 1)
        service.webhooks.remove("CRM")
    assert service.verify_gallery().sound, "how far it was told is not sealed"
    assert [hook.name for hook in service.webhooks.all()] == ["HR"]
    with pytest.raises(BadInput, match="no webhook"):
        service.webhooks.remove("CRM")


def test_names_addresses_and_events_that_are_refused(service: Service) -> None:
    for bad in (
        "hr", "ftp://x/y", "https://", "http://hr.example/x", "https://a:b@hr.example/", "http://[/",
        "https://169.254.169.254/latest", "https://[fe80::1]/", "https://[::ffff:169.254.169.254]/",
        "https://[fd00:ec2::254]/", "https://0.0.0.0/", "https://hr.example/#part",
        "https://hr.example/a b", "https://224.0.0.1/",
    ):  # fmt: skip
        with pytest.raises(BadInput):
            service.webhooks.add("HR", bad)
    for name, events in (("", EVENTS), ("a\nb", EVENTS), ("HR", ()), ("HR", ["person.look"])):
        with pytest.raises(BadInput):
            service.webhooks.add(name, "https://hr.example/", events)
    service.webhooks.add("HR", "https://hr.example/")
    with pytest.raises(BadInput, match="already"):
        service.webhooks.add("HR", "https://hr.example/")
    assert len(service.webhooks.all()) == 1
    assert is_here("127.0.0.9")


def test_a_name_that_leads_into_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("169.254.169.254", "fe80::1%2", "::"):
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
        monkeypatch.setattr(signed_post.socket, "getaddrinfo", lambda *_, f=found, **__: f)
        _, trouble = post(check_receiver("https://hr.example/"), b"{}", "s")
        assert trouble is not None
        assert "Forbidden" in trouble


def certificate(folder: Path) -> Path:
    """Of localhost, signed by itself; with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "both.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_https_goes_to_whoever_proves_to_be_it(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = certificate(tmp_path)
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(both)
    receiver.socket = there.wrap_socket(receiver.socket, server_side=True)
    urls = [f"https://{host}:{receiver.server_port}/x" for host in ("localhost", "127.0.0.1")]
    _, trouble = post(check_receiver(urls[0]), b"{}", "s")
    assert trouble is not None
    assert "SSLCertVerificationError" in trouble
    trusting = ssl.create_default_context(cafile=str(both))
    monkeypatch.setattr(signed_post.ssl, "create_default_context", lambda: trusting)
    assert post(check_receiver(urls[0]), b"{}", "s") == (204, None)
    _, trouble = post(check_receiver(urls[1]), b"{}", "s")
    assert "SSLCertVerificationError" in str(trouble), "another name than the certificate's"
    assert len(receiver.came) == 1


def test_redirects_are_not_followed_and_bodies_not_read(receiver: Receiver) -> None:
    with receiving() as other:
        receiver.statuses, receiver.headers = [307, 302], {"Location": other.url}
        url = parsed(receiver.url)
        assert url is not None
        assert post(url, b"{}", None) == (307, "it was answered with 307")
        assert post(url, b"{}", None) == (302, "it was answered with 302")
        assert other.came == []


def test_a_receiver_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed_post, "_WHOLE", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def drip() -> None:
            line, _ = listening.accept()
            with line:
                line.sendall(b"HTTP/1.1 200 OK\r\n")
                try:
                    while not ended.wait(0.05):
                        line.sendall(b"X: y\r\n")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        url = parsed(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        assert url is not None
        _, trouble = post(url, b"{}", None)
        ended.set()
        thread.join()
    assert trouble is not None
    assert time.monotonic() - started < 3


def receiving_end() -> Callable[[str, bytes, str], bool]:
    """The example of docs/api.md, run as it stands there."""
    (block,) = re.findall(r"```python\n(import hashlib.*?)```", API, re.DOTALL)
    body = [x for x in block.splitlines() if x.startswith(" ") and '"""' not in x]
    assert len(body) <= 10
    there: dict = {}
    exec(block, there)  # noqa: S102
    return there["accepted"]


def test_a_receiver_refuses_replays(service: Service, person: Person, receiver: Receiver) -> None:
    enroll(service, person, 1)
    _, secret = service.webhooks.add("HR", receiver.url, ["subject.rename"])
    with telling(service):
        rename(service, "B")
        until(lambda: receiver.came)
    ((header, body),) = receiver.came
    accepted = receiving_end()
    assert not accepted(header, body, "another")
    assert not accepted(header, body.replace(b"rename", b"remove"), secret)
    late = int(time.time()) - 301
    assert not accepted(sign(secret, body, late), body, secret)
    assert not accepted(f"t={int(time.time())}," + sign(secret, body, late)[13:], body, secret)
    for broken in ("", "t=1", "v1=2", "t=x,v1=2", "t=1,v1=é", None):
        assert not accepted(broken or "", body, secret)
    assert accepted(header, body, secret)
    assert sum(accepted(header, body, secret) for _ in range(1000)) == 0
    again = sign(secret, body, int(time.time()) + 1)
    assert not accepted(again, body, secret), "a repeat, signed anew"


def test_every_event_is_documented() -> None:
    _, _, told = API.partition("## Being told")
    rows = re.findall(r"^\| `([a-z_.-]+)` \|", told.partition("\n## ")[0], re.MULTILINE)
    assert tuple(rows) == (*EVENTS, "webhook.test")
