"""Revisions: the latest one, and the one that stood at a moment."""

from datetime import datetime

from sqlalchemy import Connection, column, func, select, table
from sqlalchemy.sql.elements import ColumnElement

from app.dialects import Moment
from app.errors import Fault, InvalidParameters

_REVISION = table("revision", column("id"), column("published_at", Moment()))


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
