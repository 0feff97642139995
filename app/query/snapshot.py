"""Snapshots: one read transaction, the version of the data that it sees, and the language of names and texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, column, func, select, table
from sqlalchemy.sql.elements import ColumnElement

from app.db.types import CELLS, Moment, moment_text
from app.domain.dataset import RowForm
from app.errors import Fault, InvalidParameters
from app.resources.base import Lang

AS_OF: BindParameter[int] = bindparam("as_of", required=False)
"""The revision to read, where it is not the latest."""
_REVISION = table("revision", column("id"), column("published_at", Moment()))
_LATEST = "SELECT id, published_at, document_sha256 FROM revision ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Version:
    """The version of the data set: its latest revision, when that was published (ISO 8601, UTC), its document's SHA-256."""

    revision: int
    published_at: str
    sha256: str


EMPTY = Version(0, "1970-01-01T00:00:00Z", "")
"""The version before the first publication."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A read transaction at one version of the data. Everything that one response says is read from one snapshot.

    Attributes:
        connection: The connection that the transaction is open on.
        version: The version that it sees, read once.
        lang: The language of names, summaries and statements.
        form: The form in which rows are wanted, where they are available in it.
        is_hurried: Whether the event loop waits: work of more than some milliseconds raises TimeLimitPassed, and is
            started again in a thread.
    """

    connection: Connection
    version: Version
    lang: Lang
    form: RowForm = "cells"
    is_hurried: bool = False

    @classmethod
    def of(cls, connection: Connection, lang: Lang = "en", *, is_hurried: bool = False) -> "Snapshot":
        """Return the snapshot that ``connection`` sees."""
        return cls(connection, latest_version(connection), lang, is_hurried=is_hurried)

    @property
    def revision(self) -> int:
        """The latest revision."""
        return self.version.revision


def latest_version(connection: Connection) -> Version:
    """Return the latest version of the data.

    The driver reads it: SQLAlchemy's execution would cost a tenth of a short page.
    """
    driver: Any = connection.connection.dbapi_connection
    row = driver.execute(_LATEST).fetchone()
    return EMPTY if row is None else _version(row, connection.dialect.name)


@lru_cache(maxsize=8)
def _version(row: tuple[Any, ...], dialect: str) -> Version:
    return Version(row[0], CELLS[dialect]["datetime"](row[1]), row[2])


def moments(snapshot: Snapshot, revisions: Sequence[int]) -> dict[int, str]:
    """Return when these revisions were published, in UTC."""
    rows = snapshot.connection.execute(select(_REVISION).where(_REVISION.c.id.in_(revisions)))
    return {row.id: moment_text(row.published_at) for row in rows}


def revision_at(snapshot: Snapshot, as_of: int | datetime, parameter: str = "as_of") -> int:
    """Return the revision of that number, or the latest at that moment, or 0.

    Raises:
        InvalidParameters: if no revision has that number yet.
    """
    if isinstance(as_of, datetime):
        return _last(snapshot.connection, _REVISION.c.published_at <= as_of)
    latest = snapshot.revision
    if as_of > latest:
        fault = Fault(f"Expected a revision up to {latest}.", "unknown_revision", parameter=parameter, suggestion=str(latest))
        raise InvalidParameters("There is no such revision yet.", [fault])
    return as_of


def _last(connection: Connection, *where: ColumnElement[bool]) -> int:
    revision: int = connection.execute(select(func.coalesce(func.max(_REVISION.c.id), 0)).where(*where)).scalar_one()
    return revision
