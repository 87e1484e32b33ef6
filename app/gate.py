"""Before the pages: nothing behind it is reached without a session that holds, now.

It is asked for at every request, at every message of an open page, and every two seconds beside
them, so that a session that was ended ends what is open, too. The API is not behind it: it has
keys.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from app.addresses import PASSWORD, SIGN_IN, STATE
from app.rest.api import PLACE
from app.visitor import token_in
from enrollment.accounts import Session
from enrollment.service import Service

_OF_SIGNING_IN = (SIGN_IN, PASSWORD, STATE)
# Files of Streamlit's own, and whether it is there: nothing of the gallery.
_FOR_ALL = ("/static/", "/_stcore/health")
_WATCH_SECONDS = 2.0
_ENDED = 4401  # of those that a program may choose for itself


class Gate:
    """An ASGI app: the pages, for those who are signed in.

    Args:
        pages: what is behind it.
        signing_in: answers below `/sign-in`, `/password` and `/session`.
    """

    def __init__(self, pages: ASGIApp, signing_in: ASGIApp, service: Service) -> None:
        self._pages = pages
        self._signing_in = signing_in
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] not in ("http", "websocket") or _below(path, PLACE):
            await self._pages(scope, receive, send)
        elif scope["type"] == "http" and any(_below(path, place) for place in _OF_SIGNING_IN):
            await self._signing_in(scope, receive, send)
        elif scope["type"] == "http" and path.startswith(_FOR_ALL):
            await self._pages(scope, receive, send)
        else:
            token = token_in(HTTPConnection(scope).cookies)
            session = await self._current(token)
            if scope["type"] == "websocket":
                await self._follow(token, session, scope, receive, send)
            elif session is None or session.user.one_time:
                await _elsewhere(session, scope)(scope, receive, send)
            else:
                await self._pages(scope, receive, send)

    async def _current(self, token: str) -> Session | None:
        return await run_in_threadpool(self._service.sessions.current, token)

    async def _follow(
        self, token: str, session: Session | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """An open page, for as long as its session holds."""
        if session is None or session.user.one_time:
            await send({"type": "websocket.close", "code": _ENDED})
            return
        await run_in_threadpool(self._service.sessions.touch, session)
        page = _OpenPage(receive, send, lambda message: self._allows(token, message))
        watch = asyncio.create_task(self._watch(token, page))
        try:
            await self._pages(scope, page.receive, page.send)
        finally:
            watch.cancel()

    async def _allows(self, token: str, message: Message) -> bool:
        session = await self._current(token)
        if session is None:
            return False
        if _is_somebody(message):
            await run_in_threadpool(self._service.sessions.touch, session)
        return True

    async def _watch(self, token: str, page: "_OpenPage") -> None:
        while await self._current(token) is not None:
            await asyncio.sleep(_WATCH_SECONDS)
        await page.end()


class _OpenPage:
    """The two ways of a websocket, until it is ended from here."""

    def __init__(
        self, receive: Receive, send: Send, allows: Callable[[Message], Awaitable[bool]]
    ) -> None:
        self._receive, self._send, self._allows = receive, send, allows
        self._ended = asyncio.Event()

    async def end(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            with suppress(OSError, RuntimeError):  # it went away by itself
                await self._send({"type": "websocket.close", "code": _ENDED})

    async def receive(self) -> Message:
        coming = asyncio.ensure_future(self._receive())
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((coming, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if not self._ended.is_set():
            message = coming.result()
            if message["type"] != "websocket.receive" or await self._allows(message):
                return message
            await self.end()
        coming.cancel()
        return {"type": "websocket.disconnect", "code": _ENDED}

    async def send(self, message: Message) -> None:
        if self._ended.is_set():
            raise OSError("the session was ended")
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


def _is_somebody(message: Message) -> bool:
    """Does somebody do something, or does a page refresh itself?"""
    said = BackMsg()
    try:
        said.ParseFromString(message.get("bytes") or b"")
    except Exception:  # what it is the pages will say
        return False
    return said.WhichOneof("type") == "rerun_script" and not said.rerun_script.is_auto_rerun
