"""The database: readers, the one writer, and the check that it is ours and of the right version."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError, OperationalError

from app.dialects import WRITER, engine_for, file_of, tables_of_file
from app.errors import Refusal

OURS = frozenset({"alembic_version", "source", "revision", "entity", "observation"})
"""Tables by which a database is known to be one of this service."""


class Database:
    """One database, from a URL."""

    def __init__(self, url: str, migrations: Path) -> None:
        """``migrations`` is the folder of the Alembic environment. Opens nothing yet."""
        self.url = url
        self.engine = engine_for(url)
        self.scripts = Config()
        self.scripts.set_main_option("script_location", str(migrations).replace("%", "%%"))
        self.scripts.attributes["database"] = self

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection within one transaction that only reads: everything seen is of one moment."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection within one transaction that writes: all of it happens, or nothing."""
        with self.engine.connect().execution_options(**WRITER) as connection, connection.begin():
            yield connection

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to ``revision``, creating the database if need be. Raises Refusal for one that is not ours."""
        self._refuse_foreign()
        if revision == "base" or revision.startswith("-"):
            command.downgrade(self.scripts, revision)
        else:
            command.upgrade(self.scripts, revision)

    def require_current(self) -> None:
        """Raise Refusal, with one clear line, unless the database is there, ours and of this version's schema."""
        path = file_of(self.url)
        if path is not None and (not path.exists() or path.stat().st_size == 0):
            state = "is empty" if path.exists() else "does not exist"
            raise Refusal(f"the database {path} {state}; run `indicators migrate` first")
        self._refuse_foreign()
        head = ScriptDirectory.from_config(self.scripts).get_current_head()
        version = self._version()
        if version != head:
            raise Refusal(f"the database has schema {version or 'none'}, this software needs {head}; run `indicators migrate`")

    def _refuse_foreign(self) -> None:
        path = file_of(self.url)
        if path is not None and not path.exists():
            return
        tables = tables_of_file(path) if path is not None else self._tables()
        if tables and not tables >= OURS:
            raise Refusal(f"the database {self.engine.url!r} belongs to another program; it was left as it is")
        if tables and self._version() not in {None, *self._known_versions()}:
            raise Refusal(
                f"the database was made by a newer version of this software (schema {self._version()}); upgrade the "
                "software to use it"
            )

    def _known_versions(self) -> set[str]:
        return {script.revision for script in ScriptDirectory.from_config(self.scripts).walk_revisions()}

    def _tables(self) -> set[str]:
        with self._reached() as connection:
            return set(inspect(connection).get_table_names())

    def _version(self) -> str | None:
        with self._reached() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    @contextmanager
    def _reached(self) -> Iterator[Connection]:
        try:
            with self.read() as connection:
                yield connection
        except (OperationalError, DBAPIError):
            raise Refusal(f"the database {self.engine.url!r} cannot be reached") from None
