"""Sources: the published texts that documents transcribe."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import text
from app.resources.base import At, Include, ListQuery, PublicRow, Resource, Where
from app.resources.mixins import CLUSTERED, Before, TypeFilter, one_of
from app.resources.parameter_types import Day, Flag, Ids

SourceType = Literal["article", "report", "web_page", "vocabulary"]


class SourceRow(SQLModel, table=True):
    """Published texts; lists are stored as lines."""

    __tablename__ = "source"
    __table_args__ = (one_of("type", SourceType), CLUSTERED)

    id: str = Stored(primary_key=True)
    type: str
    title: str
    title_en: str
    title_zh: str
    publisher_en: str
    publisher_zh: str
    published_on: date | None
    published_time: str | None
    language: str
    author: str | None
    photographer: str | None
    url: str | None
    sha256: str | None
    views: int | None
    comments: int | None
    occasion_en: str | None = text(null=True)
    occasion_zh: str | None = text(null=True)
    speakers_en: str = text()
    speakers_zh: str = text()
    not_stated_en: str = text()
    not_stated_zh: str = text()
    revision: int = Stored(foreign_key="revision.id")
    retired: bool


class SourceBefore(Before, table=True):
    """Earlier states of sources."""

    __tablename__ = "source_before"
    __table_args__ = (CLUSTERED,)

    published_on: date | None


class Source(PublicRow):
    """One published text, with the metadata of its page."""

    id: str = Field(description="Stable id, unique among sources.")
    type: SourceType = Field(description="Type of the text; a `vocabulary` states no facts.")
    title: str = Field(description="Title, as written.")
    title_translated: Annotated[str, At("title_{lang}")] = Field(description="Title in the requested language.")
    publisher: Annotated[str, At("publisher_{lang}")] = Field(description="Name of the publisher.")
    published_on: date | None = Field(description="The date of publication.")
    published_time: str | None = Field(description="The time of day of publication as the page gives it, without time zone.")
    language: str = Field(description="Language, as a BCP 47 tag.")
    author: str | None = Field(description="The author that the page names, as written.")
    photographer: str | None = Field(description="The person credited with its pictures, as written.")
    url: str | None = Field(description="Address of the publication, if known.")
    sha256: str | None = Field(description="SHA-256 of the exact text that the line numbers refer to.")
    views: int | None = Field(description="Number of views shown on the page.")
    comments: int | None = Field(description="Number of comments shown on the page.")
    occasion: Annotated[str | None, At("occasion_{lang}")] = Field(description="The event that it reports on.")
    speakers: Annotated[list[str], At("speakers_{lang}")] = Field(description="Persons whom it quotes: id, name and office.")
    not_stated: Annotated[list[str], At("not_stated_{lang}")] = Field(
        description="Details that the source leaves open, in our own words."
    )
    revision: int = Field(description="The revision that last changed it.")
    retired: bool = Field(description="True if it was retracted.")


class SourceQuery(ListQuery):
    """Parameters of the list of sources."""

    ranges: ClassVar = (("published_from", "published_to"),)

    id: Annotated[Ids, Where("id", "in"), Field(description="Ids.")] = None
    type: TypeFilter[SourceType] = None
    language: Annotated[Ids, Where("language", "in"), Field(description="Languages.")] = None
    published_from: Annotated[Day | None, Where("published_on", ">="), Field(description="Published on or after.")] = None
    published_to: Annotated[Day | None, Where("published_on", "<="), Field(description="Published on or before.")] = None
    retired: Annotated[
        Flag, Where("retired", "="), Field(description="Return only retracted sources; by default only the others.")
    ] = False


SOURCES = Resource(
    "sources",
    row=SourceRow,
    public=Source,
    query=SourceQuery,
    tag="Sources and history",
    summary="Published texts, with publisher, date, language and the SHA-256 of the exact text.",
    sort=("id", "published_on", "type"),
    title=("title_{lang}",),
    search=("title", "publisher_en", "publisher_zh", "author", "occasion_en", "occasion_zh"),
    includes=(Include("revisions", ("source",)),),
    facets=("type", "language"),
)
