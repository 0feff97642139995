"""Rows that are kept as JSON objects: always what the columns say, in whatever order documents come, and never missed."""

import pytest
from sqlalchemy import delete, select, update
from starlette.testclient import TestClient

from app.db.database import Database
from app.publishing.rebuild import DERIVED, rebuild
from app.publishing.revisions import publish, retract
from app.query.sql import encoded_table_of, table_of
from app.resources.base import LANGS
from app.resources.observations import OBSERVATIONS
from tests.conftest import rows, serving
from tests.documents import STEPS, Data, article, other, vocabulary, written

COLUMNS = ",".join(column.name for column in OBSERVATIONS.columns)
ROWS = table_of(OBSERVATIONS)
KEPT = {lang: encoded_table_of(OBSERVATIONS, lang) for lang in LANGS}


@pytest.fixture
def client(database: Database) -> TestClient:
    """The service over a database with the vocabulary and two articles."""
    for data in (vocabulary(), article(), other()):
        publish(database, written(data))
    return serving(database)


def assert_rows_are_what_the_columns_say(client: TestClient) -> None:
    for lang in LANGS:
        kept, made = (
            client.get("/v1/observations", params={"lang": lang, "format": "ndjson", **more}).text
            for more in ({}, {"fields": COLUMNS})
        )
        assert kept == made


def kept(database: Database) -> dict[str, list[str]]:
    """By language the ids of the rows that are kept; none that no row knows."""
    found: dict[str, list[str]] = {}
    with database.read() as connection:
        for lang, table in KEPT.items():
            joined = table.outerjoin(ROWS, table.c.number == ROWS.c.number)
            found[lang] = list(connection.execute(select(ROWS.c.id).select_from(joined).order_by(ROWS.c.id)).scalars())
    return found


def paged(client: TestClient, address: str | None) -> list[Data]:
    """The rows of a list, page by page."""
    found: list[Data] = []
    while address is not None:
        answer = client.get(address).json()
        found += answer["data"]
        address = answer["links"]["next"]
    return found


@pytest.mark.parametrize("names", [list(STEPS), list(reversed(STEPS))], ids=["forward", "backward"])
def test_they_are_what_the_columns_say_after_every_publication(client: TestClient, database: Database, names: list[str]) -> None:
    assert_rows_are_what_the_columns_say(client)
    for name in names:
        publish(database, written(STEPS[name]()))
        assert_rows_are_what_the_columns_say(client)


def test_only_current_rows_are_kept_each_in_every_language(client: TestClient, database: Database) -> None:
    with database.write() as connection:
        retract(connection, "news")
    current = [row["id"] for row in rows(client, "/v1/observations")]
    assert kept(database) == dict.fromkeys(LANGS, current)
    assert_rows_are_what_the_columns_say(client)


def test_rows_without_json_are_served_and_get_it_by_the_next_rebuild(client: TestClient, database: Database) -> None:
    before, there = client.get("/v1/observations").json()["data"], kept(database)
    with database.write() as connection:
        this = ROWS.c.id == before[1]["id"]
        for table in KEPT.values():
            connection.execute(delete(table).where(table.c.number.in_(select(ROWS.c.number).where(this))))
        connection.execute(update(ROWS).where(this).values(number=None))
    assert client.get("/v1/observations?lang=en").json()["data"] == before
    for limit in (1, 2):  # the missing one stands behind a page, and is the last of one
        assert paged(client, f"/v1/observations?lang=en&limit={limit}") == before
    assert client.get("/v1/regions/990100/profile").json()["data"]["metrics"][0]["observations"] == [
        row for row in before if row["subject"] == "990100"
    ]
    with database.write() as connection:
        connection.execute(update(DERIVED).values(format=0))
    rebuild(database)
    assert kept(database) == there
