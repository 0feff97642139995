"""HTTP/1.1 as uvicorn and httptools read it, and stricter: what is ambiguous, too large or too slow is refused.

Refusals are problem documents, and end the connection. Timers run only while something is late, and one for idle connections,
so that requests that arrive in one piece cost nothing.
"""

from asyncio import TimerHandle, Transport, current_task
from time import monotonic
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.errors import BadRequest, HeadersTooLarge, Problem, RequestTimeout, UriTooLong
from app.guard import answer
from app.head import Head, on_the_wire
from app.limits import BODY_RATE, HEAD_SECONDS, MAX_HEADERS, MAX_URL, SILENT_SECONDS

LOOK_SECONDS = 1.0
"""Between two looks at how fast a body arrives."""


LEAVE_SECONDS = 1.0
"""That a new connection is given to ask once when the server ends."""


class Cycle(RequestResponseCycle):
    """One request and its answer. What the cache has finished is sent as it is, head and body at once."""

    _head = b""

    async def send(self, message: Any) -> None:
        """ASGI."""
        if self._head:
            self.transport.writelines((self._head, message["body"]))
            self.response_complete = True
            self.message_event.set()
            self.on_response()
        elif isinstance(message.get("headers"), Head) and self._may_go_on():
            self.response_started = True
            self._head = b"".join(
                (STATUS_LINE[message["status"]], on_the_wire(self.default_headers), message["headers"].wire, b"\r\n")
            )
        else:
            await super().send(message)

    def _may_go_on(self) -> bool:
        """Whether the connection is there, takes more, and stays: all else is uvicorn's."""
        return self.keep_alive and not self.disconnected and not self.flow.write_paused


class StrictProtocol(HttpToolsProtocol):
    """One connection."""

    _refusal: Problem | None = None
    _reading_head = False
    _head = _part = 0
    _awaiting_body = False
    _body = 0
    _since = 0.0
    _leaving = False
    _timer: TimerHandle | None = None
    _idle_since = 0.0
    _idle: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """A connection: it has to say something."""
        super().connection_made(transport)
        self._in(SILENT_SECONDS, self._silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the connection."""
        self._cancel()
        if self._idle is not None:
            self._idle.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server ends: who has just connected may still ask once; who is idle may not."""
        if self.cycle is None and not self.transport.is_closing():
            self._leaving = True
            self._in(LEAVE_SECONDS, self.transport.close)
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Bytes. Those of headers are counted, and must end in time."""
        if self._timer is not None and not self._reading_head and not self._awaiting_body:
            self._cancel()
        self._part = len(data)
        super().data_received(data)
        if self._reading_head and not self.transport.is_closing():
            self._head += len(data)
            if self._head > MAX_HEADERS + MAX_URL:
                self._refuse(HeadersTooLarge(f"The headers are larger than {MAX_HEADERS} bytes."))
            elif self._timer is None:
                self._in(HEAD_SECONDS, self._head_is_late)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._reading_head, self._head = True, 0

    def on_headers_complete(self) -> None:
        """The end of the headers: what has two meanings is refused before anything is done."""
        self._reading_head = False
        if self._timer is not None:
            self._cancel()
        names = [name for name, _ in self.headers]
        refusal = self._ambiguity(names) or self._excess()
        if refusal is not None:
            self._refusal = refusal
            raise ValueError(refusal.detail)  # the parser hands it on as its own error
        super().on_headers_complete()
        if self._leaving:
            self.cycle.keep_alive = False
        if b"content-length" in names or b"transfer-encoding" in names:
            self._awaiting_body = True
            self._body, self._since = 0, monotonic()
            self._in(HEAD_SECONDS, self._look)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.__class__ = Cycle  # uvicorn does not ask which to make
        self.tasks.add(self.loop.create_task(self._answer(cycle, app)))

    async def _answer(self, cycle: RequestResponseCycle, app: Any) -> None:
        await cycle.run_asgi(app)
        self.tasks.discard(current_task())  # here, as a callback would come back to every task in another turn

    def on_response_complete(self) -> None:
        """The end of an answer: what uvicorn does then, but for its timer, which it starts and stops with every request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = monotonic()
        if self._idle is None:
            self._idle = self.loop.call_later(self.timeout_keep_alive, self._end_if_idle)

    def _end_if_idle(self) -> None:
        """Close the connection where nothing was asked for long enough, else look again when it may be."""
        is_busy = self._reading_head or not self.cycle.response_complete
        left = self.timeout_keep_alive - (0.0 if is_busy else monotonic() - self._idle_since)
        self._idle = None
        if left > 0:
            self._idle = self.loop.call_later(left, self._end_if_idle)
        else:
            self.timeout_keep_alive_handler()

    def _ambiguity(self, names: list[bytes]) -> Problem | None:
        """What could be read in two ways, by us and by whoever stands before us."""
        if names.count(b"host") != 1 and self.parser.get_http_version() == "1.1":
            return BadRequest("Expected one Host header.")
        if b"transfer-encoding" in names and b"content-length" in names:
            return BadRequest("Both Content-Length and Transfer-Encoding are there; expected one.")
        return None

    def _excess(self) -> Problem | None:
        """What is too large."""
        if len(self.url) > MAX_URL:
            return UriTooLong(f"The address is longer than {MAX_URL} bytes.")
        if self._head + self._part > MAX_HEADERS and _size(self.headers) > MAX_HEADERS:
            return HeadersTooLarge(f"The headers are larger than {MAX_HEADERS} bytes.")
        return None

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        if self._awaiting_body:
            self._awaiting_body = False
            self._cancel()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser, or one of the checks above, does not accept."""
        self._refuse(self._refusal or BadRequest(msg.removesuffix(".") + ": it is not HTTP/1.1 (RFC 9112)."))

    def _silent(self) -> None:
        self._refuse(RequestTimeout(f"Nothing was sent in {SILENT_SECONDS:g} seconds."))

    def _head_is_late(self) -> None:
        self._refuse(RequestTimeout(f"The headers did not end in {HEAD_SECONDS:g} seconds."))

    def _look(self) -> None:
        """Is the body on its way? What we do not read ourselves is not late."""
        wanted = BODY_RATE * (monotonic() - self._since - HEAD_SECONDS)
        answering = self.cycle.response_started and not self.cycle.response_complete
        waiting = not answering and not self.flow.read_paused
        if waiting and self._body <= wanted:
            self._refuse(RequestTimeout(f"The body arrives at less than {BODY_RATE} bytes a second."))
        else:
            self._in(LOOK_SECONDS, self._look)

    def _in(self, seconds: float, then: Any) -> None:
        self._cancel()
        self._timer = self.loop.call_later(seconds, then)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, problem: Problem) -> None:
        """Answer with the problem, and close; not where the answer to a request before is still to come, or has begun."""
        self._cancel()
        if self.transport.is_closing():
            return
        before = self.cycle is not None and not self.cycle.response_complete
        if not before or (self._awaiting_body and not self.cycle.response_started):
            start, body = answer(problem, "/")
            lines = on_the_wire((*start["headers"], (b"connection", b"close")))
            self.transport.write(b"".join((STATUS_LINE[problem.status], lines, b"\r\n", body["body"])))
        self.transport.close()


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    """Bytes of headers on the wire."""
    return sum(len(name) + len(value) + len(b": \r\n") for name, value in headers)
