"""The texts that the search looks into: one row for each entity, indicator, source and current observation."""

from sqlalchemy import Index
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.resources.shared import text


class SearchRow(SQLModel, table=True):
    """One text that can be found. The index over it is made by the migrations, as each database does it."""

    __tablename__ = "search_entry"
    __table_args__ = (Index(None, "resource", "key", unique=True), Index(None, "source"))

    id: int = Stored(primary_key=True)
    resource: str
    key: str
    source: str = Stored(foreign_key="source.id")
    region: str | None
    title_en: str
    title_zh: str
    body: str = text()
