"""Finished responses, kept until the data changes: pure ASGI, in front of everything that routes.

Most reads are repeats, and the data changes a few times a day. A hit costs a dictionary look-up: the messages are ready made,
compressed once. The data's version is asked for once per turn of the event loop, so that no answer is older than a commit.
"""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import brotli
import zstandard
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.head import Head

ENCODINGS: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"zstd": zstandard.ZstdCompressor(level=6).compress,
    b"br": lambda body: brotli.compress(body, quality=5),
    b"gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
"""The content encodings, the preferred one first."""
OK, NOT_MODIFIED = 200, 304
WORTH_COMPRESSING = 500
REQUEST_ID = b"x-request-id"
OF_ONE_ANSWER = (b"content-length", b"etag", REQUEST_ID)
"""Headers that are made anew, or belong to the request that was answered first."""
OVERHEAD = 3000
"""Bytes that a kept answer takes besides its body, about."""

OF_304 = (b"etag", b"cache-control", b"vary", b"last-modified", b"content-language")
"""What is said again when nothing is sent (RFC 9110, section 15.4.5), besides what other origins may read."""

Key = tuple[bytes, bytes, bytes | None, bytes | None, bytes | None]
"""What an answer depends on: path, query, Accept, Accept-Language, Accept-Encoding."""
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, eq=False)
class Answer:
    """A finished response: its entity tag and its messages."""

    etag: bytes
    messages: tuple[Message, Message]

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.messages[1]["body"]) + OVERHEAD

    @cached_property
    def unchanged(self) -> tuple[Message, Message]:
        """The messages that say that it is known."""
        headers = self.messages[0]["headers"]
        told = [(name, value) for name, value in headers if name in OF_304 or name.startswith(b"access-control-")]
        return _messages(NOT_MODIFIED, told, b"")

    def to(self, known: bytes | None) -> tuple[Message, Message]:
        """The messages for a client that has the tags of If-None-Match."""
        return self.unchanged if known is not None and (self.etag in known or known == b"*") else self.messages


class Cache:
    """Answers GET from memory where it can. Keeps what has an ETag, at most ``max_bytes``, the least used going first."""

    def __init__(self, app: ASGIApp, version: Callable[[], object], max_bytes: int) -> None:
        """``version`` gives a value that changes with every commit to the data; it may raise, and then nothing is kept."""
        self.app, self.max_bytes = app, max_bytes
        self._ask, self._fresh = version, False
        self._version: object = None
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._size = 0
        self.hits, self.misses = 0, 0

    @property
    def size(self) -> int:
        """Bytes that are kept, about."""
        return self._size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get
        key = (
            scope["raw_path"], scope["query_string"],
            given(b"accept"), given(b"accept-language"), given(b"accept-encoding"),
        )  # fmt: skip
        if not self._fresh:
            self._refresh()
        answer = self._answers.get(key)
        if answer is None:
            self.misses += 1
            await self._make(key, given(b"if-none-match"), scope, receive, send)
            return
        self.hits += 1
        self._answers.move_to_end(key)
        start, body = answer.to(given(b"if-none-match"))
        await send(start)
        await send(body)

    def _refresh(self) -> None:
        """Forget everything if the data has changed; asked at most once per turn of the event loop."""
        try:
            version = self._ask()
        except Exception:  # noqa: BLE001  whatever is wrong with the data, the application says it
            version = None
        if version != self._version:
            self._answers.clear()
            self._size, self._version = 0, version
        self._fresh = True
        asyncio.get_running_loop().call_soon(self._expire)

    def _expire(self) -> None:
        self._fresh = False

    async def _make(self, key: Key, known: bytes | None, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and keep what it answers if it can be kept."""
        version, start, body = self._version, None, b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and message["status"] == OK and _etag(message["headers"]):
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
        answer = _finished(start["headers"], body, key[4] or b"")
        if version is not None and version == self._version and answer.size <= self.max_bytes // 8:
            self._keep(key, answer)
        first, content = answer.to(known)
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


def _etag(headers: Headers) -> bytes:
    return next((value for name, value in headers if name == b"etag"), b"")


def _finished(headers: Headers, body: bytes, accepted: bytes) -> Answer:
    """The response, compressed if the client takes it and it is worth it; then its ETag names the encoding too."""
    etag = _etag(headers)
    kept = [header for header in headers if header[0] not in OF_ONE_ANSWER]
    encoding = _encoding(accepted) if accepted and len(body) >= WORTH_COMPRESSING else None
    if encoding is not None:
        body = ENCODINGS[encoding](body)
        etag = etag[:-1] + b"-" + encoding + b'"'
        kept.append((b"content-encoding", encoding))
    kept += [(b"etag", etag), (b"content-length", str(len(body)).encode())]
    return Answer(etag, _messages(OK, kept, body))


def _messages(status: int, headers: Headers, body: bytes) -> tuple[Message, Message]:
    start = {"type": "http.response.start", "status": status, "headers": Head(headers)}
    return start, {"type": "http.response.body", "body": body}


def _encoding(accepted: bytes) -> bytes | None:
    """The preferred encoding among those that Accept-Encoding allows (RFC 9110, section 12.5.3)."""
    weights = {}
    for member in accepted.lower().split(b","):
        name, _, parameter = member.partition(b";")
        weights[name.strip()] = parameter.replace(b" ", b"").removeprefix(b"q=") or b"1"
    return next((name for name in ENCODINGS if weights.get(name, b"0").strip(b"0.") != b""), None)
