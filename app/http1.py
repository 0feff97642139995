"""Limits and deadlines of HTTP/1.1 connections, on uvicorn's protocol for httptools.

The subclass overrides callbacks of the protocol and of the parser, nothing else. Ambiguous framing (request smuggling),
oversized and slow requests are answered with a problem document, after pending responses, and close the connection.
"""

import re
from asyncio import TimerHandle, Transport
from collections import deque
from fcntl import ioctl
from http import HTTPStatus
from struct import unpack
from termios import TIOCOUTQ

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.middleware.header_fields import fields_of
from app.api.middleware.request_limits import TOKEN_IN_ADDRESS, has_secret, problem_messages
from app.domain.urls import encoded_address
from app.errors import BadRequest, HeadersTooLarge, Problem, RequestTimeout, UriTooLong
from app.limits import (
    ANSWER_RATE,
    BODY_RATE,
    HEAD_SECONDS,
    MAX_HEADERS,
    MAX_UNREAD,
    MAX_URL,
    SILENT_SECONDS,
    STALL_SECONDS,
)

CHECK_SECONDS = 1.0
"""Seconds between two checks of the deadlines of a connection."""
PIECE = 8 * 2**10
"""Bytes given to the parser at a time: at most 300 pipelined requests, however many were sent."""
CHUNK_FRAMING = 32
"""Bytes of the size and the line ends of a chunk; any excess is chunk extensions and trailers."""

HASH = ord("#")
_AUTHORITY = re.compile(rb"https?://([^/?#@]+)(?=[/?#]|\Z)", re.IGNORECASE)
_TOKEN = re.compile(rb"ria_")
_DEFAULT_PORT = re.compile(rb":(80|443)\Z")


