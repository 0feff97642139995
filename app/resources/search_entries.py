"""The texts by which rows are found: an entry for each row of each resource, versioned as facts are."""

from sqlalchemy import Index
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import text


class SearchRow(SQLModel, table=True):
    """A text that held from a revision until another one. The index over it is made by the migrations, as each engine does it."""

    __tablename__ = "search_entry"
    __table_args__ = (Index(None, "resource", "key", "held_from", unique=True),)

    id: int = Stored(primary_key=True)
    resource: str
    key: str
    region: str | None
    title_en: str
    title_zh: str
    body: str = text()
    retired: bool
    held_from: int = Stored(foreign_key="revision.id")
    held_until: int | None = Stored(foreign_key="revision.id")
