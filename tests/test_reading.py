"""Long reads: what they may take, and that those who read slowly hold nothing up."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, QueuePool

from app.api import reading
from app.api.reading import Readers
from app.database import Database
from app.errors import InvalidParameters, TimeLimitPassed, Unavailable
from app.publishing.ingest import publish
from app.query.history import Version
from app.query.paging import Reader
from app.query.streaming import stream
from app.resources.observations import OBSERVATIONS
from app.resources.zones import ZONES
from tests.conftest import seeded, serving
from tests.documents import article, vocabulary, written

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
        long = [asyncio.ensure_future(readers.read(endless)) for _ in range(2)]
        await asyncio.sleep(0)
        short = "SELECT count(*) FROM entity"
        if database.is_local:  # on a server every read waits for one of the threads
            for _ in range(5):
                assert await readers.read(lambda connection, _: connection.exec_driver_sql(short).scalar_one()) == 2
            assert not any(read.done() for read in long)
        return await asyncio.gather(*long, return_exceptions=True)

    ended = asyncio.run(all_at_once())
    assert [type(error) for error in ended] == [Unavailable, Unavailable]
    assert all(error.headers["Retry-After"] for error in ended)
    readers.close()


@pytest.mark.parametrize("again", ["a later turn", "a look for the cache"])
def test_what_is_read_is_no_older_than_the_turn_or_the_last_look(database: Database, again: str) -> None:
    publish(database, written(vocabulary()))
    readers = Readers(database, threads=1, seconds=1.0)

    async def seen() -> int:
        return await readers.read(lambda _, now: now.revision)

    async def turns() -> list[int]:
        found = [await seen()]
        publish(database, written(vocabulary() | {"indicators": []}))
        found.append(await seen())
        if again == "a later turn":
            await asyncio.sleep(0)
        else:
            readers.look()
        return [*found, await seen()]

    first, meanwhile, after = asyncio.run(turns())
    assert (first, after) == (1, 2)
    assert meanwhile == (1 if database.is_local else 2)
    readers.close()


def test_over_http_it_is_503_with_retry_after(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READ_SECONDS", "0.1")
    client = serving(database)
    monkeypatch.setattr(Reader, "page", lambda self, _query, **_named: endless(self.connection))
    answer = client.get("/v1/zones")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["retry-after"]
    assert client.get("/healthz").status_code == 200
    assert client.get("/v1/zones/x").status_code == 404


@pytest.fixture(params=[0, 20_000], ids=["gone-through", "looked-up"])
def pieces(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Streams that are read two rows at a time, as long lists are and as short ones are."""
    monkeypatch.setattr("app.query.streaming.PIECE", 2)
    monkeypatch.setattr("app.query.streaming.MANY", request.param)


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


def test_more_long_reads_than_may_wait_are_refused_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_WAITING", 1)
    readers = Readers(database, threads=1, seconds=0.3)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(readers.read(endless) for _ in range(4)), return_exceptions=True)

    ended = asyncio.run(all_at_once())
    assert [type(error) for error in ended] == [Unavailable] * 4
    assert sum("waiting" in error.detail for error in ended) == 2
    readers.close()
