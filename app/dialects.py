"""The only file that tells SQLite from PostgreSQL."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pysqlite3
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    Float,
    Numeric,
    String,
    TextClause,
    TypeDecorator,
    UnaryExpression,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.sql.operators import custom_op

from app.errors import Refusal, TimeLimitPassed

OLDEST_SQLITE = (3, 51, 3)
"""Older libraries have the WAL-reset bug, which can corrupt a database."""

_PRAGMAS = ("busy_timeout = 5000", "foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL")

WRITER: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {"writer": True},
    # a writer must see what was written while it waited its turn
    "postgresql": {"writer": True, "isolation_level": "READ COMMITTED"},
}
"""Execution options of a connection that will write."""
WRITER_LOCK = 0x726961


Number = Float(53).with_variant(Numeric(asdecimal=False), "sqlite")
"""The type of figures: 8 bytes of floating point. SQLite's NUMERIC gives integral ones back as integers, as people write them."""


PlainText = String().with_variant(String(collation="C"), "postgresql")
"""The type of text: compared and sorted by code points, as SQLite does."""


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
    return _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)


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


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True, isolation_level="REPEATABLE READ", paramstyle="format")
    except ModuleNotFoundError:
        raise Refusal("PostgreSQL needs psycopg: install regional-indicators[postgresql]") from None
    event.listen(engine, "begin", _take_turns)
    return engine


