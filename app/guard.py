"""What every request meets first: checks that cost little. Pure ASGI, in front of everything.

Refused are addresses that are too long or not UTF-8, hosts that are not ours, tokens in addresses, clients that ask too often,
and whatever is more than can be worked on at once. ``/healthz`` is answered even then.
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import (
    MEDIA_TYPE,
    BadRequest,
    MisdirectedRequest,
    PayloadTooLarge,
    Problem,
    Unavailable,
    UriTooLong,
)
from app.limits import MAX_BODY, MAX_URL, share_of
from app.observe import TOLD, name
from app.rates import Rate

ALIVE = "/healthz"
LONGEST_LENGTH = 10
"""Digits of a Content-Length that is worth reading."""

WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Lets through what may pass. ``open`` are the requests that are being worked on, each with its client."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], rate: Rate | None, most: int, secret: re.Pattern[str]) -> None:
        """``hosts`` are answered for (all with ``*``), ``most`` requests at once; ``secret`` is the shape of tokens."""
        self.app, self.rate, self.most = app, rate, most
        self.share = share_of(most)
        self.open: dict[int, tuple[str, int] | None] = {}
        self._hosts = None if "*" in hosts else {host.lower().encode() for host in hosts}
        self._secret = re.compile(secret.pattern.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        problem = self._address(scope)
        if problem is None and self._hosts is not None:
            problem = self._host(dict(scope["headers"]))
        if scope["path"] != ALIVE:
            if self.rate is not None:
                callers = self.rate.callers(scope)
                problem = problem or self.rate.refused(callers)
                send = self.rate.telling(send, callers)
            if len(self.open) >= self.share and self._is_full(scope["client"]):
                problem = problem or Unavailable("More requests are open than can be worked on.", headers={"Retry-After": "1"})
        if scope["method"] not in WITHOUT_BODY:
            problem = problem or _too_large(dict(scope["headers"]))
            receive = _bounded(receive)
        if problem is not None:
            problem.headers["X-Request-Id"] = name(scope)
            for message in answer(problem, scope["path"]):
                await send(message)
            return
        self.open[id(scope)] = scope["client"]
        try:
            await self.app(scope, receive, send)
        finally:
            del self.open[id(scope)]

    def _is_full(self, client: tuple[str, int] | None) -> bool:
        """Whether there is no room for another request, or none for one of this client."""
        host = client and client[0]
        return len(self.open) >= self.most or sum((each and each[0]) == host for each in self.open.values()) >= self.share

    def _address(self, scope: Scope) -> Problem | None:
        """What is wrong with the address."""
        path, query = scope["raw_path"], scope["query_string"]
        if len(path) + len(query) > MAX_URL:
            return UriTooLong(f"The address is longer than {MAX_URL} bytes.")
        if b"%" in path and not _is_text(path):
            return BadRequest("The path is not percent-encoded UTF-8, or contains NUL.")
        if (b"ria_" in query or b"ria_" in path) and self._secret.search(path + query):
            scope["path"] = "/"  # it is repeated nowhere
            return BadRequest("A token stands in the address, where others may see it: revoke it, and send the next as a header.")
        return None

    def _host(self, headers: dict[bytes, bytes]) -> Problem | None:
        """The problem, if the request is for another host."""
        given = headers.get(b"host", b"").lower()
        if self._hosts is None or given in self._hosts or given.rsplit(b":", 1)[0] in self._hosts:
            return None
        return MisdirectedRequest("This service does not answer for that host.")


def answer(problem: Problem, instance: str) -> tuple[Message, Message]:
    """The messages of a problem document."""
    body = msgspec.json.encode(problem.document(instance))
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **problem.headers}
    raw = [*((name.lower().encode(), value.encode()) for name, value in headers.items()), *TOLD]
    return (
        {"type": "http.response.start", "status": problem.status, "headers": raw},
        {"type": "http.response.body", "body": body},
    )


def _too_large(headers: dict[bytes, bytes]) -> Problem | None:
    """The problem, if the body says of itself that it is too large."""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and (len(length) > LONGEST_LENGTH or int(length) > MAX_BODY):
        return PayloadTooLarge(f"The body is larger than {MAX_BODY} bytes.")
    return None


def _bounded(receive: Receive) -> Receive:
    """``receive`` that raises PayloadTooLarge once a body is too large, however it is sent."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise PayloadTooLarge(f"The body is larger than {MAX_BODY} bytes.")
        return message

    return counted


def _is_text(path: bytes) -> bool:
    decoded = unquote_to_bytes(path)
    try:
        decoded.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in decoded
