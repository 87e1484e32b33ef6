"""Nothing behind the gate without a session that holds, and no way around it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from html.parser import HTMLParser

import httpx2
import pytest
import uvicorn
from starlette.datastructures import Headers
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.gate import Gate
from app.signing_in import SigningIn
from app.visitor import COOKIE, SECURE_COOKIE
from enrollment.service import Service
from enrollment.sessions import Attempt
from tests import databases
from tests.quick_passwords import QuickPasswords

HERE = "http://127.0.0.1"
GOOD = "a sentence to keep"
MORE_ROLES = """UPDATE users SET roles = '["admin", "viewer"]'"""
# Of Streamlit's own, by streamlit.web.server.starlette.
BEHIND = [
    "/", "/people", "/any/other", "/_stcore/host-config", "/_stcore/metrics", "/media/a.png",
    "/_stcore/upload_file/a/b", "/component/a/b", "/app/static/a", "/_stcore/script-health-check",
    "/apix", "/api", "/_stcore/healthz", "/_stcore/health/x", "/sign-inx", "/STATIC/",
    "//api/v1", "/static", "/static/../people",
]  # fmt: skip
BESIDE = ["/api/v1/health", "/api/docs", "/static/js/index.js", "/_stcore/health"]
Browse = Callable[..., TestClient]


async def pages(scope: Scope, receive: Receive, send: Send) -> None:
    """What stands behind the gate: says that it was reached, and repeats what is sent."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the pages"})
        return
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.receive":
            await send({"type": "websocket.send", "bytes": message["bytes"]})


@pytest.fixture
def browse(service: Service) -> Iterator[Browse]:
    service._passwords = QuickPasswords()
    opened: list[TestClient] = []

    def browser(*, secure: bool = False, signed_in: bool = False) -> TestClient:
        gate = Gate(pages, SigningIn(service, secure=secure).app(), service, secure=secure)
        address = "https://faces.firm" if secure else HERE
        client = TestClient(gate, address, follow_redirects=False)
        opened.append(client)
        if signed_in:
            enter(client, *join(service, f"anna{len(opened)}"))
        return client

    yield browser
    for client in opened:
        client.close()


def join(service: Service, login: str, *roles: str) -> tuple[str, str]:
    _, once = service.accounts.add(login, roles or ["admin"])
    token = service.sessions.sign_in(login, once).token
    assert token is not None
    service.sessions.end(service.sessions.choose_password(token, GOOD))
    return login, GOOD


def enter(client: TestClient, login: str, password: str, **more: str) -> int:
    form = {"login": login, "password": password, **more}
    return client.post("/sign-in", data=form).status_code


def test_nothing_without_a_session(browse: Browse) -> None:
    client = browse()
    for path in BEHIND:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
            answer = client.request(method, f"{HERE}{path}")
            assert answer.status_code == 401, (method, path)
            assert b"the pages" not in answer.content


def test_what_is_beside_has_its_own_locks(browse: Browse) -> None:
    for path in BESIDE:
        assert browse().get(path).content == b"the pages"


def test_who_comes_with_a_browser_is_shown_the_way(browse: Browse) -> None:
    answer = browse().get("/people", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/people"


@pytest.mark.parametrize("token", ["", "x", "a" * 5000, "\x00", "'; --"])
def test_a_made_up_token_opens_nothing(browse: Browse, token: str) -> None:
    client = browse()
    for name in (COOKIE, SECURE_COOKIE):
        answer = client.get("/", headers={"cookie": f"{name}={token}"})
        assert answer.status_code == 401


def test_the_token_is_where_no_script_can_read_it(browse: Browse, service: Service) -> None:
    login, password = join(service, "anna")
    for secure, name in ((False, COOKIE), (True, SECURE_COOKIE)):
        form = {"login": login, "password": password}
        answer = browse(secure=secure).post("/sign-in", data=form)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{name}=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert ("Secure" in cookie) == secure
        assert "Domain" not in cookie
        assert answer.headers["cache-control"] == "no-store"


def test_signing_in_makes_a_new_token(browse: Browse, service: Service) -> None:
    """Else who puts a token into somebody's browser shares their session."""
    login, password = join(service, "anna")
    client = browse()
    client.cookies.set(COOKIE, "planted", domain="127.0.0.1")
    enter(client, login, password)
    assert service.sessions.current("planted") is None
    first = client.cookies.get(COOKIE, domain="127.0.0.1.local") or client.cookies.get(COOKIE)
    assert first != "planted"
    assert client.get("/").content == b"the pages"


def test_a_second_sign_in_ends_the_first(browse: Browse, service: Service) -> None:
    client = browse(signed_in=True)
    enter(client, *join(service, "bo"))
    assert len(service.accounts.sessions()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"content-length": "5000000"},
    ],
)
def test_a_form_of_another_site_is_refused(
    browse: Browse, service: Service, headers: dict[str, str]
) -> None:
    login, password = join(service, "anna")
    client = browse()
    form = {"login": login, "password": password}
    answer = client.post("/sign-in", data=form, headers=headers)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
    assert client.post("/sign-in", data=form, headers={"origin": HERE}).status_code == 303


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("/people?id=7", "/people?id=7"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_the_way_on_stays_here(browse: Browse, service: Service, wanted: str, place: str) -> None:
    login, password = join(service, "anna")
    answer = browse().post("/sign-in", data={"login": login, "password": password, "next": wanted})
    assert answer.headers["location"] == place


def test_what_was_typed_is_not_markup(browse: Browse) -> None:
    page = browse().get("/sign-in", params={"next": '/"><script>alert(1)</script>'}).text
    assert "<script>" not in page
    assert "default-src 'none'" in browse().get("/sign-in").headers["content-security-policy"]


def test_a_one_time_password_leads_to_choosing_one(browse: Browse, service: Service) -> None:
    _, once = service.accounts.add("anna", ["viewer"])
    client = browse()
    assert enter(client, "anna", once) == 303
    answer = client.get("/people", headers={"accept": "text/html"})
    assert answer.headers["location"] == "/password"
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://127.0.0.1/_stcore/stream"),
    ):
        pass
    said = client.post("/password", data={"new": GOOD, "again": "other"})
    assert "not the same" in said.text
    assert "12 to 256" in client.post("/password", data={"new": "a", "again": "a"}).text
    assert client.post("/password", data={"new": GOOD, "again": GOOD}).status_code == 303
    assert client.get("/people").content == b"the pages"


