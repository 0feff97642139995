"""Many at once: readers while much is published, readers that stall, publishers that wait, restarts, backups under writes."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import pysqlite3
import pytest

from app.db import backup
from app.db.database import Database
from app.publishing.derived_data import DERIVED_FORMATS
from app.publishing.revisions import publish
from app.settings import bundled
from tests.bench.data import fill
from tests.conftest import migrated, seeded
from tests.server import Running, free_port, issued, running
from tests.torture import LONG, rounds
from tests.torture.figures import Note
from tests.torture.history import faults, revisions, variant, words

PAGE = "/v1/observations?limit=20"


def token_for(url: str) -> dict[str, str]:
    """The header of a token that may publish."""
    return {"Authorization": f"Bearer {issued(url, 'publish')}"}


class Readers:
    """Clients that read until told to stop; what they saw."""

    def __init__(self, base: Callable[[], str], count: int, *, keep: bool = True) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._base, self._keep, self._stop = base, keep, threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        headers = {} if self._keep else {"Connection": "close"}
        with httpx.Client(headers=headers, timeout=30) as client:
            while not self._stop.is_set():
                start = time.perf_counter()
                try:
                    answer = client.get(self._base() + PAGE)
                    if answer.status_code != 200:
                        self.failures.append(f"{answer.status_code} {answer.text[:200]}")
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                self.seconds.append(time.perf_counter() - start)
                self._stop.wait(0.02)  # a client that reads now and then, not a load generator

    def slowest(self) -> float:
        """The 99th percentile, in milliseconds."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000


def test_readers_while_much_is_published(tmp_path: Path, note: Note) -> None:
    facts = rounds(5_000, 100_000)
    url = f"sqlite:///{tmp_path}/indicators.db"
    publish(database := migrated(url), words())
    publish(database, variant(1))
    database.close()
    (tmp_path / "much.json").write_bytes(variant(2, facts))
    command = [sys.executable, "-c", "from app.cli import run; run()", "publish", "much.json"]
    with running(url, tmp_path) as server:
        with Readers(lambda: server.url, 64):
            time.sleep(1)  # whoever comes first pays for what is made once
        with Readers(lambda: server.url, 64) as idle:
            time.sleep(3)
        with Readers(lambda: server.url, 64) as busy:
            subprocess.run(command, cwd=tmp_path, env={**os.environ, "DATABASE_URL": url}, check=True, timeout=900)
    ratio = busy.slowest() / idle.slowest()
    found = f"{len(busy.failures)} of {len(busy.seconds)} reads failed, p99 {busy.slowest():.0f} ms, {ratio:.1f} × idle"
    note(f"64 readers while {facts:,} facts are published", found)
    assert busy.failures == []


def test_readers_that_stall(tmp_path: Path, note: Note) -> None:
    path = tmp_path / "indicators.db"
    url = f"sqlite:///{path}"
    fill(database := migrated(url), rounds(50_000, 500_000), 10)
    with running(url, tmp_path) as server:
        httpx.get(server.url + "/v1/observations?limit=1000")
        before, stalled = memory(server), [server.connect() for _ in range(50)]
        for connection in stalled:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"GET /v1/observations?limit=all&format=csv HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(100)
        slowest = 0.0
        for number in range(20):
            start = time.perf_counter()
            assert httpx.get(server.url + f"/v1/observations?limit={number + 1}").status_code == 200
            slowest = max(slowest, time.perf_counter() - start)
        for number in range(5):  # nobody pins the log
            publish(database, words() if number == 0 else variant(number))
        grown, log = (memory(server) - before) / 2**20, truncated(path)
        for connection in stalled:
            connection.close()
    note("50 stalled readers of an export", f"memory +{grown:.0f} MB, others {slowest * 1000:.0f} ms, log of {log} bytes after")
    assert grown <= 150
    assert slowest < 1
    assert log == 0


def memory(server: Running) -> int:
    """Resident bytes of the process."""
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def truncated(path: Path) -> int:
    """Bytes of the write-ahead log once it was taken over: no reader holds it up for longer than a piece takes."""
    log, deadline = path.with_name(path.name + "-wal"), time.monotonic() + 30
    while True:
        connection = pysqlite3.connect(str(path))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        size = log.stat().st_size if log.exists() else 0
        if size == 0 or time.monotonic() > deadline:
            return size


