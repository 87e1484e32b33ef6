"""What a monitor reads: counts and times, and nobody's name."""

import time
from collections.abc import Callable, Iterable
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enrollment.service import Service

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


class Metrics:
    """Of one server."""

    def __init__(self, service: Service) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_GalleryNow(service))
        self._decisions = Counter(
            "rollcall_decisions", "Faces that were decided on.", ["door", "decision"],
            registry=self.registry,
        )  # fmt: skip
        self._requests = Histogram(
            "rollcall_request_seconds", "Time to answer.", ["method", "route", "status"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip

    def decided(self, door: str, decision: str) -> None:
        self._decisions.labels(door, decision).inc()

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _GalleryNow(Collector):
    """Read when somebody asks, so that it is true of every process that shares the gallery."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterable[Metric]:
        service = self._service
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "rollcall_people": ("People who are enrolled.", service.count),
            "rollcall_gallery_generation": ("Changes of whom is found.", service.generation),
            "rollcall_review_waiting": ("Faces that wait for a person's word.", service.waiting),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(name, text, value())
        night = service.last_night()
        outcome = str(night.details.get("outcome", night.state)) if night else None
        last = GaugeMetricFamily(
            "rollcall_last_night", "1 for how the last night ended.", labels=["outcome"]
        )
        if outcome is not None:
            last.add_metric([outcome], 1)
        yield last


class Timed:
    """Measures every request by its route's pattern: a path may hold an id."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.answered(scope["method"], _pattern(scope), status, seconds)


def _pattern(scope: Scope) -> str:
    route = scope.get("route")
    if route is None and "app" in scope:
        matching = (r for r in scope["app"].routes if isinstance(r, Route))
        route = next((r for r in matching if r.matches(scope)[0] is Match.FULL), None)
    return str(getattr(route, "path", "none"))


def _of_app(request: Request) -> Metrics:
    found: Metrics = request.app.state.metrics
    return found


Counted = Annotated[Metrics, Depends(_of_app)]
