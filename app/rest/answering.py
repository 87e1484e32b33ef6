"""Around every request: its id, its time, one line in the log. By its route's pattern, because a
path may hold an id or whatever somebody typed."""

import time
from dataclasses import dataclass
from uuid import uuid4

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.log import Log
from app.rest.metrics import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STATE = "rollcall"
HEADER = "X-Request-ID"


@dataclass
class Asked:
    """One request. request_id: ours, whatever its headers say; key_id: once a key was shown."""

    request_id: str
    log: Log
    key_id: str | None = None


def asked(request: Request) -> Asked:
    found: Asked = getattr(request.state, _STATE)
    return found


class Answering:
    """Around the whole API, also its answers to errors that nobody foresaw."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log: Log) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        one = Asked(uuid4().hex, self._log)
        scope.setdefault("state", {})[_STATE] = one
        started, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = one.request_id
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            # Answered it is (`answer_errors`); whoever serves would write the message as well.
            self._log.error(error, one.request_id)
            if not status:
                raise
        finally:
            self._answered(scope, one, status or 500, time.perf_counter() - started)

    def _answered(self, scope: Scope, one: Asked, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = _pattern(scope)
        self._metrics.answered(method, route, status, seconds)
        self._log.request(one.request_id, one.key_id, method, route, status, seconds * 1000)


def _pattern(scope: Scope) -> str:
    route = scope.get("route")
    if route is None and "app" in scope:
        matching = (r for r in scope["app"].routes if isinstance(r, Route))
        route = next((r for r in matching if r.matches(scope)[0] is Match.FULL), None)
    return str(getattr(route, "path", "none"))
