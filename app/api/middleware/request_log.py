"""Request log: an id, a log line, metrics and security headers for every response that the cache did not answer."""

import logging
import re
import sys
from contextvars import ContextVar
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.metrics import Metrics
from app.api.middleware.header_fields import fields_of
from app.api.middleware.security_headers import security_headers

SLOW_SECONDS = 1.0
"""Seconds above which a successful read is logged at the level INFO."""
ERROR = 400
READ_METHODS = ("GET", "HEAD", "OPTIONS")

log = structlog.get_logger("indicators")

_CLIENT_ID = re.compile(rb"(?!.*ria_)[A-Za-z0-9_-]{8,64}")  # a token is no valid id: it would be logged
_PROCESS, _numbers = token_hex(4), count(1)
_REQUEST: ContextVar[str] = ContextVar("request")


def request_id(scope: Scope) -> str:
    """Return the request id: the client's X-Request-Id if it is valid, else a new one."""
    if "request_id" not in scope:
        value = fields_of(scope).get(b"x-request-id", b"")
        scope["request_id"] = value.decode() if _CLIENT_ID.fullmatch(value) else f"{_PROCESS}{next(_numbers):08x}"
    identifier: str = scope["request_id"]
    return identifier


def _add_request_id(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Add the id of the current request to a log event, if there is one."""
    identifier = _REQUEST.get(None)
    return event if identifier is None else {**event, "request_id": identifier}


def configure_logs(level: str, secret: re.Pattern[str]) -> None:
    """Write all logs, also of libraries, to stderr as JSON; redact ``secret``."""

    def redact(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {key: secret.sub("[redacted]", value) if isinstance(value, str) else value for key, value in event.items()}

    processors: list[Any] = [
        _add_request_id,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),  # events below the level cost nothing
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=processors, processors=last))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # agents' calls of this API over httpx


class RequestLog:
    """ASGI middleware that counts, logs and labels each response of ``app``."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap ``app``; requests are counted in ``metrics``."""
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = perf_counter(), 0
        token = _REQUEST.set(request_id(scope))

        async def send_labelled(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", scope["request_id"].encode())]
                message = {**message, "headers": headers + security_headers(scope, headers)}
            await send(message)

        try:
            await self.app(scope, receive, send_labelled)
        finally:
            self._record(scope, status, perf_counter() - start)
            _REQUEST.reset(token)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], getattr(scope.get("route"), "path", "none")
        self.metrics.count(method, route, status, seconds)
        is_notable = status >= ERROR or method not in READ_METHODS or seconds > SLOW_SECONDS or status == 0
        level = logging.INFO if is_notable else logging.DEBUG
        if log.is_enabled_for(level):
            line = {"method": method, "path": scope["path"], "status": status, "seconds": round(seconds, 4)}
            log.log(level, "request", **line, client=scope["client"][0] if scope["client"] else None)
