"""The only file that tells SQLite from PostgreSQL."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import URL, Connection, DateTime, Engine, Float, Numeric, TypeDecorator, create_engine, event, make_url
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import ArgumentError

from app.errors import Refusal

OLDEST_SQLITE = (3, 51, 3)
"""Older libraries have the WAL-reset bug, which can corrupt a database."""

_PRAGMAS = ("busy_timeout = 5000", "foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL")

WRITER: Mapping[str, Any] = {"writer": True}
"""Execution options of a connection that will write."""


Number = Float(53).with_variant(Numeric(asdecimal=False), "sqlite")
"""The type of figures: 8 bytes of floating point. SQLite's NUMERIC gives integral ones back as integers, as people write them."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite would drop the time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  the signature is SQLAlchemy's
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  the signature is SQLAlchemy's
        """Back with the time zone."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def engine_for(url: str) -> Engine:
    """An engine for ``url``. Raises Refusal for a URL that is malformed, or an engine that is not supported or too old."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    return create_engine(parsed, pool_pre_ping=True)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Refusal("DATABASE_URL is not a database URL; expected something like sqlite:///./indicators.db") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise Refusal(f"DATABASE_URL names the engine {parsed.get_backend_name()!r}; expected sqlite or postgresql+psycopg")
    return parsed


def _sqlite(url: URL) -> Engine:
    if pysqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise Refusal(f"the SQLite library is {pysqlite3.sqlite_version}; at least {wanted} is needed")
    engine = create_engine(url, module=pysqlite3, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would leave DDL outside of transactions
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writer = connection.get_execution_options().get("writer", False)
    # a deferred transaction that turns into a write fails at once when another one wrote in between
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


def file_of(url: str) -> Path | None:
    """The file of an SQLite database, or None for a server or for memory."""
    parsed = _parse(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)


def state_of_file(path: Path) -> tuple[set[str], str | None]:
    """The tables of an SQLite file and its schema's version, read without changing it. Raises Refusal for any other file."""
    try:
        connection = pysqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            versions = connection.execute("SELECT version_num FROM alembic_version") if "alembic_version" in tables else ()
            return tables, next((version for (version,) in versions), None)
        finally:
            connection.close()
    except pysqlite3.DatabaseError:
        raise Refusal(f"{path} is not an SQLite database that can be read; it was left as it is") from None
