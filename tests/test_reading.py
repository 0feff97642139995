"""Long reads: what they may take, and that those who read slowly hold nothing up."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, active_count, get_ident
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request
from sqlalchemy import Connection, QueuePool

from app.api.executor import Executor
from app.api.query_params import NoParameters
from app.api.readers import Readers
from app.api.view import View, always
from app.auth.tokens import issue
from app.db.database import Database
from app.domain.dataset import Dataset
from app.errors import InvalidParameters, TimeLimitPassed, Unavailable
from app.formats import FORMATS, Format
from app.publishing.revisions import publish
from app.query.repository import Repository
from app.query.snapshot import Snapshot, Version
from app.query.stream import stream
from app.resources import ALL
from app.resources.observations import OBSERVATIONS
from app.resources.zones import ZONES
from tests.conftest import NewDatabase, discard, seeded, serving
from tests.documents import article, dated, other, renamed, vocabulary, written

ENDLESS = {
    "sqlite": "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(30)",
}


def endless(connection: Connection, _version: Version | None = None) -> Any:
    """A read that takes too long."""
    return connection.exec_driver_sql(ENDLESS[connection.dialect.name]).all()


def test_a_read_is_stopped_at_its_time_limit_and_the_connection_goes_on(database: Database) -> None:
    for _ in range(3):
        with pytest.raises(TimeLimitPassed), database.read(0.05) as connection:
            endless(connection)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
        if not database.is_local:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"
    assert _in_use(database) == 0


def test_long_reads_do_not_hold_up_short_ones(database: Database) -> None:
    publish(database, written(vocabulary()))
    readers = Readers(database, threads=2, seconds=1.0)

    async def all_at_once() -> list[Any]:
        long = [asyncio.ensure_future(readers.read(lambda snapshot: endless(snapshot.connection))) for _ in range(2)]
        await asyncio.sleep(0)
        short = "SELECT count(*) FROM entity"
        if database.is_local:  # on a server every read waits for one of the threads
            for _ in range(5):
                assert await readers.read(lambda snapshot: snapshot.connection.exec_driver_sql(short).scalar_one()) == 2
            assert not any(read.done() for read in long)
        return await asyncio.gather(*long, return_exceptions=True)

    ended = asyncio.run(all_at_once())
    assert [type(error) for error in ended] == [Unavailable, Unavailable]
    assert all(error.headers["Retry-After"] for error in ended)
    readers.close()


def test_a_read_sees_every_commit_made_before_it(database: Database) -> None:
    publish(database, written(vocabulary()))
    readers = Readers(database, threads=1, seconds=1.0)

    async def revisions() -> list[int]:
        first = await readers.read(lambda snapshot: snapshot.revision)
        publish(database, written(vocabulary() | {"indicators": []}))
        return [first, await readers.read(lambda snapshot: snapshot.revision)]

    assert asyncio.run(revisions()) == [1, 2]
    readers.close()


def test_over_http_it_is_503_with_retry_after(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READ_SECONDS", "0.1")
    client = serving(database)
    monkeypatch.setattr(Repository, "page", lambda self, _query, **_named: endless(self.connection))
    answer = client.get("/v1/zones")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"]
    assert client.get("/healthz").status_code == 200
    assert client.get("/v1/zones/x").status_code == 404


@pytest.fixture(params=[0, 20_000], ids=["gone-through", "looked-up"])
def pieces(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Streams that are read two rows at a time, as long lists are and as short ones are."""
    monkeypatch.setattr("app.query.stream.PIECE", 2)
    monkeypatch.setattr("app.query.stream.MANY", request.param)


