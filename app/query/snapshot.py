"""Revisions: the latest one, and the one that stood at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, column, func, select, table
from sqlalchemy.sql.elements import ColumnElement

from app.db.types import CELLS, Moment
from app.errors import Fault, InvalidParameters

AS_OF: BindParameter[int] = bindparam("as_of", required=False)
"""The revision that is read, where it is not the latest."""
_REVISION = table("revision", column("id"), column("published_at", Moment()))
_LATEST = "SELECT id, published_at, document_sha256 FROM revision ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Version:
    """What an answer depends on: the latest revision, when it was published (ISO 8601, UTC), the SHA-256 of its document."""

    revision: int
    published_at: str
    sha256: str


NOTHING_YET = Version(0, "1970-01-01T00:00:00Z", "")


def version(connection: Connection) -> Version:
    """The latest version of the data set. By the driver, as every answer needs it."""
    driver: Any = connection.connection.dbapi_connection
    found = driver.execute(_LATEST).fetchone()
    if found is None:
        return NOTHING_YET
    return Version(found[0], CELLS[connection.dialect.name]["datetime"](found[1]), found[2])


def moments(connection: Connection, revisions: Sequence[int]) -> dict[int, str]:
    """When these revisions were published, in UTC."""
    found = connection.execute(select(_REVISION).where(_REVISION.c.id.in_(revisions)))
    return {row.id: row.published_at.isoformat().replace("+00:00", "Z") for row in found}


def current_revision(connection: Connection) -> int:
    """The number of the latest revision; 0 before the first publication."""
    return version(connection).revision


def revision_at(connection: Connection, as_of: int | datetime, parameter: str = "as_of") -> int:
    """The revision of that number, or the one that stood at that moment; 0 before the first.

    Raises:
        InvalidParameters: for a number that there is not yet.
    """
    if isinstance(as_of, datetime):
        return _last(connection, _REVISION.c.published_at <= as_of)
    latest = current_revision(connection)
    if as_of > latest:
        fault = Fault(f"Expected a revision up to {latest}.", "unknown_revision", parameter=parameter, suggestion=str(latest))
        raise InvalidParameters("There is no such revision yet.", [fault])
    return as_of


def _last(connection: Connection, *where: ColumnElement[bool]) -> int:
    found: int = connection.execute(select(func.coalesce(func.max(_REVISION.c.id), 0)).where(*where)).scalar_one()
    return found
