"""Signing in through a real OpenID Connect provider, on loopback."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import uvicorn

from app.gate import Gate
from app.provider import Provider, roles_in
from app.provider_settings import ProviderSettings
from app.signing_in import SigningIn
from enrollment.rights import Right
from enrollment.service import Service
from tests.app.test_gate import pages

pytestmark = pytest.mark.slow

PATIENCE = 120


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(httpx2.TransportError):
                httpx2.get(f"{address}/.well-known/openid-configuration")
                break
            time.sleep(0.2)
        yield address
        process.terminate()


@pytest.fixture
def served(service: Service, issuer: str) -> Iterator[str]:
    """The gate as `serve` builds it, on a port, with this provider."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    settings = ProviderSettings(issuer, "rollcall", "secret", role_claim="realm.roles", name="Firm")
    signing_in = SigningIn(service, secure=False, provider=Provider(settings, address))
    gate = Gate(pages, signing_in.app(), service)
    server = uvicorn.Server(uvicorn.Config(gate, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield address
    server.should_exit = True
    thread.join()


def employ(issuer: str, sub: str, **claims: object) -> None:
    httpx2.put(f"{issuer}/users/{sub}", json=claims).raise_for_status()


def to_provider(browser: httpx2.Client, served: str) -> httpx2.URL:
    """Press the button on the sign-in page; where it leads."""
    page = browser.get(f"{served}/people", headers={"accept": "text/html"}, follow_redirects=True)
    (place,) = re.findall(r'href="(/sign-in/provider)">Sign in with Firm<', page.text)
    answer = browser.get(f"{served}{place}")
    assert answer.status_code == 302
    return httpx2.URL(answer.headers["location"])


def come_back(browser: httpx2.Client, there: httpx2.URL, sub: str) -> httpx2.Response:
    """Sign in over there, and follow the way back here."""
    answer = browser.post(there, data={"sub": sub})
    assert answer.status_code == 302, answer.text
    return browser.get(answer.headers["location"])


def test_roles_come_from_the_claim(service: Service, issuer: str, served: str) -> None:
    employ(issuer, "7", preferred_username="Anna", realm={"roles": ["staff", "rollcall-enroller"]})
    with httpx2.Client() as browser:
        there = to_provider(browser, served)
        asked = parse_qs(urlsplit(str(there)).query)
        assert str(there).startswith(f"{issuer}/oauth2/authorize")
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["nonce"]
        assert asked["max_age"] == ["0"]
        assert asked["redirect_uri"] == [f"{served}/sign-in/back"]
        answer = come_back(browser, there, "7")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        token = browser.cookies["rollcall_session"]
        acting = service.sessions.acting(token)
        assert acting.actor == "user:anna"
        assert acting.confirmed
        assert Right.ENROLL in acting.rights
        assert browser.get(f"{served}/people").text == "the pages"
        service.accounts.sign_out("anna")
        assert browser.get(f"{served}/people").status_code == 401, "ended here, whatever is there"


@pytest.mark.parametrize(
    "claims",
    [{}, {"realm": {"roles": []}}, {"realm": {"roles": ["root"]}}, {"roles": ["admin"]},
     {"realm": "admin"}],
)  # fmt: skip
def test_no_role_there_no_session_here(
    service: Service, issuer: str, served: str, claims: dict[str, object]
) -> None:
    employ(issuer, "8", preferred_username="bo", **claims)
    with httpx2.Client() as browser:
        answer = come_back(browser, to_provider(browser, served), "8")
        assert answer.status_code == 403
        assert "has no role here" in answer.text
        assert "rollcall_session" not in browser.cookies
    assert not service.accounts.all()


def test_another_browser_cannot_use_the_way_back(
    service: Service, issuer: str, served: str
) -> None:
    """Else somebody could be signed in as whoever sent them a link."""
    employ(issuer, "9", preferred_username="eve", realm={"roles": ["viewer"]})
    with httpx2.Client() as hers, httpx2.Client() as his:
        there = to_provider(hers, served)
        back = hers.post(there, data={"sub": "9"}).headers["location"]
        answer = his.get(back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        changed = re.sub(r"state=\w+", "state=guessed", back)
        assert hers.get(changed).headers["location"] == "/sign-in"
    assert not service.accounts.sessions()


def test_who_is_refused_there_is_back_at_the_page(issuer: str, served: str) -> None:
    with httpx2.Client() as browser:
        there = to_provider(browser, served)
        denied = browser.post(there, data={"action": "deny"}).headers["location"]
        assert browser.get(denied).headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    ("claims", "claim", "roles"),
    [
        ({"roles": "admin"}, "roles", ["admin"]),
        ({"roles": ["rollcall-admin", 7, "x"]}, "roles", ["admin", "x"]),
        ({"a": {"b": ["viewer"]}}, "a.b", ["viewer"]),
        ({"a": ["viewer"]}, "a.b", []),
        ({}, "roles", []),
    ],
)
def test_claims_are_read(claims: dict[str, object], claim: str, roles: list[str]) -> None:
    assert roles_in(claims, claim) == roles


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
