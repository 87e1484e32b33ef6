"""Before the pages: nothing behind it is reached without a session that holds, now.

It is asked for at every request, at every message of an open page, and every two seconds beside
them, so that a session that was ended ends what is open, too. The API is not behind it: it has
keys.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from google.protobuf.message import DecodeError
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from app.addresses import PASSWORD, SIGN_IN, STATE
from app.out_of_order import out_of_order
from app.rest.api import PLACE
from app.visitor import COOKIE, SECURE_COOKIE
from enrollment.accounts import Session
from enrollment.service import Service
from store.errors import StoreError

_OF_SIGNING_IN = (SIGN_IN, PASSWORD, STATE)
# Whether Streamlit is there, and files of its own: nothing of the gallery.
_HEALTH, _FILES = "/_stcore/health", "/static/"
_UPLOADS = "/_stcore/upload_file/"
# For programs, not for pages: its own numbers, and an interface for agents.
_NOT_FOR_PAGES = ("/_stcore/metrics", "/_stcore/agent")
# What a page has to say. Others would empty the process's caches, and with them stop everybody's
# work, or are for developers.
_SAID = {"rerun_script", "stop_script", "file_urls_request", "app_heartbeat"}
_WATCH_SECONDS = 2.0
_ENDED = 4401  # of those that a program may choose for itself
_REMEMBERED = 10_000  # pages
_PROTOCOLS = b"sec-websocket-protocol"
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
]


class Gate:
    """An ASGI app: the pages, for those who are signed in.

    Args:
        pages: what is behind it.
        signing_in: answers below `/sign-in`, `/password` and `/session`.
        secure: the address is https.
    """

    def __init__(
        self, pages: ASGIApp, signing_in: ASGIApp, service: Service, *, secure: bool = False
    ) -> None:
        self._pages = pages
        self._signing_in = signing_in
        self._service = service
        self._cookie = SECURE_COOKIE if secure else COOKIE
        # Streamlit lets whoever knows the id of somebody's page go on with it: whose is which?
        self._owners: OrderedDict[str, str] = OrderedDict()
        # Of its own: whoever keeps all other threads busy must not keep this one from looking.
        self._threads = CapacityLimiter(8)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._let_through(scope, receive, send)
        except StoreError as error:
            answer = out_of_order(None, error)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": _ENDED})
            else:
                await answer(scope, receive, send)

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] not in ("http", "websocket") or path.startswith(f"{PLACE}/"):
            await self._pages(scope, receive, send)
        elif scope["type"] == "http" and any(_below(path, place) for place in _OF_SIGNING_IN):
            await self._signing_in(scope, receive, send)
        elif scope["type"] == "http" and (path == _HEALTH or path.startswith(_FILES)):
            await self._pages(scope, receive, send)
        else:
            token = HTTPConnection(scope).cookies.get(self._cookie, "")
            session = await self._current(token)
            if scope["type"] == "websocket":
                await self._follow(token, session, scope, receive, send)
            elif session is None or session.user.one_time:
                await _elsewhere(session, scope)(scope, receive, send)
            elif path.startswith(_NOT_FOR_PAGES) or not self._owns(session, path):
                await PlainTextResponse("this is not yours\n", 404)(scope, receive, send)
            else:
                await self._pages(scope, receive, _with_headers(path, send))

    async def _current(self, token: str) -> Session | None:
        current = self._service.sessions.current
        return await to_thread.run_sync(current, token, limiter=self._threads)

    async def _touch(self, session: Session) -> None:
        touch = self._service.sessions.touch
        await to_thread.run_sync(touch, session, limiter=self._threads)

    async def _follow(
        self, token: str, session: Session | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """An open page, for as long as its session holds."""
        if session is None or session.user.one_time:
            await send({"type": "websocket.close", "code": _ENDED})
            return
        await self._touch(session)
        mine = session.session_id
        page = _OpenPage(
            receive,
            send,
            lambda said: self._allows(token, said),
            lambda page_id: self._learn(page_id, mine),
        )
        watch = asyncio.create_task(self._watch(token, page))
        try:
            await self._pages(self._without_others(scope, mine), page.receive, page.send)
        finally:
            watch.cancel()

    async def _allows(self, token: str, said: BackMsg) -> bool:
        """False: the page is over."""
        session = await self._current(token)
        if session is None:
            return False
        if _is_somebody(said):
            await self._touch(session)
        return True

    async def _watch(self, token: str, page: "_OpenPage") -> None:
        """Where the gallery cannot say any more who is signed in, the page is over as well."""
        with suppress(StoreError):
            while await self._current(token) is not None:
                await asyncio.sleep(_WATCH_SECONDS)
        await page.end()

    def _learn(self, page_id: str, session_id: str) -> None:
        self._owners[page_id] = session_id
        while len(self._owners) > _REMEMBERED:
            self._owners.popitem(last=False)

    def _owns(self, session: Session, path: str) -> bool:
        """Uploads go to a page, whose id is in the address."""
        if not path.startswith(_UPLOADS):
            return True
        page_id = path.removeprefix(_UPLOADS).split("/")[0]
        return self._owners.get(page_id) == session.session_id

    def _without_others(self, scope: Scope, session_id: str) -> Scope:
        """The page that the browser wants to go on with is left out unless it is the session's."""
        headers = []
        for name, value in scope["headers"]:
            asked = value.split(b",")
            others = name == _PROTOCOLS and len(asked) > 2
            if others and self._owners.get(asked[2].strip().decode("latin-1")) != session_id:
                headers.append((name, b",".join(asked[:2])))
            else:
                headers.append((name, value))
        protocols = list(scope.get("subprotocols", []))[:2]
        return {**scope, "headers": headers, "subprotocols": protocols}


