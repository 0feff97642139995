"""What a failing database is to a client: busy, full, or a fault of ours; told apart by what the drivers really raise."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, QueuePool, create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from starlette.testclient import TestClient

from app.api.problems import add_handlers
from app.db.database import Database


@contextmanager
def raised() -> Iterator[list[SQLAlchemyError]]:
    """Keep what the database raises."""
    found: list[SQLAlchemyError] = []
    try:
        yield found
    except SQLAlchemyError as error:
        found.append(error)


def answer(error: SQLAlchemyError, path: str = "/v1/x") -> Any:
    """What a client is answered when a route meets that error."""
    app = FastAPI()
    add_handlers(app, {})

    @app.get(path)
    async def fails() -> None:
        raise error

    return TestClient(app, raise_server_exceptions=False).get(path)


def sqlite(folder: Path, **options: Any) -> Engine:
    """An SQLite database that waits for nobody."""
    connect = {"timeout": 0, "isolation_level": None}
    return create_engine(f"sqlite:///{folder}/x.db", module=pysqlite3, connect_args=connect, **options)


def test_a_locked_database_is_busy(tmp_path: Path) -> None:
    engine = sqlite(tmp_path)
    with engine.connect() as one, engine.connect() as other:
        one.exec_driver_sql("BEGIN IMMEDIATE")
        with raised() as found:
            other.exec_driver_sql("BEGIN IMMEDIATE")
    response = answer(found[0])
    assert (response.status_code, response.json()["type"]) == (503, "/problems/unavailable")
    assert response.headers["retry-after"] == "5"
    assert "locked" not in response.text
    assert answer(found[0], "/sdmx/3.0/x").status_code == 503


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with raised() as found, sqlite(tmp_path / "nowhere").connect():
        pass
    assert answer(found[0]).status_code == 503


def test_no_connection_in_time_is_unavailable(tmp_path: Path) -> None:
    engine = sqlite(tmp_path, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with engine.connect(), raised() as found, engine.connect():
        pass
    assert answer(found[0]).status_code == 503


def test_a_full_database_is_full(tmp_path: Path) -> None:
    with sqlite(tmp_path).connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 2")
        connection.exec_driver_sql("CREATE TABLE x (y)")
        with raised() as found:
            connection.exec_driver_sql("INSERT INTO x VALUES (zeroblob(100000))")
    response = answer(found[0])
    assert (response.status_code, response.json()["type"]) == (507, "/problems/insufficient-storage")


BUGS = ["SELECT * FROM nothing", "SELEC", "SELECT nothing FROM revision", "INSERT INTO revision (id) VALUES (1)"]


@pytest.mark.parametrize("statement", BUGS)
def test_a_fault_of_ours_is_not_the_database_being_busy(database: Database, statement: str) -> None:
    with raised() as found, database.engine.connect() as connection:
        connection.execute(text(statement))
    response = answer(found[0])
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal-error")
    assert "retry-after" not in response.headers
    assert "nothing" not in response.text


def test_conflicts_and_lost_connections_of_postgresql_are_busy(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("conflicts of PostgreSQL")
    engine = database.engine
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE x (y int)")
        connection.exec_driver_sql("INSERT INTO x VALUES (1)")
    with engine.connect() as one, engine.connect() as other:
        for connection in (one, other):
            connection.exec_driver_sql("SELECT y FROM x")
        one.exec_driver_sql("UPDATE x SET y = 2")
        one.commit()
        with raised() as conflict:
            other.exec_driver_sql("UPDATE x SET y = 3")
    assert answer(conflict[0]).status_code == 503
    with engine.connect() as one:
        driver: Any = one.connection.dbapi_connection
        with engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({driver.info.backend_pid})")
        with raised() as lost:
            one.exec_driver_sql("SELECT 1")
    assert answer(lost[0]).status_code == 503
    with raised() as away:
        create_engine(engine.url.set(port=1)).connect()
    assert answer(away[0]).status_code == 503


def test_a_full_disk_of_postgresql_is_full() -> None:
    full = OperationalError("INSERT", {}, psycopg.errors.DiskFull("could not extend file"))
    assert answer(full).status_code == 507
