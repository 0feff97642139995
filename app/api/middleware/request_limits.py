"""Request limits: the first and cheapest checks of every request. Pure ASGI, outermost.

Rejected are repeated headers, addresses that are too long or not UTF-8, foreign hosts, tokens in addresses, clients over their
rate, and requests beyond the limit of concurrency. ``/healthz`` is exempt from the last two.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.middleware.backpressure import UnsentBytes
from app.api.middleware.header_fields import fields_of, join_fields
from app.api.middleware.rate_limit import RateLimit
from app.api.middleware.request_log import request_id
from app.api.middleware.security_headers import SECURITY_HEADERS
from app.errors import (
    MEDIA_TYPE,
    BadRequest,
    MisdirectedRequest,
    PayloadTooLarge,
    Problem,
    Unavailable,
    UriTooLong,
)
from app.limits import MAX_BODY, MAX_CALL, MAX_URL, client_share

ALIVE = "/healthz"
LONGEST_LENGTH = 10
"""Digits of a Content-Length that are read; a longer number is too large anyway."""
SMALL_BODY = 64 * 2**10
"""Bytes up to which an unread body is discarded, which is cheaper than a new connection."""
MAX_BODIES = {"/mcp": MAX_CALL}
"""Limits in bytes of paths whose body limit differs from MAX_BODY."""
MOST_ACCEPTED = 512
"""Size of the cache of address checks, by path, query and host."""
MOST_DECODINGS = 5
"""Rounds of percent-decoding in the search for a token."""

TOKEN_IN_ADDRESS = "A token stands in the address, where others may see it: revoke it, and send the next as a header."  # noqa: S105  a text

_HOST = re.compile(rb"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)


class RequestLimits:
    """Middleware that rejects invalid or excess requests; ``open`` has the clients of requests in progress."""

    def __init__(  # noqa: PLR0913  all inputs of the decision
        self,
        app: ASGIApp,
        hosts: Sequence[str],
        rate: RateLimit | None,
        most: int,
        secret: re.Pattern[str],
        unsent: UnsentBytes,
        refused: Callable[[Scope, Problem], None],
    ) -> None:
        """Wrap ``app``; accept ``hosts`` (``*`` for all), ``most`` requests at once.

        ``secret`` matches tokens, ``unsent`` counts response bytes that wait for clients; ``refused`` is called with every
        rejected request.
        """
        self.app, self.rate, self.most = app, rate, most
        self.share = client_share(most)
        self.open: dict[int, tuple[str, int] | None] = {}
        self._hosts = None if "*" in hosts else {host.lower().encode() for host in hosts}
        self._secret = re.compile(secret.pattern.encode())
        self._unsent, self._refused = unsent, refused
        self._is_accepted = lru_cache(MOST_ACCEPTED)(self._accepts)  # saves 3 % of a cached response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        problem = join_fields(scope)
        fields = fields_of(scope)
        if not self._is_accepted(scope["raw_path"], scope["query_string"], fields.get(b"host")):
            invalid = self._address_problem(scope["raw_path"], scope["query_string"])
            if invalid is not None and invalid.detail == TOKEN_IN_ADDRESS:
                scope["path"] = "/"  # keeps the token out of the log and the response
            problem = invalid or problem or self._host_problem(fields.get(b"host"))
        if scope["path"] != ALIVE:
            if self.rate is not None:
                callers = self.rate.callers(scope)
                problem = problem or self.rate.refused(callers)
                send = self.rate.wrap_send(send, callers)
            full = len(self.open) >= self.share and self._is_full(scope["client"])
            if full or (self._unsent.total and self._unsent.is_full(scope["client"])):
                problem = problem or Unavailable("More requests are open than can be worked on.", headers={"Retry-After": "1"})
        if b"transfer-encoding" in fields or fields.get(b"content-length", b"0") != b"0":
            body = Body(receive, send, _length(fields), MAX_BODIES.get(scope["path"], MAX_BODY))
            problem = problem or body.problem
            receive, send = body.receive, body.send
        if problem is not None:
            problem.headers["X-Request-Id"] = request_id(scope)
            self._refused(scope, problem)
            for message in problem_messages(problem, scope["path"]):
                await send(message)
            return
        self.open[id(scope)] = scope["client"]
        try:
            await self.app(scope, receive, send)
        finally:
            del self.open[id(scope)]

    def _is_full(self, client: tuple[str, int] | None) -> bool:
        """Return whether the limit in total, or the share of this client, is reached."""
        host = client and client[0]
        return len(self.open) >= self.most or sum((other and other[0]) == host for other in self.open.values()) >= self.share

    def _accepts(self, path: bytes, query: bytes, host: bytes | None) -> bool:
        """Return whether address and host are valid."""
        return (self._address_problem(path, query) or self._host_problem(host)) is None

    def _address_problem(self, path: bytes, query: bytes) -> Problem | None:
        """Return the problem of an address with a token, too long, or not UTF-8."""
        if has_secret(self._secret, path + b"?" + query):
            return BadRequest(TOKEN_IN_ADDRESS)
        if len(path) + len(query) > MAX_URL:
            return UriTooLong(f"The address is longer than {MAX_URL} bytes.")
        if b"%" in path and not _is_text(path):
            return BadRequest("The path is not percent-encoded UTF-8, or contains NUL.")
        return None

    def _host_problem(self, field: bytes | None) -> Problem | None:
        """Return the problem of a malformed or foreign Host; with ``*`` none is needed."""
        if field is None:
            return (
                None if self._hosts is None else MisdirectedRequest("This service does not answer for requests without a host.")
            )
        host = _HOST.fullmatch(field)
        if host is None:
            return BadRequest(
                "The header Host is malformed; expected a name or an address, and a port where it is not the usual one."
            )
        if self._hosts is None or field.lower() in self._hosts or host["name"].lower() in self._hosts:
            return None
        return MisdirectedRequest("This service does not answer for that host.")


def has_secret(secret: re.Pattern[bytes], address: bytes) -> bool:
    """Return whether an address has a secret, also percent-encoded repeatedly."""
    for _ in range(MOST_DECODINGS):
        if secret.search(address):
            return True
        decoded = unquote_to_bytes(address) if b"%" in address else address
        if decoded == address:
            return False
        address = decoded
    return False


def problem_messages(problem: Problem, instance: str) -> tuple[Message, Message]:
    """Return the ASGI messages of a problem document."""
    body = msgspec.json.encode(problem.document(instance))
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **problem.headers}
    raw = [*((name.lower().encode(), value.encode()) for name, value in headers.items()), *SECURITY_HEADERS]
    return (
        {"type": "http.response.start", "status": problem.status, "headers": raw},
        {"type": "http.response.body", "body": body},
    )


def _length(fields: Mapping[bytes, bytes]) -> int | None:
    """Return the Content-Length, or None if it is absent or no number."""
    length = fields.get(b"content-length", b"")
    return int(length[:LONGEST_LENGTH]) if length.isdigit() else None


class Body:
    """Request body of limited size; an unread rest closes the connection."""

    def __init__(self, receive: Receive, send: Send, length: int | None, most: int) -> None:
        """Wrap the channels of one request; ``length`` is its Content-Length, if any."""
        self._receive, self._send = receive, send
        self._most, self._size = most, 0
        self._is_read = length is not None and length <= SMALL_BODY
        self.problem = self._too_large() if length is not None and length > most else None

    async def receive(self) -> Message:
        """Return the next part. Raises PayloadTooLarge, for chunked bodies too."""
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self._is_read = self._is_read or not message.get("more_body")
        if self._size > self._most:
            raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        """Send a message; add ``Connection: close`` unless the body was read to its end."""
        if message["type"] == "http.response.start" and not self._is_read:
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await self._send(message)

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body is larger than {self._most} bytes.")


def _is_text(path: bytes) -> bool:
    """Return whether a path is percent-encoded UTF-8 without NUL."""
    decoded = unquote_to_bytes(path)
    try:
        decoded.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in decoded
