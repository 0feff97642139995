"""Derived data: what `indicators migrate` rebuilds when their format is another, however often it is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, event, insert, select, text, update
from sqlmodel import SQLModel

from app.db.database import Database
from app.db.indexes import index_texts, remove_texts
from app.errors import Refusal, Unavailable
from app.publishing.derived_data import DERIVED_FORMATS
from app.publishing.rebuild import DERIVED, rebuild
from app.publishing.revisions import publish, retract
from app.settings import bundled
from tests.conftest import rows, serving
from tests.documents import STEPS, article, other, vocabulary, written

TABLES: dict[str, Table] = dict(SQLModel.metadata.tables)
OBSERVATION, ENTRY = TABLES["observation"], TABLES["search_entry"]
JSON_ROWS = {lang: TABLES[f"observation_json_{lang}"] for lang in ("en", "zh")}
OLD = "a word of the old format"


@pytest.fixture
def filled(database: Database) -> Database:
    """A database with the vocabulary, articles, and everything that changed in them."""
    steps = ("a region renamed", "an indicator renamed", "a subject renamed", "a subject of another region", "one fact less")
    for data in (vocabulary(), article(), other(), *(STEPS[name]() for name in steps)):
        publish(database, written(data))
    with database.write() as connection:
        retract(connection, "other")
    publish(database, written(other()))
    return database


def derived(database: Database) -> dict[str, list[Any]]:
    """Return all derived data, without the numbers of JSON rows and entries, which no reader sees."""
    with database.read() as connection:
        versions = (OBSERVATION.c.id, OBSERVATION.c.revision, OBSERVATION.c.statement_en, OBSERVATION.c.statement_zh)
        found: dict[str, list[Any]] = {"statements": list(connection.execute(select(*versions).order_by(*versions[:2])))}
        for lang, table in JSON_ROWS.items():
            joined = OBSERVATION.outerjoin(table, table.c.number == OBSERVATION.c.number)
            current = select(OBSERVATION.c.id, table.c.body).select_from(joined).where(OBSERVATION.c.retracted_in.is_(None))
            found[f"json_rows_{lang}"] = list(connection.execute(current.order_by(OBSERVATION.c.id)))
        texts = [column for column in ENTRY.c if column.name != "id"]
        order = ("resource", "key", "held_from")
        found["entries"] = list(connection.execute(select(*texts).order_by(*order)))
        index = text("SELECT count(*) FROM search_index").columns()
        found["indexed"] = [connection.execute(index).scalar_one()]
    return found


def formats(database: Database) -> dict[tuple[str, str], tuple[int, str | None]]:
    """Return what the database says of its derived data."""
    with database.read() as connection:
        stored = connection.execute(select(DERIVED)).all()
    return {(row.kind, row.resource): (row.format, row.position) for row in stored}


TODAY = {key: (number, None) for key, number in DERIVED_FORMATS.items()}


def make_older(database: Database) -> None:
    """Let the current rows say what software of an older format made of them, and the database say so."""
    with database.write() as connection:
        current = OBSERVATION.c.retracted_in.is_(None)
        connection.execute(update(OBSERVATION).where(current).values(statement_en=OLD, statement_zh=OLD))
        for table in JSON_ROWS.values():
            connection.execute(update(table).values(body=f'{{"id":"{OLD}"}}'.encode()))
        connection.execute(update(ENTRY).where(ENTRY.c.held_until.is_(None)).values(body=OLD))
        numbers = list(connection.execute(select(ENTRY.c.id)).scalars())
        remove_texts(connection, numbers)
        index_texts(connection, [{"id": number, "title": "old", "body": "old"} for number in numbers])
        connection.execute(update(DERIVED).values(format=0))


def found(database: Database, query: str, **parameters: Any) -> list[str]:
    """Return the ids of the observations that a list of matches has."""
    return [row["id"] for row in rows(serving(database), "/v1/observations", q=query, **parameters)]


def test_a_changed_format_leads_to_new_rows(filled: Database) -> None:
    before = derived(filled)
    matches = found(filled, "companies"), found(filled, "companies", as_of=3)
    assert all(matches)
    make_older(filled)
    assert derived(filled) != before
    rebuild(filled)
    assert derived(filled) == before
    assert formats(filled) == TODAY
    assert (found(filled, "companies"), found(filled, "companies", as_of=3)) == matches
    assert found(filled, "old") == []


def test_ended_versions_and_earlier_states_keep_their_sentences(filled: Database) -> None:
    """They are history: what others were called then, and by which unit, is not all known any more."""
    with filled.read() as connection:
        earlier = connection.execute(select(TABLES["observation_before"]).order_by("id", "held_from")).all()
    assert earlier
    make_older(filled)
    rebuild(filled)
    with filled.read() as connection:
        assert connection.execute(select(TABLES["observation_before"]).order_by("id", "held_from")).all() == earlier


def test_data_of_an_unknown_format_are_built(filled: Database) -> None:
    before = derived(filled)
    with filled.write() as connection:
        connection.execute(delete(DERIVED))
    rebuild(filled, batch=3)
    assert derived(filled) == before
    assert formats(filled) == TODAY


def test_only_the_kind_whose_number_changed_is_rebuilt(filled: Database) -> None:
    make_older(filled)
    with filled.write() as connection:
        connection.execute(delete(DERIVED))
        stored = [
            {"kind": kind, "resource": resource, "format": number - (kind == "json_rows"), "position": None}
            for (kind, resource), number in DERIVED_FORMATS.items()
        ]
        connection.execute(insert(DERIVED), stored)
    rebuild(filled)
    after = derived(filled)
    assert {row.statement_en for row in after["statements"]} >= {OLD}
    assert all((OLD.encode() in row.body and b'"id":"news.' in row.body) or b'"id":"other.' in row.body
               for row in after["json_rows_en"])  # fmt: skip
    assert {row.body for row in after["entries"] if row.held_until is None} == {OLD}


class Killed(BaseException):
    """What stops a run between two statements."""


@contextmanager
def killed_after(database: Database, statements: int) -> Iterator[None]:
    """Stop after so many statements that write."""
    count = 0

    def stop(_connection: Connection, _cursor: object, sql: str, *_: object) -> None:
        nonlocal count
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            count += 1
            if count > statements:
                raise Killed

    event.listen(database.engine, "before_cursor_execute", stop)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", stop)


def test_a_rebuild_that_is_killed_again_and_again_is_finished_by_the_next(filled: Database) -> None:
    """Readers meanwhile see old rows or new ones, and none is missing."""
    before = derived(filled)
    client = serving(filled)
    make_older(filled)
    old = derived(filled)
    runs = 0
    while formats(filled) != TODAY:
        runs += 1
        try:
            with killed_after(filled, 5 * runs):
                rebuild(filled, batch=2)
        except Killed:
            now = derived(filled)
            for part in ("statements", "json_rows_en", "json_rows_zh", "entries"):
                assert len(now[part]) == len(before[part])
                assert all(row in (fresh, stale) for row, fresh, stale in zip(now[part], before[part], old[part], strict=True))
            assert now["indexed"] == before["indexed"]
            assert len(client.get("/v1/observations").json()["data"]) == len(before["json_rows_en"])
    assert runs > 3
    assert derived(filled) == before


def test_a_rebuild_goes_on_where_it_stopped(filled: Database) -> None:
    make_older(filled)
    with filled.read() as connection:
        ids = sorted(set(connection.execute(select(OBSERVATION.c.id).where(OBSERVATION.c.retracted_in.is_(None))).scalars()))
    with filled.write() as connection:
        this, number = DERIVED.c.kind == "statements", DERIVED_FORMATS["statements", "observations"]
        connection.execute(update(DERIVED).where(this).values(format=number, position=ids[0]))
    rebuild(filled)
    with filled.read() as connection:
        old = connection.execute(select(OBSERVATION.c.id).where(OBSERVATION.c.statement_en == OLD)).scalars().all()
    assert old == ids[:1]


def test_a_rebuild_to_a_number_that_is_no_longer_todays_begins_again(filled: Database) -> None:
    before = derived(filled)
    make_older(filled)
    with filled.write() as connection:
        connection.execute(update(DERIVED).values(position="zzz"))
    rebuild(filled)
    assert derived(filled) == before


@pytest.mark.parametrize("kind", ["statements", "json_rows", "search_entries"])
def test_the_service_does_not_start_before_all_are_rebuilt(database: Database, kind: str) -> None:
    publish(database, written(vocabulary()))
    client = serving(database)
    this = DERIVED.c.kind == kind, DERIVED.c.resource == "observations"
    changes: list[tuple[dict[str, Any], str]] = [({"format": 0}, "0"), ({"format": 2}, "2"), ({"position": "news.x"}, "none")]
    for change, stated in changes:
        assert client.get("/readyz").status_code == 200
        with database.write() as connection:
            connection.execute(update(DERIVED).where(*this).values(change))
        message = f"the database has {kind} of observations in format {stated}, this software needs 1; run `indicators migrate`"
        with pytest.raises(Refusal) as caught:
            serving(database)
        assert str(caught.value) == message
        assert client.get("/readyz").status_code == 503
        assert client.get("/v1/observations").status_code == 200  # a service that runs already goes on reading
        rebuild(database)
    assert client.get("/readyz").status_code == 200


def test_a_service_whose_formats_are_others_takes_no_publication(filled: Database) -> None:
    """An old version that still runs would add rows of the old format behind the rebuild."""
    before = derived(filled)
    with filled.write() as connection:
        connection.execute(update(DERIVED).where(DERIVED.c.resource == "regions").values(format=2))
    with pytest.raises(Unavailable, match="taken over the database"):
        publish(filled, written(vocabulary()))
    assert derived(filled) == before


def test_entity_tags_change_with_the_formats(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that has the old wording must not be told that it is current."""
    publish(database, written(vocabulary()))
    old = serving(database).get("/v1/indicators").headers["etag"]
    monkeypatch.setattr("app.api.representation.DATA_FORMATS", "of the next version")
    client = serving(database)
    assert client.get("/v1/indicators", headers={"If-None-Match": old}).status_code == 200
    assert client.get("/v1/indicators").headers["etag"] != old


def test_an_older_schema_gets_the_table_and_all_formats(filled: Database) -> None:
    before = derived(filled)
    filled.migrate("0001")
    database = Database(filled.url, bundled("migrations"))
    with pytest.raises(Refusal, match="has schema 0001, this software needs 0002"):
        database.require_current(DERIVED_FORMATS)
    database.migrate()
    with pytest.raises(Refusal, match="of observations in format none"):
        database.require_current(DERIVED_FORMATS)
    rebuild(database)
    database.require_current(DERIVED_FORMATS)
    database.close()
    assert derived(filled) == before
