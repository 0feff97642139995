"""Clients that send or leave without end: what they take of memory, and that they are ended."""

import re
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.limits import MAX_UNSENT
from tests.bench.data import fill
from tests.conftest import migrated, seeded
from tests.server import Running, running
from tests.torture import rounds
from tests.torture.figures import Note
from tests.torture.test_load import memory

REQUEST = b"GET /v1/observations?limit=100 HTTP/1.1\r\nHost: x\r\n\r\n"
STREAMED = b"GET /v1/observations?limit=all&format=csv HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /v1/none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def pushed(connection: socket.socket, beginning: bytes, more: bytes, most: int) -> int:
    """Send without reading until nothing is taken any more for a second, or the connection ends; the bytes that were taken."""
    connection.sendall(beginning)
    connection.setblocking(False)  # noqa: FBT003  its signature
    sent = 0
    while sent < most and select.select([], [connection], [], 1)[1]:
        try:
            sent += connection.send(more)
        except OSError:
            break
    return sent


@pytest.mark.parametrize(
    ("name", "beginning", "more"),
    [
        ("pipelined requests", b"", REQUEST * 2000),
        ("pipelined streams", b"", STREAMED * 2000),
        ("a trailer without end", CHUNKED + b"0\r\nX: ", b"y" * 100_000),
        ("trailers without end", CHUNKED + b"0\r\n", b"X: y\r\n" * 20_000),
        ("a chunk extension without end", CHUNKED + b"1;", b"y" * 100_000),
        ("an address without end", b"GET /", b"y" * 100_000),
        ("a header without end", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y" * 100_000),
        ("headers without end", b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n" * 20_000),
        ("empty lines", b"", b"\r\n" * 50_000),
    ],
)
def test_what_is_sent_without_end(tmp_path: Path, note: Note, name: str, beginning: bytes, more: bytes) -> None:
    url = f"sqlite:///{tmp_path}/indicators.db"
    seeded(migrated(url)).close()
    with running(url, tmp_path, before="import app.http1 as p; p.STALL_SECONDS = 10") as server:
        httpx.get(server.url + "/v1/observations?limit=100")
        before = memory(server)
        sent = 0
        for _ in range(rounds(1, 20)):
            with server.connect() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sent += pushed(connection, beginning, more, rounds(10, 300) * 2**20)
        grown = (memory(server) - before) / 2**20
        assert httpx.get(server.url + "/healthz").status_code == 200
    note(f"{name}, nobody reads", f"memory +{grown:.0f} MB")
    assert grown <= 50


@pytest.mark.parametrize("path", ["/v1/observations?limit=1000&format=html", "/v1/observations?limit=all&format=csv"])
def test_clients_that_take_no_answers(tmp_path: Path, note: Note, path: str) -> None:
    url, count = f"sqlite:///{tmp_path}/indicators.db", rounds(50, 200)
    fill(database := migrated(url), rounds(5_000, 50_000), 10)
    database.close()
    with running(url, tmp_path, before="import app.http1 as p; p.STALL_SECONDS = 10") as server:
        httpx.get(server.url + "/v1/observations?limit=1000&format=html")
        before, stalled = memory(server), [server.connect() for _ in range(count)]
        for number, connection in enumerate(stalled):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(
                f"GET {path}&reported_from=20{number % 20:02}-01-{number // 20 + 1:02} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            )
        grown = until(lambda: (memory(server) - before) / 2**20, lambda _: in_flight(server) <= 1, seconds=300)
        for connection in stalled:
            connection.close()
        assert httpx.get(server.url + "/v1/observations?limit=1").status_code == 200
    note(f"{count} clients that take no answer of {path}", f"memory +{grown:.0f} MB, all ended")
    assert grown <= MAX_UNSENT / 2**20 + 150


def until(measure: Callable[[], float], ended: Callable[[float], bool], seconds: float) -> float:
    """The greatest measure until something has ended. Raises AssertionError where it does not in time."""
    greatest, deadline = 0.0, time.monotonic() + seconds
    while True:
        greatest = max(greatest, measure())
        if ended(greatest):
            return greatest
        assert time.monotonic() < deadline
        time.sleep(0.2)


def in_flight(server: Running) -> float:
    """The requests that are being worked on, that for the metrics among them."""
    answer = httpx.get(server.url + "/metrics", timeout=30)
    found = re.search(r"indicators_requests_in_flight ([\d.]+)", answer.text)
    return float(found[1]) if found else 1e9
