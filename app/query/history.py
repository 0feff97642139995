"""The revision that is read."""

from sqlalchemy import Connection, column, func, select, table

_REVISION = table("revision", column("id"))


def current_revision(connection: Connection) -> int:
    """The number of the latest revision; 0 before the first publication."""
    found: int = connection.execute(select(func.coalesce(func.max(_REVISION.c.id), 0))).scalar_one()
    return found
