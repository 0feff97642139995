"""Response cache: complete responses, kept until the data changes. Pure ASGI, in front of the router.

Most reads repeat, and the data changes a few times a day. A hit costs a dictionary look-up: its messages are stored, already
compressed. The version of the data is read before each response, so that no response is older than a commit.
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
"""Content encodings in order of preference."""
NOT_CACHED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that bypass the cache: they work without the database."""
OK, NOT_MODIFIED = 200, 304
MIN_COMPRESSED = 500
"""Bytes of the smallest body that is compressed."""
LARGE = 128 * 2**10
"""Bytes of a body that takes 5 ms to compress; from this size on, a thread compresses it."""
REQUEST_ID = b"x-request-id"
NOT_STORED = (b"content-length", b"etag", REQUEST_ID)
"""Headers not stored: they are computed anew, or belong to the first request alone."""
OVERHEAD = 3000
"""Approximate bytes of a cache entry besides its body."""
PIECE = 256 * 2**10
"""Bytes of a body sent at once; the rest waits, and is counted, until the client has read them."""
STREAM_BYTES = 512 * 2**10
"""Approximate bytes that a stream holds besides its current piece while its client is slow."""

HEADERS_304 = (b"etag", b"cache-control", b"vary", b"last-modified", b"content-language", b"strict-transport-security")
"""Headers repeated in a 304 (RFC 9110, section 15.4.5), in addition to those of CORS."""

Key = tuple[str, bytes, bytes, bytes | None, bytes | None, bytes | None]
"""Cache key: scheme, path, query, Accept, Accept-Language, Accept-Encoding."""
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, eq=False)
class CachedResponse:
    """A complete response: its validators and ASGI messages."""

    etag: bytes
    last_modified: str | None
    messages: tuple[Message, Message]

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return len(self.messages[1]["body"]) + OVERHEAD

    @cached_property
    def not_modified(self) -> tuple[Message, Message]:
        """Messages of a 304."""
        headers = self.messages[0]["headers"]
        return _messages(NOT_MODIFIED, [header for header in headers if _is_in_304(header[0])], b"")

    def messages_for(self, fields: Mapping[bytes, bytes]) -> tuple[Message, Message]:
        """Return the messages of a 304 if the client's copy is current, else all."""
        if_none_match, if_modified_since = fields.get(b"if-none-match"), fields.get(b"if-modified-since")
        if if_none_match is None and if_modified_since is None:
            return self.messages
        if if_none_match == self.etag:
            return self.not_modified
        conditions = _text(if_none_match), _text(if_modified_since)
        is_current = is_fresh(self.etag.decode("latin-1"), self.last_modified, *conditions)
        return self.not_modified if is_current else self.messages


class ResponseCache:
    """Middleware that caches GET responses with an ETag: at most ``max_bytes``, least recently used out first."""

    def __init__(self, app: ASGIApp, version: Callable[[], Awaitable[object]], max_bytes: int) -> None:
        """Wrap ``app``; ``version`` returns a value that changes with every commit.

        While it raises, nothing is cached.
        """
        self.app, self.max_bytes = app, max_bytes
        self._read_version = version
        self._version: object = None
        self._entries: OrderedDict[Key, CachedResponse] = OrderedDict()
        self._size = 0
        self.hits, self.misses = 0, 0
        self.unsent = UnsentBytes()

    @property
    def size(self) -> int:
        """Approximate bytes in the cache."""
        return self._size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        fields = fields_of(scope)
        if scope["method"] != "GET" or b"range" in fields or scope["path"] in NOT_CACHED:
            await self.app(scope, receive, self._paced(scope, send))
            return
        field = fields.get
        key = (
            scope["scheme"], scope["raw_path"], scope["query_string"],
            field(b"accept"), field(b"accept-language"), field(b"accept-encoding"),
        )  # fmt: skip
        try:
            version = await self._read_version()
        except Exception:  # noqa: BLE001  the application reports any fault of the database
            version = None
        if version != self._version:
            self._clear(version)
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            await self._fill(key, scope, receive, self._paced(scope, send))
            return
        self.hits += 1
        self._entries.move_to_end(key)
        start, body = entry.messages_for(fields)
        await send(start)
        await (send if len(body["body"]) <= PIECE else self._paced(scope, send))(body)

    def _clear(self, version: object) -> None:
        """Drop all entries, for a new version of the data."""
        self._entries.clear()
        self._size, self._version = 0, version

    async def _fill(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application, send its response, and store it if possible."""
        version, start, body = self._version, None, b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and message["status"] == OK and _value(message["headers"], b"etag"):
                start = message
            elif start is not None and not message.get("more_body"):
                body = message.get("body", b"")
            else:
                if start is not None:  # a body in pieces is not cached
                    await send(start)
                    start = None
                await send(message)

        await self.app(scope, receive, collect)
        if start is None:
            return
        entry = await _finish(start["headers"], body, key[-1] or b"")
        if version is not None and version == self._version and entry.size <= self.max_bytes // 8:
            self._store(key, entry)
        first, content = entry.messages_for(fields_of(scope))
        request_ids = [(name, value) for name, value in start["headers"] if name == REQUEST_ID]
        await send({**first, "headers": first["headers"] + request_ids})
        await send(content)

    def _store(self, key: Key, entry: CachedResponse) -> None:
        previous = self._entries.pop(key, None)
        self._size += entry.size - (previous.size if previous else 0)
        self._entries[key] = entry
        while self._size > self.max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._size -= oldest.size

    def _paced(self, scope: Scope, send: Send) -> Send:
        """Wrap ``send`` to send large bodies in pieces, and to count the bytes that wait.

        Each piece is sent once the client has read the one before.
        """

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


def _is_in_304(name: bytes) -> bool:
    return name in HEADERS_304 or name.startswith(b"access-control-")


def _value(headers: Headers, name: bytes) -> bytes | None:
    return next((value for other, value in headers if other == name), None)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


async def _finish(headers: Headers, body: bytes, accepted: bytes) -> CachedResponse:
    """Return the cache entry of a response, compressed if accepted and large enough.

    The ETag of a compressed response has the encoding as suffix.
    """
    etag = _value(headers, b"etag") or b""
    stored = [header for header in headers if header[0] not in NOT_STORED]
    encoding = _encoding(accepted) if accepted and len(body) >= MIN_COMPRESSED else None
    if encoding is not None:
        compress = ENCODINGS[encoding]
        body = await asyncio.to_thread(compress, body) if len(body) >= LARGE else compress(body)
        etag = etag[:-1] + b"-" + encoding + b'"'
        stored.append((b"content-encoding", encoding))
    stored += [(b"etag", etag), (b"content-length", str(len(body)).encode())]
    return CachedResponse(etag, _text(_value(headers, b"last-modified")), _messages(OK, stored, body))


def _messages(status: int, headers: Headers, body: bytes) -> tuple[Message, Message]:
    start = {"type": "http.response.start", "status": status, "headers": list(headers)}
    return start, {"type": "http.response.body", "body": body}


def _encoding(accepted: bytes) -> bytes | None:
    """Return our preferred encoding of those in Accept-Encoding (RFC 9110, 12.5.3)."""
    weights = {}
    for member in accepted.lower().split(b","):
        name, _, parameter = member.partition(b";")
        weights[name.strip()] = parameter.replace(b" ", b"").removeprefix(b"q=") or b"1"
    return next((name for name in ENCODINGS if weights.get(name, b"0").strip(b"0.") != b""), None)