@pytest.mark.usefixtures("pieces")
def test_a_stalled_reader_holds_nothing_and_sees_one_revision(database: Database) -> None:
    publish(database, written(vocabulary()))
    data = article()
    observation = data["observations"][1]
    data["observations"] = [{**observation, "key": f"k{number}", "value": number} for number in range(9)]
    publish(database, written(data))
    query = OBSERVATIONS.query.model_validate({"region": ["990100"]})
    rows = iter(stream(database.read, OBSERVATIONS, query, "en").rows)
    first, names = next(rows), [column.name for column in OBSERVATIONS.columns]
    assert _in_use(database) == 0
    del data["observations"][3:]
    data["observations"][1]["value"] = 100
    publish(database, written(data))
    words = vocabulary()
    words["regions"][1]["name"] = {"en": "Another", "zh": "别的"}
    publish(database, written(words))
    found = [dict(zip(names, row, strict=True)) for row in (first, *rows)]
    assert [row["value"] for row in found] == list(range(9))
    assert {row["subject_name"] for row in found} == {"Any District"}
    assert _in_use(database) == 0


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("name", [resource.name for resource in ALL if not resource.versioned])
def test_whole_lists_without_versions_are_of_one_moment(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Somebody publishes after each of the first pages."""
    database = new_database()
    for words in (vocabulary(), article()):
        publish(database, written(words))
    page, more = Repository.page, [other(), dated(article()), renamed(vocabulary(), "indicators")]

    inside: list[str] = []

    def interrupted(self: Repository, query: Any, **named: Any) -> Any:
        found = page(self, query, **named)
        if more and not inside:
            inside.append("a publication, which reads pages too")
            publish(database, written(more.pop()))
            inside.clear()
        return found

    with serving(database) as client:
        before = client.get(f"/v1/{name}?format=ndjson").text
        with monkeypatch.context() as patched:
            patched.setattr(Repository, "page", interrupted)
            answer = client.get(f"/v1/{name}?limit=all&format=ndjson")
        assert (answer.status_code, answer.text) == (200, before)
        assert answer.headers["etag"].startswith('"2-')
        assert len(more) < 3
        after = client.get(f"/v1/{name}?limit=all&format=ndjson")
        assert (after.text, after.headers["etag"] != answer.headers["etag"]) == (
            client.get(f"/v1/{name}?format=ndjson").text,
            True,
        )
    discard(database)


@pytest.mark.usefixtures("pieces")
def test_rows_that_are_not_versioned_are_never_mixed(database: Database) -> None:
    rows = iter(stream(seeded(database).read, ZONES, ZONES.query(), "en").rows)
    next(rows)
    publish(database, written({**vocabulary(), "indicators": []}))
    with pytest.raises(InvalidParameters):
        list(rows)


def _in_use(database: Database) -> int:
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def test_more_long_reads_than_may_wait_are_refused_at_once(database: Database) -> None:
    readers = Readers(database, threads=1, seconds=0.3, most_waiting=1)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(
            *(readers.read(lambda snapshot: endless(snapshot.connection)) for _ in range(4)), return_exceptions=True
        )

    ended = asyncio.run(all_at_once())
    assert [type(error) for error in ended] == [Unavailable] * 4
    assert sum("waiting" in error.detail for error in ended) == 2
    readers.close()


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """The database while somebody has locked it as far as its engine lets them."""
    with database.engine.connect() as connection:
        if database.is_local:
            connection.connection.dbapi_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
        else:
            connection.exec_driver_sql("LOCK TABLE revision, alembic_version, token IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_database_that_does_not_answer_holds_nothing_else_up(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server answers no query about a locked table; reads of a file go on whatever lock there is."""
    database = seeded(new_database())
    monkeypatch.setenv("READ_SECONDS", "0.4")
    monkeypatch.setenv("READ_THREADS", "1")
    with database.write() as connection:
        token = {"Authorization": f"Bearer {issue(connection, 'test', ['retract'], None)}"}
    paths = ("/v1/zones", "/v1/zones?limit=all&format=csv", "/v1/export", "/v1", "/metrics", "/readyz", "/v1/zones")
    with serving(database) as client:
        with locked(database):
            for path in paths:
                assert client.get(path).status_code == (200 if database.is_local else 503), path
                assert client.get("/healthz").status_code == 200
            if not database.is_local:
                assert client.delete("/v1/sources/x", headers=token).status_code == 503
        for _ in range(1000):
            if client.get("/v1/zones").status_code == 200:
                break
        for path in paths:
            assert client.get(path).status_code == 200, path
    discard(database)


def test_work_that_hangs_keeps_its_thread_and_nobody_waits() -> None:
    release, executor = Event(), Executor(2, 0.05)

    async def scenario() -> None:
        for number in range(4):
            with pytest.raises(TimeLimitPassed):
                await executor.run(release.wait)
            assert executor.is_stuck == (number > 0)
        assert active_count() <= before + 2
        release.set()
        for _ in range(1000):
            if not executor.is_stuck:
                break
            await asyncio.sleep(0.001)
        assert await executor.run(lambda: 1) == 1
        with pytest.raises(ZeroDivisionError):
            await executor.run(lambda: 1 // 0)

    before = active_count()
    asyncio.run(scenario())
    executor.close()


@pytest.mark.parametrize(
    "format_", [format_ for format_ in FORMATS if format_.fits(OBSERVATIONS.columns)], ids=lambda each: each.name
)
def test_what_takes_long_to_write_leaves_the_event_loop(database: Database, format_: Format) -> None:
    """Up to ``at_once`` rows are written where the request is read; one more, and a thread does it."""
    publish(database, written(vocabulary()))
    data = article()
    data["observations"] = [{**data["observations"][1], "key": f"k{number}", "value": number} for number in range(12)]
    publish(database, written(data))
    wrote: list[int] = []

    def write(dataset: Any) -> Iterator[bytes]:
        wrote.append(get_ident())
        return format_.write(dataset)

    measured = replace(format_, write=write, inline_rows=10)
    readers = Readers(database, threads=1, seconds=5)

    def page(snapshot: Snapshot, _query: NoParameters, limit: str) -> Dataset:
        return Repository(snapshot, OBSERVATIONS).page(OBSERVATIONS.query(limit=int(limit)))

    async def loop(limit: int) -> bool:
        application = SimpleNamespace(state=SimpleNamespace(readers=readers))
        scope = {"type": "http", "method": "GET", "path": "/v1/observations", "query_string": b"", "headers": []}
        request = Request({**scope, "app": application, "path_params": {"limit": str(limit)}})
        assert (await View(page, NoParameters, always((measured,)))(request)).status_code == 200
        return wrote[-1] == get_ident()

    assert asyncio.run(loop(10)) == database.is_local
    assert not asyncio.run(loop(11))
    readers.close()
