"""HTTP as it arrives on a socket: what is ambiguous, too large, too slow or cut off, and how the process ends."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event

from app.db.database import Database
from app.db.engines import engine_for
from app.db.files import is_writable
from app.settings import bundled
from tests.conftest import migrated, seeded
from tests.server import Running, heard, issued, running

HASTE = "import app.http1 as p; p.HEAD_SECONDS = p.SILENT_SECONDS = p.CHECK_SECONDS = 0.4"
"""Limits of time that a test can wait for."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service over the seed, with little patience."""
    folder = tmp_path_factory.mktemp("server")
    url = f"sqlite:///{folder}/indicators.db"
    seeded(migrated(url)).engine.dispose()
    with running(url, folder, before=HASTE) as found:
        yield found


@pytest.fixture(scope="module")
def token(server: Running) -> str:
    """A token that may publish."""
    return issued(f"sqlite:///{server.log.parent}/indicators.db", "publish")


def problem(answer: bytes) -> tuple[int, str]:
    """The status and the type of a problem that a connection ended with."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower(), answer
    assert b"connection: close" in head.lower()
    found = json.loads(body)
    assert int(head.split()[1]) == found["status"]
    return found["status"], found["type"].rsplit("/", 1)[1]


GET = b"GET /v1 HTTP/1.1\r\n"
HEALTHY = b"HTTP/1.1 200 OK"
"""The beginning of the answer to the request that follows on the same connection."""
POST = b"POST /v1/publications HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        GET + b"Host: a\r\nHost: b\r\n\r\n",
        GET + b"\r\n",
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"GET /v1/\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"Host: x\r\nX-Y: a\0b\r\n\r\n",
        GET + b"Host: x\r\nX Y: a\r\n\r\n",
        "GET /v1/zones?q=徐汇 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        b"GET /v1/zones/%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GARBAGE\r\n\r\n",
    ],
)
def test_what_is_not_strictly_http_is_refused(server: Running, request_: bytes) -> None:
    assert problem(server.say(request_)) == (400, "bad-request")


def test_heads_are_bounded(server: Running) -> None:
    assert problem(server.say(b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")) == (414, "uri-too-long")
    many = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 1000) for number in range(40))
    assert problem(server.say(GET + b"Host: x\r\n" + many + b"\r\n")) == (431, "headers-too-large")
    with server.connect() as connection:  # one that never ends
        connection.sendall(GET + b"Host: x\r\nX: ")
        try:
            for _ in range(100):
                connection.sendall(b"y" * 10_000)
        except OSError:
            return  # closed in the middle
        assert problem(heard(connection)) == (431, "headers-too-large")


@pytest.mark.parametrize("beginning", [b"", GET, GET + b"Host: x\r\nX-Y: "], ids=["nothing", "no header", "half a header"])
def test_who_is_silent_is_not_waited_for(server: Running, beginning: bytes) -> None:
    start = time.monotonic()
    assert problem(server.say(beginning)) == (408, "request-timeout")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("body", [b"", b"abc"], ids=["no body", "half a body"])
def test_bodies_that_do_not_come_are_not_waited_for(server: Running, token: str, body: bytes) -> None:
    start = time.monotonic()
    fields = f"Authorization: Bearer {token}\r\nIdempotency-Key: k\r\nContent-Type: application/yaml\r\n"
    head = POST + f"{fields}Content-Length: 100000\r\n\r\n".encode()
    assert problem(server.say(head + body)) == (408, "request-timeout")
    # who may not publish is told so at once, and then not waited for either
    assert server.say(POST + b"Content-Length: 100000\r\n\r\n" + body).startswith(b"HTTP/1.1 401 ")
    assert time.monotonic() - start < 5


def test_who_trickles_is_not_waited_for(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(GET)
        for number in range(50):
            connection.sendall(b"X-%d: y\r\n" % number)
            if select.select([connection], [], [], 0.1)[0]:
                break
        assert problem(heard(connection)) == (408, "request-timeout")


def test_requests_one_after_the_other_on_a_connection(server: Running) -> None:
    one = GET + b"Host: x\r\n\r\n"
    answers = server.say(one * 3 + GET + b"Host: x\r\nConnection: close\r\n\r\n")
    assert answers.count(b"HTTP/1.1 200 OK") == 4


@pytest.mark.parametrize("rate", ["", "6000/minute"])
def test_what_is_kept_is_sent_as_it_was_at_first(server: Running, tmp_path: Path, rate: str) -> None:
    def told(request: bytes, *more: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
        return parted(other.say(b"\r\n".join([request, b"Host: x", *more, b"", b"GET /healthz HTTP/1.0", b"Host: x", b"", b""])))

    url, path = f"sqlite:///{server.log.parent}/indicators.db", b" /v1/observations?limit=3 HTTP/1."
    with running(url, tmp_path, environment={"RATE_LIMIT": rate}) as other:
        first = status, headers, body = told(b"GET" + path + b"1")
        assert status == b"200 OK"
        assert (b"ratelimit" in headers) == bool(rate)
        assert len(json.loads(body.removesuffix(HEALTHY))["data"]) == 3
        assert told(b"GET" + path + b"1") == first
        closed = (status, headers | {b"connection": b"close"}, body.removesuffix(HEALTHY))
        assert told(b"GET" + path + b"0") == closed
        assert told(b"GET" + path + b"1", b"Connection: close") == closed
        assert told(b"HEAD" + path + b"1") == (status, headers, HEALTHY)
        unchanged = told(b"GET" + path + b"1", b"If-None-Match: " + headers[b"etag"])
        assert (unchanged[0], unchanged[2]) == (b"304 Not Modified", HEALTHY)
        assert unchanged[1].items() < headers.items()


def parted(answer: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """The status, the headers without what another second or request changes, the body, and how the answer after it begins."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    changing = (b"date", b"ratelimit")
    kept = {name: b"" if name in changing else value for name, value in headers.items() if name != b"x-request-id"}
    return status.partition(b" ")[2], kept, b"".join(rest.partition(HEALTHY)[:2])


