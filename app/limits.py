"""What requests must keep to. ``/v1/limits`` publishes these; ``app.guard`` and ``app.protocol`` enforce them."""

MAX_BODY = 8 * 2**20
"""Bytes of a body, also of one that is sent in chunks."""
MAX_URL = 8 * 2**10
"""Bytes of the path and the query."""
MAX_HEADERS = 32 * 2**10
"""Bytes of all headers."""
HEADER_SECONDS = 10.0
"""From the connection, or the end of the last answer, to the end of the headers once they have begun."""
IDLE_SECONDS = 15.0
"""That a connection may be silent."""
BODY_RATE = 1024
"""Bytes a second that a body must arrive at, after the first ``HEADER_SECONDS``."""
