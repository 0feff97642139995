"""The database: read and write transactions, migration, and the check of owner and schema version."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from app.db.engines import WRITER, Opened, Watch, engine_for, time_limit
from app.db.files import file_of, is_writable, size_of, state_of_file, wal_bytes
from app.errors import Refusal, TimeLimitPassed
from app.limits import MAX_WAL

Found = TypeVar("Found")

_PUBLICATIONS = "SELECT max(id), sum(CASE WHEN action = 'retracted' THEN 1 ELSE 0 END) FROM revision"
CHECK_SECONDS = 5.0
"""Time limit, in seconds, of statements that only check the database itself."""
_STORED_FORMATS = "SELECT kind, resource, format FROM derived WHERE position IS NULL"
OURS = frozenset({"alembic_version", "source", "revision", "entity", "observation"})
"""Tables that a database of this service has."""


def stored_formats(connection: Connection) -> dict[tuple[str, str], int]:
    """Return the formats of derived data, without those that are being rebuilt."""
    return {(kind, resource): number for kind, resource, number in connection.exec_driver_sql(_STORED_FORMATS)}


class Database:
    """A database, by URL."""

    def __init__(self, url: str, migrations: Path) -> None:
        """Create an engine for ``url``, without connecting.

        ``migrations`` is the folder of the Alembic environment.
        """
        self.url = url
        self.engine = engine_for(url)
        self.scripts = Config()
        self.scripts.set_main_option("script_location", str(migrations).replace("%", "%%"))
        self.scripts.attributes["database"] = self
        self._watch: Watch | None = None

    @contextmanager
    def read(self, seconds: float | None = None) -> Iterator[Connection]:
        """Yield a connection in one read transaction, and so of one snapshot.

        Raises:
            TimeLimitPassed: when a statement is stopped because it still runs after ``seconds``.
        """
        with self.engine.connect() as connection, connection.begin(), time_limit(connection, seconds):
            yield connection

    @contextmanager
    def snapshot(self, seconds: float | None = None) -> Iterator[Opened]:
        """Yield a function that opens a connection in one transaction: one snapshot.

        ``seconds`` limits each use. While a snapshot is held, SQLite cannot checkpoint its write-ahead log, and PostgreSQL cannot
        vacuum rows deleted since: do not wait for a client while holding one.
        """
        with self.engine.connect() as connection, connection.begin():

            @contextmanager
            def opened() -> Iterator[Connection]:
                with time_limit(connection, seconds):
                    yield connection

            yield opened

    @contextmanager
    def write(self, *, keep: bool = True) -> Iterator[Connection]:
        """Yield a connection in one write transaction.

        It is rolled back on errors and, for a dry run, if not ``keep``.
        """
        writer = WRITER[self.engine.dialect.name]
        with self.engine.connect().execution_options(**writer) as connection, connection.begin() as transaction:
            yield connection
            if not keep:
                transaction.rollback()

    def data_version(self) -> object:
        """Return a value that changes with every commit of any process.

        Cheap on SQLite, a short query on PostgreSQL.
        """
        if self._watch is None:
            self._watch = Watch(self.engine)
        try:
            return self._watch.look()
        except Exception:
            self._watch = None
            raise

    def figures(self) -> dict[str, tuple[str, float]]:
        """Return metrics of the database: description and value by name."""
        with self.read(CHECK_SECONDS) as connection:
            latest, retracted = connection.exec_driver_sql(_PUBLICATIONS).one()
            size = size_of(connection)
        return {
            "revision": ("The latest revision.", latest or 0),
            "publications_total": ("Accepted publications.", (latest or 0) - (retracted or 0)),
            "retractions_total": ("Retractions.", retracted or 0),
            "database_bytes": ("Size of the database.", size),
            "wal_bytes": ("Size of the write-ahead log.", wal_bytes(self.url)),
        }

    def obstacle(self) -> str | None:
        """Return the reason why the database cannot take a publication, or None if it can."""
        if wal_bytes(self.url) > MAX_WAL:
            return "the write-ahead log is not taken over"
        return None if is_writable(self.engine) else "the database cannot be written to"

    @property
    def is_local(self) -> bool:
        """True if a short read takes less time than handing it to another thread."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close every connection."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self.engine.dispose()

    def migrate(self, revision: str = "head") -> None:
        """Migrate the schema to ``revision``; create the database if it does not exist.

        Raises:
            Refusal: for a database of another program or a newer version, or an unknown revision.
        """
        tables, version = self._state()
        self._refuse_foreign(tables, version)
        back = {"base", *self._versions(version or "base")} - {version}
        try:
            (command.downgrade if revision in back or revision.startswith("-") else command.upgrade)(self.scripts, revision)
        except CommandError:
            raise Refusal(f"there is no schema {revision}; expected head, base, a revision, or -1 for one back") from None

    def require_current(self, formats: Mapping[tuple[Any, str], int]) -> None:
        """Raise Refusal unless schema and ``formats`` of derived data are current.

        Its message is one line that says what to do.
        """
        path = file_of(self.url)
        if path is not None and (not path.exists() or path.stat().st_size == 0):
            state = "is empty" if path.exists() else "does not exist"
            raise Refusal(f"the database {path} {state}; run `indicators migrate` first")
        tables, version = self._state()
        self._refuse_foreign(tables, version)
        head = ScriptDirectory.from_config(self.scripts).get_current_head()
        if version != head:
            raise Refusal(f"the database has schema {version or 'none'}, this software needs {head}; run `indicators migrate`")
        stored = self._look(stored_formats)
        for (kind, resource), number in formats.items():
            if (other := stored.get((kind, resource))) != number:
                was = f"{kind} of {resource} in format {'none' if other is None else other}"
                raise Refusal(f"the database has {was}, this software needs {number}; run `indicators migrate`")

    def require_ours(self) -> None:
        """Raise Refusal for a database of another program."""
        self._refuse_foreign(*self._state())

    def _refuse_foreign(self, tables: set[str], version: str | None) -> None:
        if not tables - {"alembic_version"} and version is None:
            return
        if not tables >= OURS:
            raise Refusal(f"the database {self.engine.url!r} belongs to another program; it was left as it is")
        if version not in self._versions():
            raise Refusal(f"the database was made by a newer version of this software (schema {version}); upgrade the software")

    def _versions(self, last: str = "head") -> set[str]:
        """Return the versions of the schema up to ``last``."""
        return {script.revision for script in ScriptDirectory.from_config(self.scripts).walk_revisions(head=last)}

    def _state(self) -> tuple[set[str], str | None]:
        """Return the tables and the schema version, without changing anything."""
        path = file_of(self.url)
        if path is not None:
            return state_of_file(path) if path.exists() else (set(), None)
        return self._look(
            lambda connection: (
                set(inspect(connection).get_table_names()),
                MigrationContext.configure(connection).get_current_revision(),
            )
        )

    def _look(self, work: Callable[[Connection], Found]) -> Found:
        """Call ``work`` with a connection. Raises Refusal if the database is away."""
        try:
            with self.read(CHECK_SECONDS) as connection:
                return work(connection)
        except (DBAPIError, TimeLimitPassed):
            raise Refusal(f"the database {self.engine.url!r} cannot be reached") from None
