"""Search entries: the searchable text of every row of every resource, versioned like facts."""

from sqlalchemy import Index
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import text


class SearchRow(SQLModel, table=True):
    """Searchable texts, each valid from one revision until another.

    The migrations create the full-text index over it, which differs by engine.
    """

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