def test_publishers_while_one_holds_the_lock(tmp_path: Path, note: Note) -> None:
    path = tmp_path / "indicators.db"
    url = f"sqlite:///{path}"
    publish(database := migrated(url), words())
    database.close()
    headers = token_for(url)
    with running(url, tmp_path) as server, ThreadPoolExecutor(8) as threads:

        def send(number: int) -> httpx.Response:
            data = variant(number).replace(b'"news"', f'"news-{number}"'.encode()).replace(b"any-chips", b"chips-%d" % number)
            data = data.replace(b'"acme"', b'"acme-%d"' % number)
            named = {**headers, "Content-Type": "application/json", "Idempotency-Key": f"{number}"}
            return httpx.post(server.url + "/v1/publications", content=data, headers=named, timeout=60)

        holder = pysqlite3.connect(str(path))
        holder.execute("BEGIN IMMEDIATE")
        answers = list(threads.map(send, range(8)))
        assert {answer.status_code for answer in answers} == {503}
        assert all("retry-after" in answer.headers for answer in answers)
        assert httpx.get(server.url + PAGE).status_code == 200
        holder.rollback()
        holder.close()
        answers = list(threads.map(send, range(8)))
        made = [answer.json()["data"]["id"] for answer in answers if answer.status_code == 201]
        again = list(threads.map(lambda _: send(0), range(100)))
    note("8 publishers while another holds the lock", "503 with Retry-After, then all published")
    note(
        "100 requests at once with one key",
        f"{len({answer.content for answer in again if answer.status_code == 201})} publication",
    )
    assert sorted(made) == list(range(2, 10))
    assert {answer.status_code for answer in again} <= {201, 409}
    assert revisions(path) == 9
    assert faults(path) == []


def test_backups_under_writes(tmp_path: Path, note: Note) -> None:
    path, count = tmp_path / "indicators.db", rounds(5, 50)
    publish(database := migrated(f"sqlite:///{path}"), words())
    stop, published = threading.Event(), [1]

    def write() -> None:
        number = 0
        writing = Database(f"sqlite:///{path}", bundled("migrations"))
        while not stop.is_set():
            number += 1
            published.append(publish(writing, variant(number)).revision)
        writing.close()

    writer = threading.Thread(target=write)
    writer.start()
    wrong = []
    try:
        for number in range(count):
            least = published[-1]
            copy = tmp_path / f"backup-{number}.db"
            counts = backup.back_up(database, copy)
            wrong += faults(copy)
            assert counts["revision"] >= least
            assert backup.verify(copy) == counts
            restored = Database(f"sqlite:///{tmp_path}/restored-{number}.db", bundled("migrations"))
            assert backup.restore(restored, copy, replace=False) == counts
            restored.require_current(DERIVED_FORMATS)
            restored.close()
    finally:
        stop.set()
        writer.join()
    note(f"{count} backups under writes", f"{len(wrong)} damaged; all restored, counts equal")
    assert wrong == []


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket that outlives the servers that answer at it, as systemd's."""
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", free_port()))
        made.listen(1024)
        made.set_inheritable(True)
        yield made


def test_rolling_restarts(tmp_path: Path, note: Note) -> None:
    url, count = f"sqlite:///{tmp_path}/indicators.db", rounds(3, 10)
    seeded(migrated(url)).close()
    with listening() as shared:
        base = f"http://127.0.0.1:{shared.getsockname()[1]}"
        log = (tmp_path / "server.log").open("ab")

        def start() -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-c", "from app.cli import run; run()", "serve", "--fd", str(shared.fileno())]
            environment = {**os.environ, "DATABASE_URL": url, "RATE_LIMIT": ""}
            return subprocess.Popen(command, env=environment, pass_fds=[shared.fileno()], stdout=log, stderr=log)

        server = start()
        httpx.get(base + PAGE, timeout=30)
        with Readers(lambda: base, 16, keep=False) as readers:
            for _ in range(count):
                following = start()
                time.sleep(2)  # until it answers too; both do
                server.send_signal(signal.SIGTERM)
                assert server.wait(30) in (0, -signal.SIGTERM)
                server = following
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        log.close()
    note(f"{count} rolling restarts under 16 clients", f"{len(readers.failures)} of {len(readers.seconds)} requests failed")
    assert readers.failures == []


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_an_export_is_built_while_others_are_answered(tmp_path: Path, note: Note) -> None:
    """All its files, from one snapshot; meanwhile others are answered as fast, and somebody publishes."""
    database = migrated(url := f"sqlite:///{tmp_path / 'indicators.db'}")
    fill(database, rounds(20_000, 200_000), 10)
    database.close()
    waits: list[float] = []
    with running(url, tmp_path) as service, httpx.Client(timeout=600) as client:
        with ThreadPoolExecutor(1) as threads:
            start = time.monotonic()
            building = threads.submit(httpx.get, service.url + "/v1/export", timeout=600)
            while not building.done():
                waits.append(client.get(service.url + "/healthz").elapsed.total_seconds() * 1000)
                time.sleep(0.005)
            took = time.monotonic() - start
        assert building.result().status_code == 200
        size = sum(file["bytes"] for file in building.result().json()["data"])
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    found = f"{size / 2**20:.0f} MB in {took:.1f} s; /healthz meanwhile p99 {p99:.0f} ms, worst {max(waits):.0f} ms"
    note(f"an export of {rounds(20_000, 200_000):,} figures is built", found)
    assert not LONG or p99 <= 50  # the short form runs beside other tests
    assert not LONG or max(waits) <= 150