class StrictProtocol(HttpToolsProtocol):
    """A connection with limits and deadlines."""

    __slots__ = (
        "_body", "_body_in_piece", "_due", "_framing", "_in_body", "_made_at", "_plain_body", "_receiving", "_refusal", "_silent",
        "_stalled_at", "_taken", "_timer", "_unread", "_unsent", "_waited",
    )  # fmt: skip
    """Slots instead of the instance's dictionary: above 30 keys CPython no longer shares them, and uvicorn is 5 % slower."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Start the deadlines of the connection."""
        super().connection_made(transport)
        self._silent = True  # no request has begun yet
        self._receiving = False  # a request has begun and not ended
        self._in_body = False  # its headers are complete
        self._framing = 0  # bytes of the request that are not body
        self._body = 0  # bytes of its body
        self._body_in_piece = 0  # bytes of body and chunk framing in the piece that is being parsed
        self._plain_body = 0  # remaining bytes of a body that bypasses the parser
        self._waited = 0.0  # seconds spent waiting for its headers, then for its body
        self._refusal: Problem | None = None
        self._stalled_at: float | None = None  # time since which the client reads its response too slowly
        self._unsent = self._taken = 0
        self._unread = bytearray()
        self._due: deque[RequestResponseCycle] = deque()
        self._made_at = self.loop.time()
        self._timer: TimerHandle = self.loop.call_later(CHECK_SECONDS, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the deadlines."""
        self._timer.cancel()
        self._unread.clear()
        for cycle in self._due:  # uvicorn notifies only the newest of the disconnect
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    @property
    def is_new(self) -> bool:
        """True if the client has not sent anything yet."""
        return self._silent

    def data_received(self, data: bytes) -> None:
        """Parse received bytes in pieces, or buffer them while responses are pending."""
        if self._refusal is not None or self.transport.is_closing():
            return
        if not self._unread and len(data) <= PIECE and (self._receiving or not self._due):
            self._parse(data)
            return
        self._unread += data
        self._parse_unread()
        if len(self._unread) > MAX_UNREAD:
            self._refuse(BadRequest(f"More than {MAX_UNREAD} bytes were sent before the answers were read."))

    def _parse_unread(self) -> None:
        """Parse buffered bytes until a request is complete; pause reading if any remain."""
        while self._unread and (self._receiving or not self._due) and self._refusal is None and not self.transport.is_closing():
            piece = bytes(self._unread[:PIECE])
            del self._unread[:PIECE]
            self._parse(piece)
        if self._unread:
            self.flow.pause_reading()

    def _parse(self, piece: bytes) -> None:
        self._body_in_piece = 0
        rest = self._take_plain_body(piece) if self._plain_body else piece
        try:
            self.parser.feed_data(rest)
        except httptools.HttpParserUpgrade as upgrade:
            # upgrades are ignored: the following bytes are the next request (RFC 9110, section 7.8)
            self._unread[:0] = rest[upgrade.args[0] :]
            self._parse_unread()
        except httptools.HttpParserError as error:
            self._refuse(self._refusal or _not_http(rest, str(error)))
        else:
            if self._receiving:
                self._framing += max(0, len(piece) - self._body_in_piece)  # unused allowance of chunks is not for trailers
                if self._refusal is None and (excess := self._excess()):
                    self._refuse(excess)

    def _take_plain_body(self, piece: bytes) -> bytes:
        """Consume a body that bypasses the parser, and return the rest of the piece."""
        body, rest = piece[: self._plain_body], piece[self._plain_body :]
        self._plain_body -= len(body)
        self.on_body(body)
        if not self._plain_body:
            self.on_message_complete()
        return rest

    def _excess(self) -> Problem | None:
        """Return the problem of a too large address, or of too large headers or trailers."""
        if len(self.url) > MAX_URL:
            return UriTooLong(f"The address is longer than {MAX_URL} bytes.")
        if self._framing > MAX_HEADERS + MAX_URL:
            return HeadersTooLarge(f"The headers are larger than {MAX_HEADERS} bytes.")
        return None

    def on_message_begin(self) -> None:
        """Start the deadline for the headers of a request."""
        super().on_message_begin()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        self._silent = False
        self._receiving, self._in_body = True, False
        self._framing = self._body = 0
        self._waited = 0.0

    def on_headers_complete(self) -> None:
        """Reject ambiguous framing and oversized headers before dispatch."""
        fields, url, parser = fields_of(self.scope), self.url, self.parser  # type: ignore[arg-type]  # uvicorn's own Scope
        version, upgrades = parser.get_http_version(), parser.should_upgrade()
        if (
            version != "1.1"
            or upgrades
            or url[:1] != b"/"
            or HASH in url
            or b"host" not in fields
            or b"transfer-encoding" in fields
            or len(fields) != len(self.headers)
        ):
            self._refusal = self._ambiguity(version)
        if self._framing > MAX_HEADERS - PIECE or len(url) > MAX_URL:
            self._refusal = self._refusal or self._excess() or self._large_headers()
        if self._refusal is not None:
            raise ValueError(self._refusal.detail)  # the parser re-raises it as its own error
        super().on_headers_complete()
        self.headers = []  # takes the trailers, which are bounded, and no headers of the request (RFC 9110, section 6.5)
        self._due.append(self.cycle)
        self._in_body, self._waited = True, 0.0
        if upgrades:  # the parser ends the message here, and would parse its body as the next request
            self._plain_body = int(fields.get(b"content-length", b"0"))

    def _large_headers(self) -> Problem | None:
        if sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers) > MAX_HEADERS:
            return HeadersTooLarge(f"The headers are larger than {MAX_HEADERS} bytes.")
        return None

    def _ambiguity(self, version: str) -> Problem | None:
        """Return the problem of a request that other servers may parse differently.

        RFC 9112, sections 3.2 and 6.1.
        """
        hosts = [value for name, value in self.headers if name == b"host"]
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        is_sized = any(name == b"content-length" for name, _ in self.headers)
        rules = (
            (version in ("1.0", "1.1"), f"HTTP/{version} is not spoken here; expected HTTP/1.1."),
            (len(hosts) == 1 or (version == "1.0" and not hosts), "Expected one Host header."),
            (not (codings and is_sized), "Both Content-Length and Transfer-Encoding are there; expected one."),
            (not (codings and version == "1.0"), "HTTP/1.0 has no Transfer-Encoding; expected Content-Length."),
            (codings in ([], [b"chunked"]), "Expected chunked as the only Transfer-Encoding."),
            (
                not (codings and self.parser.should_upgrade()),
                "Expected Content-Length for the body of a request that would change the protocol.",
            ),
        )
        broken = next((message for holds, message in rules if not holds), None)
        return BadRequest(broken) if broken else self._foreign_target(hosts[0] if hosts else b"")

    def _foreign_target(self, host: bytes) -> Problem | None:
        """Return the problem of a target other than a path on this host.

        A target in absolute form is replaced by its path (RFC 9112, section 3.2.2).
        """
        if b"#" in self.url:
            return BadRequest("Expected no fragment in the target of the request.")
        if self.url.startswith(b"/") or self.url == b"*":
            return None
        authority = _AUTHORITY.match(self.url)
        if authority is None:
            return BadRequest("Expected a path as the target of the request.")
        if _DEFAULT_PORT.sub(b"", authority[1].lower()) != _DEFAULT_PORT.sub(b"", host.lower()):
            return BadRequest("The target of the request names another host than the header Host.")
        path = self.url[authority.end() :]
        self.url = path if path.startswith(b"/") else b"/" + path
        return None

    def on_body(self, body: bytes) -> None:
        """Count the bytes of a body."""
        self._body += len(body)
        self._body_in_piece += len(body)
        super().on_body(body)

    def on_chunk_header(self) -> None:
        """Add the allowance for the framing of a chunk."""
        self._body_in_piece += CHUNK_FRAMING

    def on_message_complete(self) -> None:
        """End the deadlines of a request."""
        if self._plain_body:
            return
        self._receiving = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Continue with the pending refusal, or with the next request."""
        self._due.popleft()
        super().on_response_complete()
        if self._refusal is not None:
            self._answer_refusal()
        elif self._unread:
            self._parse_unread()

    def _refuse(self, problem: Problem) -> None:
        """Stop reading, answer with the problem after pending responses, and close."""
        self._refusal = problem
        self._unread.clear()
        self.flow.pause_reading()
        if self.transport.is_closing():
            return
        if self._receiving and self._in_body:  # the request was dispatched, or is queued
            if self.cycle.response_started:
                self.transport.close()  # a response that has begun cannot be replaced
                return
            if self.pipeline:
                self.pipeline.popleft()
            else:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self._due.pop()
        self._receiving = False
        self._answer_refusal()

    def _answer_refusal(self) -> None:
        if self._refusal is None or self._due or self.transport.is_closing():
            return
        start, body = problem_messages(self._refusal, "/")
        status = HTTPStatus(start["status"])
        headers = (*self.server_state.default_headers, *start["headers"], (b"connection", b"close"))
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (status, status.phrase.encode(), lines, body["body"]))
        self.transport.close()

    def _check(self) -> None:
        """Enforce the deadlines, once a second."""
        self._timer = self.loop.call_later(CHECK_SECONDS, self._check)
        now = self.loop.time()
        if self._client_stalls(now):
            self.transport.abort()
        elif self._refusal is None and (problem := self._lateness(now)):
            self._refuse(problem)

    def _lateness(self, now: float) -> Problem | None:
        """Return the problem of a late request; none is late while reading is paused."""
        if self._silent:
            is_late = now - self._made_at > SILENT_SECONDS
            return RequestTimeout(f"Nothing was sent in {SILENT_SECONDS:g} seconds.") if is_late else None
        if not self._receiving or self.flow.read_paused or (self._in_body and self.cycle.response_started):
            return None
        self._waited += CHECK_SECONDS
        if not self._in_body:
            is_late = self._waited > HEAD_SECONDS
            return RequestTimeout(f"The headers did not end in {HEAD_SECONDS:g} seconds.") if is_late else None
        is_late = self._body <= BODY_RATE * (self._waited - HEAD_SECONDS)
        return RequestTimeout(f"The body arrives at less than {BODY_RATE} bytes a second.") if is_late else None

    def _client_stalls(self, now: float) -> bool:
        """Return whether the client has read its responses too slowly for too long."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size() + self._unacknowledged()
        self._taken += max(0, before - self._unsent)
        if not self._unsent or self._stalled_at is None or self._taken >= ANSWER_RATE * STALL_SECONDS:
            self._stalled_at, self._taken = (now if self._unsent else None), 0
        return self._stalled_at is not None and now - self._stalled_at > STALL_SECONDS

    def _unacknowledged(self) -> int:
        """Return the bytes in the kernel's send buffer: megabytes unseen by the transport."""
        try:
            (count,) = unpack("i", ioctl(self.transport.get_extra_info("socket").fileno(), TIOCOUTQ, bytes(4)))
        except (AttributeError, OSError, ValueError):  # the transport is closed, or has no socket
            return 0
        return int(count)


def _not_http(piece: bytes, reason: str) -> Problem:
    """Return the problem of bytes that the parser refused.

    If an address is not percent-encoded, the problem states the encoded address.
    """
    for line in piece.split(b"\r\n"):
        target, _, version = line.partition(b" ")[2].rpartition(b" ")
        if version in (b"HTTP/1.0", b"HTTP/1.1") and (encoded := encoded_address(target)) != target.decode("latin-1"):
            if has_secret(_TOKEN, target):
                return BadRequest(TOKEN_IN_ADDRESS)
            return BadRequest(f"The address is not percent-encoded; write it as {encoded}.")
    return BadRequest(reason.removesuffix(".") + ": it is not HTTP/1.1 (RFC 9112).")
