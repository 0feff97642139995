"""Prometheus metrics of one application."""

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Figures = dict[str, tuple[str, float]]
"""Values by name, each with its meaning; names that end in ``_total`` are counters, all others are gauges."""


class Metrics:
    """Counters of requests, and figures read at each scrape."""

    def __init__(self) -> None:
        """Create the counters."""
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        options: Any = {"registry": self.registry}
        self.requests = Counter("indicators_requests", "Requests that the cache did not answer.", labels, **options)
        self.seconds = Histogram("indicators_request_seconds", "Time until the end of the answer.", ("route",), **options)
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def add_figures(self, figures: Callable[[], Figures]) -> None:
        """Call ``figures`` at each scrape."""
        self.registry.register(_FiguresCollector(figures))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (method, route, status)
        if key not in self._children:  # the library formats the labels at each look-up
            self._children[key] = self.requests.labels(*key), self.seconds.labels(route)
        requests, times = self._children[key]
        requests.inc()
        times.observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _FiguresCollector(Collector):
    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for name, (meaning, value) in self._figures().items():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield family(f"indicators_{name}", meaning, value=value)
