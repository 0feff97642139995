"""What the service says about itself: a log of JSON lines, and metrics in Prometheus' format; and what browsers are told.

The answers that the cache repeats do not come here: the cache counts them.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.headers import fields_of

SLOW_SECONDS = 1.0
"""A read that takes longer is worth a line."""
ERROR = 400
TOLD = (
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"*"),
)
"""Headers of every answer: browsers take it for what it says it is, and scripts of any origin may read all of it (CORS, in the
Fetch standard). They are the same for whoever asks, so that caches need not tell them apart."""
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""An answer is data: no browser shall run or load anything for it. Pages say otherwise themselves."""

log = structlog.get_logger("indicators")


_OWN_NAME = re.compile(rb"(?!.*ria_)[A-Za-z0-9_-]{8,64}")  # a token is no name: it would be logged
_PROCESS, _numbers = token_hex(4), count(1)
_REQUEST: ContextVar[str] = ContextVar("request")


def name(scope: Scope) -> str:
    """What a request is called in the log, in the audit, and in X-Request-Id: as its client calls it, or a new name."""
    if "request_id" not in scope:
        given = fields_of(scope).get(b"x-request-id", b"")
        scope["request_id"] = given.decode() if _OWN_NAME.fullmatch(given) else f"{_PROCESS}{next(_numbers):08x}"
    found: str = scope["request_id"]
    return found


def _named(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The line with the name of the request that is being answered, where one is."""
    request = _REQUEST.get(None)
    return event if request is None else {**event, "request_id": request}


def configure_logs(level: str, secret: re.Pattern[str]) -> None:
    """Write JSON lines to stderr, those of libraries too; what has the shape of a secret is left out."""

    def redact(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {key: secret.sub("[redacted]", value) if isinstance(value, str) else value for key, value in event.items()}

    shared: list[Any] = [
        _named,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),  # what is not written costs nothing
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    written = structlog.processors.JSONRenderer(ensure_ascii=False)
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, written]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the requests of agents to ourselves


class Metrics:
    """The counters of one application, and what is asked for when they are read."""

    def __init__(self, state: Callable[[], dict[str, tuple[str, float]]]) -> None:
        """``state`` gives values by name, each with its meaning; names that end in ``_total`` are counters."""
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        to: Any = {"registry": self.registry}
        self.requests = Counter("indicators_requests", "Requests that the cache did not answer.", labels, **to)
        self.seconds = Histogram("indicators_request_seconds", "Time until the end of the answer.", ("route",), **to)
        self.registry.register(_State(state))
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        key = (method, route, status)
        if key not in self._children:  # the library would make texts of the labels each time
            self._children[key] = self.requests.labels(*key), self.seconds.labels(route)
        requests, times = self._children[key]
        requests.inc()
        times.observe(seconds)

    def text(self) -> bytes:
        """All metrics, in Prometheus' text format."""
        return generate_latest(self.registry)


class _State(Collector):
    def __init__(self, state: Callable[[], dict[str, tuple[str, float]]]) -> None:
        self._state = state

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for name, (meaning, value) in self._state().items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield kind(f"indicators_{name}", meaning, value=value)


class Observed:
    """Counts and logs what ``app`` answers, and adds the headers that keep browsers out of trouble. Pure ASGI."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Counts into ``metrics``."""
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = perf_counter(), 0
        token = _REQUEST.set(name(scope))

        async def secured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], *TOLD, (b"x-request-id", scope["request_id"].encode())]
                if POLICY[0] not in dict(headers):
                    headers.append(POLICY)
                if scope["scheme"] == "https":
                    headers.append((b"strict-transport-security", b"max-age=31536000"))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self.app(scope, receive, secured)
        finally:
            self._note(scope, status, perf_counter() - start)
            _REQUEST.reset(token)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], getattr(scope.get("route"), "path", "none")
        self.metrics.count(method, route, status, seconds)
        matters = status >= ERROR or method not in ("GET", "HEAD", "OPTIONS") or seconds > SLOW_SECONDS or status == 0
        level = logging.INFO if matters else logging.DEBUG
        if log.is_enabled_for(level):
            line = {"method": method, "path": scope["path"], "status": status, "seconds": round(seconds, 4)}
            log.log(level, "request", **line, client=scope["client"][0] if scope["client"] else None)
