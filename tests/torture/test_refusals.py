"""What a refusal costs: parameters of which very much is wrong, and ids that are not there among very many rows."""

import asyncio
import time
from urllib.parse import quote

import pytest
from starlette.types import Message

from app.db.database import Database
from app.main import create_app
from app.publishing.search_index import reindex
from app.settings import Settings
from tests.bench.data import fill
from tests.conftest import migrated, rows, serving
from tests.torture import LONG, rounds
from tests.torture.figures import Note

MOST = 0.003
"""Seconds of one core."""
ADDRESSES = {
    "900 bad names in fields": "/v1/observations?fields=" + ",".join(f"name{number}" for number in range(900)),
    "500 unknown parameters": "/v1/observations?" + "&".join(f"limt{number}=1" for number in range(500)),
    "200 bad values of a filter": "/v1/observations?hedge=" + ",".join(f"n{number}" for number in range(200)),
    "200 bad places": "/v1/observations?rank=" + ",".join(["01"] * 200),
    "200 long ids": "/v1/observations?region=" + ",".join(["x" * 201] * 30),
}


def seconds(database: Database, target: str, status: int) -> float:
    """What a request takes of a core at best, without any client: others use the machine too."""
    app = create_app(Settings(database_url=database.url, rate_limit="", cache_bytes=0))
    path, _, query = target.partition("?")
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path, "raw_path": path.encode(),
             "query_string": quote(query, safe="=&,").encode(), "headers": [(b"host", b"localhost")],
             "client": ("127.0.0.1", 1), "server": ("localhost", 80), "root_path": ""}  # fmt: skip
    taken: list[float] = []
    answered: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    async def ask() -> None:
        for _ in range(41):
            start = time.process_time()
            await app(dict(scope), receive, send)
            taken.append(time.process_time() - start)

    asyncio.run(ask())
    assert set(answered) == {status}
    return min(taken)


@pytest.mark.parametrize("name", ADDRESSES)
def test_refusals_cost_little(note: Note, sqlite_url: str, name: str) -> None:
    database = migrated(sqlite_url)
    taken = seconds(database, ADDRESSES[name], 422)
    note(name, f"{taken * 1000:.2f} ms")
    assert not LONG or taken < MOST  # the short form runs beside other tests
    database.close()


def test_an_unknown_id_among_many_rows_costs_little(note: Note, sqlite_url: str) -> None:
    database = migrated(sqlite_url)
    fill(database, rounds(5000, 1_000_000), 1)
    with database.write() as connection:
        reindex(connection, "synthetic", 1)
    (row,) = rows(serving(database), "/v1/observations", limit=1)
    for wrong in (row["id"][:-1], "x" + row["id"], "nothing", "产业"):
        taken = seconds(database, f"/v1/observations/{wrong}", 404)
        note(f"an unknown id, {wrong}", f"{taken * 1000:.2f} ms")
        assert not LONG or taken < MOST  # the short form runs beside other tests
    database.close()