def test_a_password_is_changed_only_after_a_proof(browse: Browse, service: Service) -> None:
    client = browse(signed_in=True)
    assert client.get("/password").status_code == 200
    service.sessions.limits = type(service.sessions.limits)(confirmed=-service.sessions.limits.idle)
    assert client.get("/password").headers["location"] == "/sign-in?next=/password"
    assert client.post("/password", data={"new": "x" * 20, "again": "x" * 20}).status_code == 422


def test_an_open_page_hears_of_the_end(browse: Browse, service: Service) -> None:
    client = browse(signed_in=True)
    assert client.get("/session").status_code == 200
    service.accounts.sign_out("anna1")
    assert client.get("/session").status_code == 401
    assert client.get("/").status_code == 401


# -- the line of an open page -----------------------------------------------------------------


def pressed(*, by_itself: bool = False) -> bytes:
    """A message of a page: somebody pressed something, or it refreshes itself."""
    message = BackMsg()
    message.rerun_script.is_auto_rerun = by_itself
    return message.SerializeToString()


def test_the_line_is_cut_within_five_seconds(browse: Browse, service: Service) -> None:
    client = browse(signed_in=True)
    place = "ws://127.0.0.1/_stcore/stream"
    with client.websocket_connect(place) as one, client.websocket_connect(place) as two:
        for line in (one, two):
            line.send_bytes(pressed())
            assert line.receive_bytes() == pressed()
        service.accounts.sign_out("anna1")
        ended = time.monotonic()
        for line in (one, two):
            with pytest.raises(WebSocketDisconnect) as cut:
                line.receive_bytes()
            assert cut.value.code == 4401
        assert time.monotonic() - ended < 5


def test_nothing_is_done_on_a_line_that_has_ended(browse: Browse, service: Service) -> None:
    client = browse(signed_in=True)
    with client.websocket_connect("ws://127.0.0.1/_stcore/stream") as line:
        service.accounts.set_roles("anna1", ["admin", "viewer"])
        line.send_bytes(pressed())
        with pytest.raises(WebSocketDisconnect):
            line.receive_bytes()


def test_a_page_that_refreshes_itself_is_nobody(
    browse: Browse, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browse(signed_in=True)
    touched: list[str] = []
    with client.websocket_connect("ws://127.0.0.1/_stcore/stream") as line:
        monkeypatch.setattr(service.sessions, "touch", lambda s: touched.append(s.session_id))
        for message, times in ((pressed(by_itself=True), 0), (pressed(), 1)):
            line.send_bytes(message)
            assert line.receive_bytes() == message
            assert len(touched) == times


def test_a_page_says_what_pages_say_and_nothing_else(browse: Browse) -> None:
    """`clear_cache` of anybody would stop the work of everybody."""
    client = browse(signed_in=True)
    with client.websocket_connect("ws://127.0.0.1/_stcore/stream") as line:
        for kind in ("clear_cache", "set_run_on_save", "load_git_info", "debug_shutdown_runtime"):
            message = BackMsg()
            setattr(message, kind, True)
            line.send_bytes(message.SerializeToString())
        installing = BackMsg()
        installing.backend_operation_request.install_skills.SetInParent()
        line.send_bytes(installing.SerializeToString())
        line.send_bytes(b"\xff\xff")
        line.send_bytes(pressed())
        assert line.receive_bytes() == pressed(), "the others did not come through"


def begins(page_id: str) -> bytes:
    """Streamlit's first message of a page; these pages repeat what they are sent."""
    message = ForwardMsg()
    message.new_session.initialize.session_id = page_id
    return message.SerializeToString()


def test_a_page_is_its_own_sessions(service: Service, browse: Browse) -> None:
    """Streamlit lets whoever knows a page's id go on with it."""
    asked: list[list[str]] = []

    async def remembering(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            asked.append(Headers(scope=scope).get("sec-websocket-protocol", "").split(","))
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "bytes": begins("anna's")})
            while (await receive())["type"] != "websocket.disconnect":
                pass
        else:
            await pages(scope, receive, send)

    gate = Gate(remembering, SigningIn(service, secure=False).app(), service)
    wanted = ["streamlit", "xsrf", "anna's"]
    place, upload = "ws://127.0.0.1/_stcore/stream", "/_stcore/upload_file/anna's/1"
    service._passwords = QuickPasswords()
    anna, bo = (TestClient(gate, HERE, follow_redirects=False) for _ in range(2))
    enter(anna, *join(service, "anna"))
    enter(bo, *join(service, "bo"))
    for client in (anna, anna, bo):
        with client.websocket_connect(place, subprotocols=wanted) as line:
            assert line.receive_bytes() == begins("anna's")
        assert anna.put(upload).status_code == (404 if client is bo else 200)
    assert [len(a) for a in asked] == [2, 3, 2], "nobody's yet; her own; not his"
    assert bo.put("/_stcore/upload_file/other/1").status_code == 404
    assert anna.get("/_stcore/metrics").status_code == 404


