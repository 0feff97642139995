"""SQLAlchemy engines for SQLite and PostgreSQL: transactions, time limits, detection of commits, classes of errors."""

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
"""A function that opens a connection for one read of a snapshot."""
OLDEST_SQLITE = (3, 51, 3)
"""The oldest supported SQLite library: older ones have the WAL-reset bug, which can corrupt a database."""

BUSY_MILLISECONDS = 5000
"""Milliseconds that SQLite waits for a lock."""
_PRAGMAS = (
    "page_size = 8192",  # of a new database: ten JSON rows fit a page; in SQLite's default of 4096 bytes, five
    f"busy_timeout = {BUSY_MILLISECONDS}",
    "foreign_keys = ON",
    "journal_mode = WAL",
    "synchronous = FULL",
    "cache_size = -32000",  # 32 MB hold the upper levels of all indexes, even with millions of rows
)
"""Settings of every SQLite connection."""
LARGE_CACHE = "PRAGMA cache_size = -256000"
"""Setting of the connection that serves most reads: a cache of 256 MB, so that repeated reads of millions of rows do not copy
pages from the file. SQLite allocates no more than the size of the database."""

CONNECT: Mapping[str, int] = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Timeouts of connections to a server (seconds; ``tcp_user_timeout`` in milliseconds) unless the URL sets others: to connect, and
to give up a dead peer."""
NO_LIMIT = -1
"""No limit on pooled connections: their users are limited, and waiting for one would look like a hanging database."""

WRITER: Mapping[str, Mapping[str, Any]] = {
    "sqlite": {"writer": True},
    # a writer must see what others committed while it waited for the lock
    "postgresql": {"writer": True, "isolation_level": "READ COMMITTED"},
}
"""Execution options of write transactions, by dialect."""
WRITER_LOCK = 0x726961
"""The key of PostgreSQL's advisory lock for writers ("ria" in ASCII)."""


def engine_for(url: str) -> Engine:
    """Create an engine for ``url``.

    Raises Refusal if the URL is malformed, or the engine unsupported or too old.
    """
    address = parse_url(url)
    return _sqlite(address) if address.get_backend_name() == "sqlite" else _postgresql(address)


def parse_url(url: str) -> URL:
    """Parse a database URL. Raises Refusal if it is malformed or not supported."""
    try:
        address = make_url(url)
    except ArgumentError:
        raise Refusal("DATABASE_URL is not a database URL; expected something like sqlite:///./indicators.db") from None
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise Refusal(f"DATABASE_URL names the engine {address.get_backend_name()!r}; expected sqlite or postgresql+psycopg")
    return address


def _sqlite(url: URL) -> Engine:
    if pysqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise Refusal(f"the SQLite library is {pysqlite3.sqlite_version}; at least {oldest} is needed")
    # LIFO: the last used connection has its pages cached, and spares the others from caching them
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
    event.listen(engine, "begin", _lock_writer)
    return engine


def _lock_writer(connection: Connection) -> None:
    """Serialise write transactions, as SQLite does. The lock ends with each."""
    if connection.get_execution_options().get("writer", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would leave DDL outside of transactions
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("writer", False):
        # a deferred transaction that upgrades to a write fails at once if another one wrote in between
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        driver: Any = connection.connection.dbapi_connection
        if not driver.in_transaction:  # reads of one loop iteration share a transaction
            driver.execute("BEGIN")  # directly on the driver: a deferred BEGIN takes no lock


VERSION = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT max(id) FROM revision"}
"""The statement by dialect whose result changes with every commit of another connection."""
STEPS = 2000
"""Instructions of SQLite's virtual machine between two checks of the time limit: a few tens of microseconds."""


class Watch:
    """A dedicated connection, outside of any transaction, that detects commits of others."""

    def __init__(self, engine: Engine) -> None:
        """Open the connection."""
        self._statement = VERSION[engine.dialect.name]
        self._connection = engine.raw_connection()
        if engine.dialect.name == "postgresql":
            driver: Any = self._connection.dbapi_connection
            driver.rollback()
            driver.autocommit = True

        self._cursor = self._connection.cursor()

    def look(self) -> object:
        """Return a value that changes with every commit of another connection."""
        self._cursor.execute(self._statement)
        return self._cursor.fetchone()

    def close(self) -> None:
        """Close the connection for good."""
        self._connection.invalidate()


@contextmanager
def time_limit(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Stop statements that still run after ``seconds``. Raises TimeLimitPassed."""
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
    """Return whether the error means that the disk is full."""
    return "database or disk is full" in str(error.orig) or type(error.orig).__name__ == "DiskFull"


_BUSY = {5, 6, 7, 8, 10, 14, 15}
"""Primary result codes of SQLite that are temporary: BUSY, LOCKED, NOMEM, READONLY, IOERR, CANTOPEN, PROTOCOL."""


def is_unavailable(error: DBAPIError) -> bool:
    """Return whether the database is temporarily unavailable; else it is our bug.

    SQLite's driver raises OperationalError for both (a lock, an unknown table); only its result codes distinguish them.
    """
    if isinstance(error.orig, pysqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _BUSY
    return isinstance(error, OperationalError | InterfaceError)
