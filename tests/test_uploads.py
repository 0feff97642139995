"""Documents that arrive slowly, but fast enough."""

import select
import time
from pathlib import Path

from app.auth.tokens import issue
from app.db.database import Database
from app.limits import BODY_RATE
from app.settings import bundled
from tests.conftest import migrated, seeded
from tests.documents import vocabulary, written
from tests.server import heard, running
from tests.test_server import HASTE

SECONDS = 1.6
"""Four times what a body may take however small it is, in a server with such haste."""


def test_a_long_upload_that_is_fast_enough_is_accepted(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/indicators.db"
    seeded(migrated(url)).close()
    database = Database(url, bundled("migrations"))
    with database.write() as connection:
        token = issue(connection, "test", ["publish"], None)
    database.close()
    rate = 2 * BODY_RATE
    data = written(vocabulary() | {"regions": [], "indicators": []})
    body = data + b"\n" * (int(rate * SECONDS) - len(data))
    head = (
        f"POST /v1/publications HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: k\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with running(url, tmp_path, before=HASTE) as server, server.connect() as connection:
        connection.sendall(head.encode())
        begun = time.monotonic()
        sent = 0
        while sent < len(body):
            due = min(len(body), int((time.monotonic() - begun) * rate) + 1024)
            connection.sendall(body[sent:due])
            sent = max(sent, due)
            assert select.select([connection], [], [], 0.05)[0] == [] or sent == len(body)  # nothing is said meanwhile
        assert heard(connection).startswith(b"HTTP/1.1 201 ")