def test_a_planted_cookie_opens_nothing_behind_https(browse: Browse, service: Service) -> None:
    """A neighbour of the same domain can set a plain cookie, and none whose name says __Host-."""
    login, password = join(service, "anna")
    token = service.sessions.sign_in(login, password).token
    client = browse(secure=True)
    place = "https://faces.firm/session"
    assert client.get(place, headers={"cookie": f"{COOKIE}={token}"}).status_code == 401
    assert client.get(place, headers={"cookie": f"{SECURE_COOKIE}={token}"}).status_code == 200
    assert client.get("/", headers={"cookie": f"{COOKIE}={token}"}).status_code == 401


def test_a_crowd_of_guesses_keeps_nobody_waiting(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service._passwords = QuickPasswords()
    login, password = join(service, "anna")
    token = service.sessions.sign_in(login, password).token
    answered = threading.Event()
    monkeypatch.setattr(
        service.sessions, "sign_in", lambda *_: (answered.wait(60), Attempt(None, "no"))[1]
    )
    form = {"login": "nobody", "password": "guess"}
    with served(service) as address, ThreadPoolExecutor(40) as threads:

        def guess() -> int:
            return httpx2.post(f"{address}/sign-in", data=form, timeout=120).status_code

        guesses = [threads.submit(guess) for _ in range(40)]
        cookies = {"cookie": f"{COOKIE}={token}"}
        for path in ("/session", "/"):
            assert httpx2.get(f"{address}{path}", headers=cookies, timeout=30).status_code == 200
        answered.set()
        answers = [guess.result() for guess in guesses]
    assert set(answers) == {403, 503}, "few are tried, the others are told to try again"


@contextmanager
def served(service: Service) -> Iterator[str]:
    """The gate on a port, in one event loop as `serve` runs it."""
    listening = socket.create_server(("127.0.0.1", 0))
    gate = Gate(pages, SigningIn(service, secure=False).app(), service)
    server = uvicorn.Server(uvicorn.Config(gate, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_a_gallery_that_was_changed_outside_lets_nobody_in(
    browse: Browse, service: Service
) -> None:
    client = browse(signed_in=True)
    databases.alter(service._settings.home, MORE_ROLES)
    form = {"login": "anna1", "password": GOOD}
    for answer in (client.get("/"), client.get("/session"), client.post("/sign-in", data=form)):
        assert answer.status_code == 503
        assert "rollcall doctor" in answer.text
        assert "anna" not in answer.text
    with pytest.raises(WebSocketDisconnect):
        client.websocket_connect("ws://127.0.0.1/_stcore/stream").__enter__()


def test_an_open_page_ends_where_nobody_can_say_who_is_signed_in(
    browse: Browse, service: Service
) -> None:
    client = browse(signed_in=True)
    with client.websocket_connect("ws://127.0.0.1/_stcore/stream") as line:
        line.send_bytes(pressed())
        line.receive_bytes()
        databases.alter(service._settings.home, MORE_ROLES)
        with pytest.raises(WebSocketDisconnect) as cut:
            line.receive_bytes()  # says nothing itself: the watch finds out
        assert cut.value.code == 4401


def test_the_sign_in_page_reads_as_a_form(browse: Browse) -> None:
    labels: list[str] = []

    class Fields(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "input":
                labels.append(dict(attrs).get("autocomplete") or "")

    for language, word in (("en", "Sign in"), ("de", "Anmelden")):
        page = browse().get("/sign-in", headers={"accept-language": f"{language},en;q=0.5"}).text
        assert f'<html lang="{language}">' in page
        assert word in page
        Fields().feed(page)
    assert {"username", "current-password", "one-time-code"} <= set(labels)