class _OpenPage:
    """The two ways of a websocket, until it is ended from here."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        allows: Callable[[BackMsg], Awaitable[bool]],
        learn: Callable[[str], None],
    ) -> None:
        self._receive, self._send, self._allows = receive, send, allows
        self._learn: Callable[[str], None] | None = learn
        self._ended = asyncio.Event()

    async def end(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            with suppress(OSError, RuntimeError):  # it went away by itself
                await self._send({"type": "websocket.close", "code": _ENDED})

    async def receive(self) -> Message:
        while not self._ended.is_set():
            coming = asyncio.ensure_future(self._receive())
            ended = asyncio.ensure_future(self._ended.wait())
            try:
                await asyncio.wait((coming, ended), return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
            if self._ended.is_set():
                coming.cancel()
                break
            message = coming.result()
            if message["type"] != "websocket.receive":
                return message
            said = _said(message)
            if said is None:
                continue
            if await self._allows(said):
                return message
            await self.end()
        return {"type": "websocket.disconnect", "code": _ENDED}

    async def send(self, message: Message) -> None:
        if self._ended.is_set():
            raise OSError("the session was ended")
        if self._learn is not None and message.get("bytes"):
            page_id = _page_id(message["bytes"])
            if page_id:
                self._learn(page_id)
                self._learn = None
        await self._send(message)


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _elsewhere(session: Session | None, scope: Scope) -> Response:
    """Where whoever asks has to go first."""
    connection = HTTPConnection(scope)
    if scope["method"] != "GET" or "text/html" not in connection.headers.get("accept", ""):
        return PlainTextResponse("sign in first\n", 401)
    if session is not None:
        return RedirectResponse(PASSWORD, 303)
    return RedirectResponse(f"{SIGN_IN}?next={quote(connection.url.path)}", 303)


def _with_headers(path: str, send: Send) -> Send:
    """What is made for one page is kept nowhere on the way."""
    more = [*_HEADERS, (b"cache-control", b"no-store")] if path.startswith("/media/") else _HEADERS

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in more}
            kept = [(n, v) for n, v in message.get("headers", []) if n.lower() not in given]
            message = {**message, "headers": [*kept, *more]}
        await send(message)

    return sending


def _said(message: Message) -> BackMsg | None:
    """None: no page says so."""
    said = BackMsg()
    try:
        said.ParseFromString(message.get("bytes") or b"")
    except DecodeError:
        return None
    kind, asked = said.WhichOneof("type"), said.backend_operation_request
    if kind == "backend_operation_request":
        of_a_page = asked.HasField("deferred_file") or asked.HasField("dataframe_chunk")
    else:
        of_a_page = kind in _SAID
    return said if of_a_page else None


def _is_somebody(said: BackMsg) -> bool:
    """Does somebody do something, or does a page refresh itself?"""
    return said.WhichOneof("type") == "rerun_script" and not said.rerun_script.is_auto_rerun


def _page_id(data: bytes) -> str:
    """Streamlit's id of the page that begins with this message; empty for any other message."""
    sent = ForwardMsg()
    try:
        sent.ParseFromString(data)
    except DecodeError:
        return ""
    return sent.new_session.initialize.session_id if sent.HasField("new_session") else ""
