"""Revisions: the latest one, and the one that stood at a moment."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, column, func, select, table
from sqlalchemy.sql.elements import ColumnElement

from app.dialects import Moment
from app.errors import Fault, InvalidParameters

_REVISION = table("revision", column("id"), column("published_at", Moment()), column("document_sha256"))


@dataclass(frozen=True, slots=True)
class Version:
    """The latest revision, when it was published, and the SHA-256 of its document; what an answer depends on."""

    revision: int
    published_at: datetime
    sha256: str


NOTHING_YET = Version(0, datetime(1970, 1, 1, tzinfo=UTC), "")


def version(connection: Connection) -> Version:
    """The latest version of the data set."""
    latest = (
        select(_REVISION.c.id, _REVISION.c.published_at, _REVISION.c.document_sha256).order_by(_REVISION.c.id.desc()).limit(1)
    )
    found = connection.execute(latest).first()
    return Version(*found) if found is not None else NOTHING_YET


def current_revision(connection: Connection) -> int:
    """The number of the latest revision; 0 before the first publication."""
    return _last(connection)


def revision_at(connection: Connection, as_of: int | datetime, parameter: str = "as_of") -> int:
    """The revision of that number, or the one that stood at that moment; 0 before the first.

    Raises:
        InvalidParameters: for a number that there is not yet.
    """
    if isinstance(as_of, datetime):
        return _last(connection, _REVISION.c.published_at <= as_of)
    latest = _last(connection)
    if as_of > latest:
        fault = Fault(f"Expected a revision up to {latest}.", "unknown_revision", parameter=parameter, suggestion=str(latest))
        raise InvalidParameters("There is no such revision yet.", [fault])
    return as_of


def _last(connection: Connection, *where: ColumnElement[bool]) -> int:
    found: int = connection.execute(select(func.coalesce(func.max(_REVISION.c.id), 0)).where(*where)).scalar_one()
    return found
