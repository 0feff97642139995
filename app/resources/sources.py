"""Sources: the published texts that documents transcribe."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import text
from app.resources.base import At, Day, Flag, Ids, Include, ListQuery, PublicRow, Resource, Some, Where
from app.resources.mixins import CLUSTERED, Before, one_of

SourceType = Literal["article", "report", "web_page", "vocabulary"]


class SourceRow(SQLModel, table=True):
    """One published text each; lists are stored as lines."""

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
    """One published text, with what its page says about itself."""

    id: str = Field(description="Stable id, unique among sources.")
    type: SourceType = Field(description="What kind of text it is; a `vocabulary` states no facts.")
    title: str = Field(description="Its title, as written.")
    title_translated: Annotated[str, At("title_{lang}")] = Field(description="Its title in the language asked for.")
    publisher: Annotated[str, At("publisher_{lang}")] = Field(description="Who published it.")
    published_on: date | None = Field(description="The date of publication.")
    published_time: str | None = Field(description="The time of day of publication as the page gives it, without zone.")
    language: str = Field(description="Its language, as a BCP 47 tag.")
    author: str | None = Field(description="The author that the page names, as written.")
    photographer: str | None = Field(description="Who is credited with its pictures, as written.")
    url: str | None = Field(description="Where it was published, where known.")
    sha256: str | None = Field(description="SHA-256 of the exact text that the line numbers count in.")
    views: int | None = Field(description="Views that the page counts.")
    comments: int | None = Field(description="Comments that the page shows.")
    occasion: Annotated[str | None, At("occasion_{lang}")] = Field(description="The event that it reports on.")
    speakers: Annotated[list[str], At("speakers_{lang}")] = Field(description="Persons whom it quotes: id, name and office.")
    not_stated: Annotated[list[str], At("not_stated_{lang}")] = Field(description="What it leaves open, in our words.")
    revision: int = Field(description="The revision that last changed it.")
    retired: bool = Field(description="Whether it was retracted.")


class SourceQuery(ListQuery):
    """Parameters of the list of sources."""

    ranges: ClassVar = (("published_from", "published_to"),)

    id: Annotated[Ids, Where("id", "in"), Field(description="Ids.")] = None
    type: Annotated[Some[SourceType], Where("type", "in"), Field(description="Types.")] = None
    language: Annotated[Ids, Where("language", "in"), Field(description="Languages.")] = None
    published_from: Annotated[Day | None, Where("published_on", ">="), Field(description="Published on or after.")] = None
    published_to: Annotated[Day | None, Where("published_on", "<="), Field(description="Published on or before.")] = None
    retired: Annotated[Flag, Where("retired", "="), Field(description="Those that were retracted, instead of the others.")] = (
        False
    )


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
