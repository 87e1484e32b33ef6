"""What a monitor reads: counts and times, and nobody's name."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from enrollment.service import Service
from enrollment.tally import BOUNDS, Times
from store.errors import DatabaseAway

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


class Metrics:
    """Of one server."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_GalleryNow(service))
        self._registry.register(_ProcessSoFar(service))
        ProcessCollector(registry=self._registry)
        self._requests = Histogram(
            "rollcall_request_seconds", "Time to answer.", ["method", "route", "status"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _GalleryNow(Collector):
    """Read when somebody asks, so that it is true of every process that shares the gallery."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterable[Metric]:
        service = self._service
        reached = service.reached
        yield GaugeMetricFamily(
            "rollcall_database_up", "1 where the database answers.", float(reached.away is None)
        )
        yield GaugeMetricFamily(
            "rollcall_memory_seconds",
            "For how long recognition may go on without the database.",
            reached.from_memory,
        )
        try:
            yield from self._in_database()
        except DatabaseAway:
            return

    def _in_database(self) -> Iterable[Metric]:
        service = self._service
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "rollcall_people": ("People who are enrolled.", service.count),
            "rollcall_templates": ("Templates that are kept.", service.count_templates),
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


class _ProcessSoFar(Collector):
    """What every door of this process did since its start: pages, cameras, API, night."""

    def __init__(self, service: Service) -> None:
        self._tally = service.tally

    def collect(self) -> Iterable[Metric]:
        done = self._tally.read()
        counters = {
            "rollcall_embeddings": ("Faces that were embedded.", done.embedded),
            "rollcall_searches": ("Faces that were compared with everybody.", done.searches),
            "rollcall_index_rebuilds": ("Times the index was made anew.", done.rebuilds),
        }
        for name, (text, value) in counters.items():
            yield CounterMetricFamily(name, text, value)
        decisions = CounterMetricFamily(
            "rollcall_decisions", "Faces that were decided on.", labels=["way", "decision"]
        )
        for key, value in done.decisions.items():
            decisions.add_metric(key, value)
        yield decisions
        nights = CounterMetricFamily("rollcall_nights", "Nights that ended.", labels=["outcome"])
        for outcome, value in done.nights.items():
            nights.add_metric([outcome], value)
        yield nights
        yield _histogram("rollcall_embedding_seconds", "Time for a batch.", done.embedding)
        yield _histogram("rollcall_search_seconds", "Time for a search.", done.searching)


def _histogram(name: str, text: str, times: Times) -> Metric:
    bounds = [str(bound) for bound in BOUNDS]
    within: list[tuple[str, float]] = [*zip(bounds, times.within, strict=True)]
    return HistogramMetricFamily(
        name, text, buckets=[*within, ("+Inf", times.count)], sum_value=times.seconds
    )