def _take_turns(connection: Connection) -> None:
    """Writers one after the other, as SQLite's; the lock ends with the transaction."""
    if connection.get_execution_options().get("writer", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would leave DDL outside of transactions
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writer = connection.get_execution_options().get("writer", False)
    # a deferred transaction that turns into a write fails at once when another one wrote in between
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")


VERSION = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT max(id) FROM revision"}
STEPS = 2000
"""Steps of SQLite's machine between two looks at the clock: a few tens of microseconds."""


class Watch:
    """A connection of its own that sees, outside of any transaction, whether others have committed."""

    def __init__(self, engine: Engine) -> None:
        """Opens the connection."""
        self._statement = VERSION[engine.dialect.name]
        self._connection = engine.raw_connection()
        if engine.dialect.name == "postgresql":
            driver: Any = self._connection.dbapi_connection
            driver.rollback()
            driver.autocommit = True

        self._cursor = self._connection.cursor()

    def look(self) -> object:
        """A value that changes with every commit of another connection."""
        self._cursor.execute(self._statement)
        return self._cursor.fetchone()

    def close(self) -> None:
        """Close the connection for good."""
        self._connection.invalidate()


@contextmanager
def time_limit(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Stop statements that are still running after ``seconds``. Raises TimeLimitPassed when one was."""
    if seconds is None:
        yield
    elif connection.dialect.name == "sqlite":
        deadline = monotonic() + seconds
        driver: Any = connection.connection.dbapi_connection
        driver.set_progress_handler(lambda: monotonic() > deadline, STEPS)
        try:
            yield
        except (pysqlite3.OperationalError, OperationalError) as error:
            if "interrupted" not in str(error):
                raise
            raise TimeLimitPassed from None
        finally:
            driver.set_progress_handler(None, 0)
    else:
        try:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
            yield
        except Exception as error:
            if type(getattr(error, "orig", error)).__name__ != "QueryCanceled":
                raise
            raise TimeLimitPassed from None


def is_disk_full(error: DBAPIError) -> bool:
    """Whether the database refused because there is no room left."""
    return "database or disk is full" in str(error.orig) or type(error.orig).__name__ == "DiskFull"


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


_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_database_size(current_database())",
}


def size_of(connection: Connection) -> int:
    """Bytes of the database."""
    size: int = connection.exec_driver_sql(_SIZE[connection.dialect.name]).scalar_one()
    return size


def wal_bytes(url: str) -> int:
    """Bytes of the write-ahead log beside an SQLite file; 0 for other databases, which keep theirs to themselves."""
    path = file_of(url)
    log = path.with_name(path.name + "-wal") if path is not None else None
    return log.stat().st_size if log is not None and log.exists() else 0


def is_writable(engine: Engine) -> bool:
    """Whether a transaction could write now; a database that another one writes to is."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "off")
    raw: Any = engine.raw_connection()
    try:
        raw.cursor().execute("BEGIN IMMEDIATE").execute("ROLLBACK")
    except pysqlite3.OperationalError as error:
        return "locked" in str(error)
    else:
        return True
    finally:
        raw.close()


def copy_file(source: Path, target: Path) -> None:
    """Copy an SQLite database as of one moment, while it may be in use; over what ``target`` has, in one transaction."""
    origin = pysqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
    copy = pysqlite3.connect(target)
    try:
        copy.execute("PRAGMA busy_timeout = 5000")
        copy.execute("PRAGMA synchronous = FULL")
        origin.backup(copy)
    except pysqlite3.DatabaseError as error:
        raise Refusal(f"{source} cannot be copied to {target}: {error}") from None
    finally:
        copy.close()
        origin.close()


def counts_of_file(path: Path, tables: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """What is wrong with an SQLite file, and the rows of those of ``tables`` that it has."""
    connection = pysqlite3.connect(path)
    try:
        faults = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        faults += [f"{row[0]} refers to a missing {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")]
        known = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        present = [table for table in tables if table in known]
        return faults, {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  our own names
            for table in present
        }
    except pysqlite3.DatabaseError as error:
        return [str(error)], {}
    finally:
        connection.close()


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _moment_of_text(text: str) -> str:
    return text.replace(" ", "T") + "Z"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


CELLS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "sqlite": {"boolean": bool, "strings": _lines, "datetime": _moment_of_text},
    "postgresql": {"strings": _lines, "datetime": _moment, "date": date.isoformat, "number": _whole},
}
"""What makes cells of the driver's values, by type of column; the other types are as the driver gives them."""


def unindexed(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """The column such that no index of it is used: SQLite then goes through the rows in the order that is asked for."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type) if dialect == "sqlite" else column


_APPEND_ONLY_DDL: Mapping[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER {{table}}_no_{verb} BEFORE {verb} ON {{table}}"
        " BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("update", "delete")
    ),
    "postgresql": (
        """CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$""",
        """CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()""",
    ),
}


def append_only_ddl(dialect: str, table: str) -> tuple[str, ...]:
    """The statements that keep rows of ``table`` from being changed or deleted, for migrations."""
    return tuple(statement.format(table=table) for statement in _APPEND_ONLY_DDL[dialect])


# -- the search index ------------------------------------------------------------------------------------------------------

_INDEX_DDL: Mapping[str, tuple[str, ...]] = {
    "sqlite": (
        """CREATE VIRTUAL TABLE search_index USING fts5(
            title, body, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 0"
        )""",
    ),
    "postgresql": (
        """CREATE TABLE search_index (
            rowid integer PRIMARY KEY REFERENCES search_entry (id) ON DELETE CASCADE, title text[] NOT NULL, body text[] NOT NULL
        )""",
        "CREATE INDEX ix_search_index_body ON search_index USING gin (body)",
    ),
}
_INDEX: Mapping[str, str] = {
    "sqlite": "INSERT INTO search_index (rowid, title, body) VALUES (:id, :title, :body)",
    "postgresql": """INSERT INTO search_index (rowid, title, body)
        VALUES (:id, string_to_array(:title, ' '), string_to_array(:title || ' ' || :body, ' '))""",
}
_FOUND: Mapping[str, str] = {
    "sqlite": "SELECT rowid, -bm25(search_index, 8.0, 1.0) AS score FROM search_index WHERE search_index MATCH :tokens",
    "postgresql": """SELECT rowid,
            (CASE WHEN title @> string_to_array(:tokens, ' ') THEN 8.0 ELSE 1.0 END) / cardinality(body) AS score
        FROM search_index WHERE body @> string_to_array(:tokens, ' ')""",
}


def search_index_ddl(dialect: str) -> tuple[str, ...]:
    """The statements that make the search index, for migrations."""
    return _INDEX_DDL[dialect]


def index_texts(connection: Connection, texts: Sequence[Mapping[str, Any]]) -> None:
    """Index the tokens, separated by spaces, of ``title`` and ``body`` under the ``id`` of a search entry."""
    if texts:
        connection.execute(text(_INDEX[connection.dialect.name]), texts)


def unindex_texts(connection: Connection, ids: Sequence[int]) -> None:
    """Take search entries out of the index."""
    if ids:
        connection.execute(text("DELETE FROM search_index WHERE rowid = :id"), [{"id": each} for each in ids])


def found_texts(connection: Connection, tokens: Sequence[str]) -> TextClause:
    """A statement of ``rowid`` and ``score`` (greater is better) of the search entries that have all ``tokens``.

    Tokens are words: letters and digits alone, so that none of them can be an operator.
    """
    joined = " ".join(f'"{token}"' for token in tokens) if connection.dialect.name == "sqlite" else " ".join(tokens)
    return text(_FOUND[connection.dialect.name]).bindparams(tokens=joined)
