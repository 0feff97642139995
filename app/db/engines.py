"""Engines, their transactions, and what can be asked of a connection."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Any

import pysqlite3
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    QueuePool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from app.errors import Refusal, TimeLimitPassed

Opened = Callable[[], AbstractContextManager[Connection]]
"""Gives a connection to read one piece."""
OLDEST_SQLITE = (3, 51, 3)
"""Older libraries have the WAL-reset bug, which can corrupt a database."""

BUSY_MILLISECONDS = 5000
"""How long SQLite waits for a lock."""
_PRAGMAS = (
    "page_size = 8192",  # of a new database: ten rows as JSON a page, where SQLite's own 4096 bytes take five
    f"busy_timeout = {BUSY_MILLISECONDS}",
    "foreign_keys = ON",
    "journal_mode = WAL",
    "synchronous = FULL",
    "cache_size = -32000",  # 32 MB keep the upper levels of all indexes at hand, also over millions of rows
)
"""Of every connection."""
LARGE_CACHE = "PRAGMA cache_size = -256000"
"""Of the one connection that answers most reads: what they ask for again over millions of rows need not be copied from the file.
No more is taken than the database has."""

CONNECT: Mapping[str, int] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""How long a connection to a server may take to be made, and how soon one is given up whose other end is gone; unless the URL
says otherwise."""
NO_LIMIT = -1
"""Of connections: those who use them are limited, and to wait for one would count as a hanging database."""

WRITER: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {"writer": True},
    # a writer must see what was written while it waited its turn
    "postgresql": {"writer": True, "isolation_level": "READ COMMITTED"},
}
"""Execution options of a connection that will write."""
WRITER_LOCK = 0x726961


def engine_for(url: str) -> Engine:
    """An engine for ``url``. Raises Refusal for a URL that is malformed, or an engine that is not supported or too old."""
    found = parsed(url)
    return _sqlite(found) if found.get_backend_name() == "sqlite" else _postgresql(found)


def parsed(url: str) -> URL:
    """The parts of a database URL. Raises Refusal for one that is malformed, or of an engine that is not supported."""
    try:
        found = make_url(url)
    except ArgumentError:
        raise Refusal("DATABASE_URL is not a database URL; expected something like sqlite:///./indicators.db") from None
    if found.get_backend_name() not in ("sqlite", "postgresql"):
        raise Refusal(f"DATABASE_URL names the engine {found.get_backend_name()!r}; expected sqlite or postgresql+psycopg")
    return found


def _sqlite(url: URL) -> Engine:
    if pysqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise Refusal(f"the SQLite library is {pysqlite3.sqlite_version}; at least {wanted} is needed")
    # the connection that was used last is used next: it has its pages at hand, and others need none
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False}, "poolclass": QueuePool, "pool_use_lifo": True}
    engine = create_engine(url, module=pysqlite3, max_overflow=NO_LIMIT, **options)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _postgresql(url: URL) -> Engine:
    arguments = {name: value for name, value in CONNECT.items() if name not in url.query}
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "paramstyle": "format", "connect_args": arguments}
    try:
        engine = create_engine(url, pool_pre_ping=True, max_overflow=NO_LIMIT, **options)
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
    connection.create_function("written", 1, repr, deterministic=True)  # fractions, as Python writes them


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("writer", False):
        # a deferred transaction that turns into a write fails at once when another one wrote in between
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        driver: Any = connection.connection.dbapi_connection
        if not driver.in_transaction:  # a turn of the event loop may have begun one
            driver.execute("BEGIN")  # by the driver itself: it waits for nobody


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


_BUSY = {5, 6, 7, 8, 10, 14, 15}
"""Primary result codes of SQLite that pass: BUSY, LOCKED, NOMEM, READONLY, IOERR, CANTOPEN, PROTOCOL."""


def is_unavailable(error: DBAPIError) -> bool:
    """Return whether the database cannot be used at the moment; else it is a fault of ours.

    SQLite's driver raises OperationalError for both (an unknown table, a lock), and only its codes tell them apart.
    """
    if isinstance(error.orig, pysqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _BUSY
    return isinstance(error, OperationalError | InterfaceError)
