"""The response cache: finished responses, kept until the data changes. Pure ASGI, in front of everything that routes.

Most reads are repeats, and the data changes a few times a day. A hit costs a dictionary look-up: the messages are ready made,
compressed once. The data's version is asked for before each answer, so that none is older than a commit.
"""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import brotli
import zstandard
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.conditional_requests import is_fresh
from app.api.middleware.backpressure import UnsentBytes
from app.api.middleware.header_fields import fields_of

ENCODINGS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"zstd": lambda body: zstandard.compress(body, level=6),
    b"br": lambda body: brotli.compress(body, quality=5),
    b"gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
"""The content encodings, the preferred one first."""
NEVER_KEPT = frozenset({"/healthz", "/readyz", "/metrics"})
"""Addresses that are answered whatever the database does."""
OK, NOT_MODIFIED = 200, 304
WORTH_COMPRESSING = 500
LARGE = 128 * 2**10
"""Bytes of a body that takes 5 ms to compress: larger ones leave the event loop."""
REQUEST_ID = b"x-request-id"
OF_ONE_ANSWER = (b"content-length", b"etag", REQUEST_ID)
"""Headers that are made anew, or belong to the request that was answered first."""
OVERHEAD = 3000
"""Bytes that a cache entry takes besides its body, about."""
PIECE = 256 * 2**10
"""Bytes of a body that are sent at once: the rest waits, and is counted, until the client has taken them."""
STREAM_BYTES = 512 * 2**10
"""Bytes that a stream holds besides its piece while its client is slow, about."""

OF_304 = (b"etag", b"cache-control", b"vary", b"last-modified", b"content-language", b"strict-transport-security")
"""Headers repeated in a 304 (RFC 9110, section 15.4.5), besides those of CORS."""

Key = tuple[str, bytes, bytes, bytes | None, bytes | None, bytes | None]
"""What a response depends on: scheme, path, query, Accept, Accept-Language, Accept-Encoding."""
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, eq=False)
class Answer:
    """A finished response: its validators and its messages."""

    etag: bytes
    last_modified: str | None
    messages: tuple[Message, Message]

    @property
    def size(self) -> int:
        """Return the bytes that it takes, about."""
        return len(self.messages[1]["body"]) + OVERHEAD

    @cached_property
    def unchanged(self) -> tuple[Message, Message]:
        """Return the messages of a 304."""
        headers = self.messages[0]["headers"]
        return _messages(NOT_MODIFIED, [header for header in headers if _is_of_304(header[0])], b"")

    def to(self, fields: Mapping[bytes, bytes]) -> tuple[Message, Message]:
        """Return the messages for a client that has these conditional headers."""
        known, since = fields.get(b"if-none-match"), fields.get(b"if-modified-since")
        if known is None and since is None:
            return self.messages
        if known == self.etag:
            return self.unchanged
        is_known = is_fresh(self.etag.decode("latin-1"), self.last_modified, _text(known), _text(since))
        return self.unchanged if is_known else self.messages


