"""Limits of requests and responses: ``/v1/limits`` publishes them, the middleware and ``app.http1`` enforce them."""

MAX_BODY = 8 * 2**20
"""Bytes of a request body, chunked or not."""
MAX_CALL = 64 * 2**10
"""Bytes of a tool call at ``/mcp``."""
MAX_URL = 8 * 2**10
"""Bytes of the path and the query."""
MAX_HEADERS = 32 * 2**10
"""Bytes of all headers."""
HEAD_SECONDS = 10.0
"""Seconds from the first byte of a request to the end of its headers; also allowed for any body, however small."""
SILENT_SECONDS = 15.0
"""Seconds from the connection to the first byte of a request."""
IDLE_SECONDS = 65
"""Seconds between two requests of a connection. Longer than clients and proxies keep one, so that they close it first."""
BODY_RATE = 8 * 2**10
"""Least rate of a request body in bytes a second, after the first ``HEAD_SECONDS``."""
ANSWER_RATE = 2**10
"""Least rate, in bytes a second over ``STALL_SECONDS``, at which a client must read; else the connection is closed."""
STALL_SECONDS = 30.0
"""Seconds over which a client's reading rate is measured."""
MAX_UNREAD = 512 * 2**10
"""Bytes of pipelined requests that are buffered while earlier responses are pending."""
MAX_UNSENT = 128 * 2**20
"""Bytes of responses buffered for all clients; while there are more, no further response is produced."""
MAX_WAITING = 50
"""Long reads that may wait for a thread; more are refused at once."""
GRACE_SECONDS = 20
"""Seconds for open requests to finish after the service is told to stop."""
MAX_WAL = 256 * 2**20
"""Bytes of a write-ahead log before readiness fails: a larger one means that something prevents checkpoints."""


def client_share(requests: int) -> int:
    """Return the share of a limit that one client may use: four fifths."""
    return max(1, requests * 4 // 5)
