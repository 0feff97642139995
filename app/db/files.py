"""Database files: path, size, write access, schema version, integrity, and copies."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import (
    Connection,
    Engine,
)

from app.db.engines import BUSY_MILLISECONDS, parse_url
from app.errors import Refusal


def file_of(url: str) -> Path | None:
    """Return the file of an SQLite database; None for a server or in memory."""
    address = parse_url(url)
    if address.get_backend_name() != "sqlite" or not address.database or address.database == ":memory:":
        return None
    return Path(address.database)


def state_of_file(path: Path) -> tuple[set[str], str | None]:
    """Return tables and schema version of an SQLite file, opened read-only.

    Raises Refusal for any other file.
    """
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


_NOTHING_NEW = "UPDATE alembic_version SET version_num = version_num"
_SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_database_size(current_database())",
}


def size_of(connection: Connection) -> int:
    """Return the size of the database in bytes."""
    size: int = connection.exec_driver_sql(_SIZE[connection.dialect.name]).scalar_one()
    return size


def wal_bytes(url: str) -> int:
    """Return the bytes of an SQLite file's write-ahead log; 0 for other databases."""
    path = file_of(url)
    log = path.with_name(path.name + "-wal") if path is not None else None
    return log.stat().st_size if log is not None and log.exists() else 0


def is_writable(engine: Engine) -> bool:
    """Return whether a transaction could write, perhaps after one that is writing."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "off")
    path = file_of(str(engine.url))
    # on a file system that became read-only, only the commit would fail
    if path is not None and path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return False
    raw: Any = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA busy_timeout = 0")  # a lock shows that writing works: no need to wait for it
        raw.cursor().execute("BEGIN IMMEDIATE").execute(_NOTHING_NEW).execute("ROLLBACK")
    except pysqlite3.OperationalError as error:
        return "locked" in str(error)
    else:
        return True
    finally:
        raw.cursor().execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        raw.close()


def copy_file(source: Path, target: Path) -> None:
    """Copy a snapshot of an SQLite database over ``target``, in one transaction.

    The source may be in use.
    """
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
    """Return the faults of an SQLite file, and row counts of existing ``tables``."""
    connection = pysqlite3.connect(path)
    try:
        faults = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        faults += [f"{row[0]} refers to a missing {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")]
        existing = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        present = [table for table in tables if table in existing]
        return faults, {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  our own names
            for table in present
        }
    except pysqlite3.DatabaseError as error:
        return [str(error)], {}
    finally:
        connection.close()
