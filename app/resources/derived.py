"""The formats of derived data: JSON rows, statements and search entries, by resource."""

from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.resources.mixins import CLUSTERED


class DerivedRow(SQLModel, table=True):
    """The format of one kind of derived data of one resource.

    ``position`` is the id of the last row that an unfinished rebuild has written in this format; null where all are.
    """

    __tablename__ = "derived"
    __table_args__ = (CLUSTERED,)

    kind: str = Stored(primary_key=True)
    resource: str = Stored(primary_key=True)
    format: int
    position: str | None