def test_a_reader_that_stalls_holds_up_nobody(server: Running) -> None:
    stalled = [server.connect() for _ in range(20)]
    for connection in stalled:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /v1/observations?limit=all&format=csv HTTP/1.1\r\nHost: x\r\n\r\n")
    start = time.monotonic()
    assert httpx.get(server.url + "/v1/observations").status_code == 200
    assert time.monotonic() - start < 1
    for connection in stalled:
        connection.close()


def test_the_log_is_json_with_names_and_without_secrets(server: Running) -> None:
    secret = "ria_" + "a" * 46
    httpx.get(server.url + "/v1/none%0Asecond", headers={"X-Request-Id": "named-by-test", "Authorization": f"Bearer {secret}"})
    httpx.get(server.url + f"/v1/none?x={secret}")
    lines = server.log.read_text().splitlines()
    found = [json.loads(line) for line in lines]
    (line,) = (line for line in found if line.get("request_id") == "named-by-test")
    assert (line["path"], line["status"], line["method"], line["level"]) == ("/v1/none\nsecond", 404, "GET", "info")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", line["time"])
    assert secret not in "".join(lines)


def test_it_ends_in_time_although_somebody_reads_slowly(server: Running, tmp_path: Path) -> None:
    url = f"sqlite:///{server.log.parent}/indicators.db"
    with running(url, tmp_path, before="import app.server as s; s.GRACE_SECONDS = 2") as other:
        slow = other.connect()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b"GET /v1/export/observations.csv HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(100)
        start = time.monotonic()
        other.process.send_signal(signal.SIGTERM)
        assert other.process.wait(20) in (0, -signal.SIGTERM)
        assert time.monotonic() - start < 8
        slow.close()


def test_a_connection_may_be_idle_for_as_long_as_is_said(server: Running, tmp_path: Path) -> None:
    assert httpx.get(server.url + "/v1/limits").json()["request"]["idle_seconds"] > 60  # what proxies keep one for
    url = f"sqlite:///{server.log.parent}/indicators.db"
    with running(url, tmp_path, before="import app.server as s; s.IDLE_SECONDS = 1") as other, other.connect() as connection:
        start = time.monotonic()
        connection.sendall(GET + b"Host: x\r\n\r\n")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert 1 <= time.monotonic() - start < 4


def test_a_connection_that_is_used_is_not_idle(server: Running, tmp_path: Path) -> None:
    url = f"sqlite:///{server.log.parent}/indicators.db"
    with running(url, tmp_path, before="import app.server as s; s.IDLE_SECONDS = 1") as other, other.connect() as connection:
        connection.settimeout(0.7)
        for _ in range(4):
            connection.sendall(b"HEAD /v1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
            with pytest.raises(TimeoutError):
                connection.recv(1)  # nothing more comes, and it is not closed
        connection.settimeout(3)
        assert connection.recv(1) == b""


@pytest.mark.parametrize(("proxies", "believed"), [("127.0.0.1", True), ("10.0.0.1", False)])
def test_only_trusted_proxies_say_who_asks(server: Running, tmp_path: Path, proxies: str, believed: bool) -> None:  # noqa: FBT001
    url = f"sqlite:///{server.log.parent}/indicators.db"
    with running(url, tmp_path, environment={"TRUSTED_PROXIES": proxies}) as other:
        httpx.get(other.url + "/v1/nothing", headers={"X-Forwarded-For": "192.0.2.7"})
        other.process.terminate()
        other.process.wait(20)
        line = next(json.loads(line) for line in other.log.read_text().splitlines() if "/v1/nothing" in line)
    assert (line["client"] == "192.0.2.7") is believed


def test_unsafe_settings_are_one_clear_line(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from app.cli import run; run()", "serve"]
    done = subprocess.run(
        command, env={**os.environ, "TRUSTED_PROXIES": "*"}, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: TRUSTED_PROXIES: .*name the proxies\n", done.stderr)


def test_a_database_that_cannot_be_written_to_is_told_from_one_in_use(server: Running) -> None:
    path = f"{server.log.parent}/indicators.db"
    writable, frozen = engine_for(f"sqlite:///{path}"), engine_for(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert (is_writable(writable), is_writable(frozen)) == (True, False)
    with Database(f"sqlite:///{path}", bundled("migrations")).write():
        event.listen(writable, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 0"))
        assert is_writable(writable)
    for engine in (writable, frozen):
        engine.dispose()


def test_ready_says_what_is_in_the_way(server: Running) -> None:
    assert httpx.get(server.url + "/readyz").json()["status"] == "ready"
    log = server.log.with_name("indicators.db-wal")
    kept = log.rename(log.with_name("kept")) if log.exists() else None
    with log.open("wb") as file:
        file.truncate(300 * 2**20)  # sparse: a log of that size without writing it
    try:
        answer = httpx.get(server.url + "/readyz")
    finally:
        log.unlink()
        if kept is not None:
            kept.rename(log)
    assert (answer.status_code, answer.json()["detail"]) == (503, "Not ready: the write-ahead log is not taken over.")
