"""Limits of requests and answers: ``/v1/limits`` publishes them, the middleware and ``app.http1`` enforce them."""

MAX_BODY = 8 * 2**20
"""Bytes of a body, also of one that is sent in chunks."""
MAX_CALL = 64 * 2**10
"""Bytes of a call of a tool at ``/mcp``."""
MAX_URL = 8 * 2**10
"""Bytes of the path and the query."""
MAX_HEADERS = 32 * 2**10
"""Bytes of all headers."""
HEAD_SECONDS = 10.0
"""From the first byte of a request to the end of its headers; also what a body may take however small it is."""
SILENT_SECONDS = 15.0
"""From the connection to the first byte of a request."""
IDLE_SECONDS = 65
"""Between two requests of a connection: longer than clients and proxies keep one, or they ask over one that is being closed."""
BODY_RATE = 8 * 2**10
"""Bytes a second that a body must arrive at, after the first ``HEAD_SECONDS``."""
ANSWER_RATE = 2**10
"""Bytes a second that a client must take of its answers, over ``STALL_SECONDS``; else the connection is cut."""
STALL_SECONDS = 30.0
"""Over which a client's rate of reading is measured."""
MAX_UNREAD = 512 * 2**10
"""Bytes of pipelined requests that are kept while answers are due."""
MAX_UNSENT = 128 * 2**20
"""Bytes of answers that wait for clients to take them; while there are more, nothing else is made."""
MAX_WAITING = 50
"""Long reads that may wait for a thread; more are refused at once."""
GRACE_SECONDS = 20
"""That open requests are given when the service is told to stop."""
MAX_WAL = 256 * 2**20
"""Bytes of a write-ahead log that was not taken over into the database: a larger one says that something holds it up."""


def share_of(requests: int) -> int:
    """Of so many requests that are worked on at once those that one client may hold: some are left for the others."""
    return max(1, requests * 4 // 5)