class ResponseCache:
    """Answer GET from memory where it can. Keep what has an ETag, at most ``max_bytes``, the least used going first."""

    def __init__(self, app: ASGIApp, version: Callable[[], Awaitable[object]], max_bytes: int) -> None:
        """``version`` gives a value that changes with every commit to the data; it may raise, and then nothing is kept."""
        self.app, self.max_bytes = app, max_bytes
        self._ask = version
        self._version: object = None
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._size = 0
        self.hits, self.misses = 0, 0
        self.unsent = UnsentBytes()

    @property
    def size(self) -> int:
        """Return the bytes that are kept, about."""
        return self._size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        fields = fields_of(scope)
        if scope["method"] != "GET" or b"range" in fields or scope["path"] in NEVER_KEPT:
            await self.app(scope, receive, self._paced(scope, send))
            return
        given = fields.get
        key = (
            scope["scheme"], scope["raw_path"], scope["query_string"],
            given(b"accept"), given(b"accept-language"), given(b"accept-encoding"),
        )  # fmt: skip
        try:
            version = await self._ask()
        except Exception:  # noqa: BLE001  whatever is wrong with the data, the application says it
            version = None
        if version != self._version:
            self._forget(version)
        answer = self._answers.get(key)
        if answer is None:
            self.misses += 1
            await self._make(key, scope, receive, self._paced(scope, send))
            return
        self.hits += 1
        self._answers.move_to_end(key)
        start, body = answer.to(fields)
        await send(start)
        await (send if len(body["body"]) <= PIECE else self._paced(scope, send))(body)

    def _forget(self, version: object) -> None:
        """Forget everything: the data has changed."""
        self._answers.clear()
        self._size, self._version = 0, version

    async def _make(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and keep what it answers if it can be kept."""
        version, start, body = self._version, None, b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and message["status"] == OK and _value(message["headers"], b"etag"):
                start = message
            elif start is not None and not message.get("more_body"):
                body = message.get("body", b"")
            else:
                if start is not None:  # a body in pieces is not kept
                    await send(start)
                    start = None
                await send(message)

        await self.app(scope, receive, collect)
        if start is None:
            return
        answer = await _finished(start["headers"], body, key[-1] or b"")
        if version is not None and version == self._version and answer.size <= self.max_bytes // 8:
            self._keep(key, answer)
        first, content = answer.to(fields_of(scope))
        named = [(name, value) for name, value in start["headers"] if name == REQUEST_ID]
        await send({**first, "headers": first["headers"] + named})
        await send(content)

    def _keep(self, key: Key, answer: Answer) -> None:
        before = self._answers.pop(key, None)
        self._size += answer.size - (before.size if before else 0)
        self._answers[key] = answer
        while self._size > self.max_bytes:
            _, oldest = self._answers.popitem(last=False)
            self._size -= oldest.size

    def _paced(self, scope: Scope, send: Send) -> Send:
        """Return a ``send`` that goes on when the client has taken what was sent, and counts what waits for that."""

        async def paced(message: Message) -> None:
            body, more = message.get("body", b""), message.get("more_body", False)
            if len(body) <= PIECE and not more:
                await send(message)
                return
            with self.unsent.held(scope["client"], len(body) + (STREAM_BYTES if more else 0)):
                for place in range(0, len(body), PIECE):
                    last = place + PIECE >= len(body) and not more
                    await send({"type": "http.response.body", "body": body[place : place + PIECE], "more_body": not last})

        return paced


def _is_of_304(name: bytes) -> bool:
    return name in OF_304 or name.startswith(b"access-control-")


def _value(headers: Headers, wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name == wanted), None)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


async def _finished(headers: Headers, body: bytes, accepted: bytes) -> Answer:
    """Return the response, compressed if the client takes it and it is worth it; then its ETag names the encoding too."""
    etag = _value(headers, b"etag") or b""
    kept = [header for header in headers if header[0] not in OF_ONE_ANSWER]
    encoding = _encoding(accepted) if accepted and len(body) >= WORTH_COMPRESSING else None
    if encoding is not None:
        compress = ENCODINGS[encoding]
        body = await asyncio.to_thread(compress, body) if len(body) >= LARGE else compress(body)
        etag = etag[:-1] + b"-" + encoding + b'"'
        kept.append((b"content-encoding", encoding))
    kept += [(b"etag", etag), (b"content-length", str(len(body)).encode())]
    return Answer(etag, _text(_value(headers, b"last-modified")), _messages(OK, kept, body))


def _messages(status: int, headers: Headers, body: bytes) -> tuple[Message, Message]:
    start = {"type": "http.response.start", "status": status, "headers": list(headers)}
    return start, {"type": "http.response.body", "body": body}


def _encoding(accepted: bytes) -> bytes | None:
    """Return the preferred encoding among those that Accept-Encoding allows (RFC 9110, section 12.5.3)."""
    weights = {}
    for member in accepted.lower().split(b","):
        name, _, parameter = member.partition(b";")
        weights[name.strip()] = parameter.replace(b" ", b"").removeprefix(b"q=") or b"1"
    return next((name for name in ENCODINGS if weights.get(name, b"0").strip(b"0.") != b""), None)
