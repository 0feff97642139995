"""Declarations shared by several resources: closed lists, and the tables, public models and filters of entities and facts."""

from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import Field
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import text
from app.resources.base import At, Include, ListQuery, PublicRow, Trailing, Where
from app.resources.parameter_types import AS_OF, AsOf, Choice, Choices, Flag, Ids

EntityKind = Literal["region", "cluster", "zone", "programme", "organisation", "project"]
NameBasis = Literal["official", "common", "literal"]

TypeFilter = Annotated[Choices[Choice], Where("type", "in"), Field(description="Types.")]
"""Filter by type, of a closed list: ``TypeFilter[ClusterType]``."""


def one_of(column: str, choices: Any) -> CheckConstraint:
    """Return a named CHECK that ``column`` is null or in the Literal ``choices``."""
    listed = ", ".join(f"'{value}'" for value in get_args(choices))
    return CheckConstraint(f"{column} IN ({listed})", name=column)


CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}
"""Table option that stores rows in the order of their key, so that SQLite finds a row by one descent instead of two."""


class EntityRow(SQLModel, table=True):
    """Named things of all kinds. Never deleted: a thing that its source no longer mentions is ``retired``."""

    __tablename__ = "entity"
    __table_args__ = (
        one_of("kind", EntityKind),
        one_of("name_basis", NameBasis),
        CheckConstraint("kind <> 'region' OR region IS NULL", name="region_of_region"),
        CheckConstraint("line > 0", name="line"),
        # deferred, so that a document may declare a part before its whole
        ForeignKeyConstraint(["region"], ["entity.id"], deferrable=True, initially="DEFERRED"),
        ForeignKeyConstraint(["parent"], ["entity.id"], deferrable=True, initially="DEFERRED"),
        Index(None, "kind", "region"),
        Index(None, "region"),
        Index(None, "parent"),
        Index(None, "source"),
        CLUSTERED,
    )

    id: str = Stored(primary_key=True)
    kind: str
    type: str
    scheme: str | None
    status: str | None
    region: str | None
    parent: str | None
    name_en: str
    name_zh: str
    name_basis: str
    name_as_written: str | None
    aliases: str = text()
    since: str | None
    summary_en: str | None = text(null=True)
    summary_zh: str | None = text(null=True)
    source: str = Stored(foreign_key="source.id")
    line: int | None
    revision: int = Stored(foreign_key="revision.id")
    retired: bool


class Before(SQLModel):
    """An earlier state of the columns that facts repeat of a row: as it was from one revision until the one that changed it.

    The table has the name of the row's table with ``_before`` appended; readers of earlier revisions find it by this name.
    """

    id: str = Stored(primary_key=True)
    held_from: int = Stored(primary_key=True, foreign_key="revision.id")
    held_until: int = Stored(foreign_key="revision.id")


class EntityBefore(Before, table=True):
    """Earlier states of entities."""

    __tablename__ = "entity_before"
    __table_args__ = (CLUSTERED,)

    kind: str
    region: str | None
    name_en: str
    name_zh: str


class Entity(PublicRow):
    """Columns of the public models of all kinds of entity."""

    id: str = Field(description="Stable id, unique among all entities.")
    type: str = Field(description="Type within its kind, from a closed list.")
    name: Annotated[str, At("name_{lang}")] = Field(description="Name in the requested language.")
    name_basis: NameBasis = Field(description="Basis of the English name: `official`, `common`, or our own `literal` rendering.")
    name_as_written: str | None = Field(description="The name, or the phrase that names it, as the source writes it.")
    aliases: list[str] = Field(description="Other names in use.")
    parent: str | None = Field(description="The entity of the same kind that it is part of.")
    since: str | None = Field(description="Year or date since which it exists; null if the source states none.")
    summary: Annotated[str | None, At("summary_{lang}")] = Field(description="Summary in our own words.")
    source: Annotated[str, Trailing()] = Field(description="The source that declared it.")
    line: Annotated[int | None, Trailing()] = Field(description="Line of the source text; null for reference vocabulary.")
    revision: Annotated[int, Trailing()] = Field(description="The revision that last changed it.")
    retired: Annotated[bool, Trailing()] = Field(description="True if its source no longer mentions it.")


class LocalEntity(Entity):
    """Columns of entities that belong to a region: of all kinds but regions."""

    region: str | None = Field(description="The region it belongs to; null if it is active in many.")


class EntityQuery(ListQuery):
    """Filters of all kinds of entity."""

    id: Annotated[Ids, Where("id", "in"), Field(description="Ids.")] = None
    parent: Annotated[Ids, Where("parent", "in"), Field(description="Ids of the entities they are part of.")] = None
    source: Annotated[Ids, Where("source", "in"), Field(description="Ids of the sources that declared them.")] = None
    retired: Annotated[
        Flag,
        Where("retired", "="),
        Field(description="Return only retired entities, which their source no longer mentions; by default only the others."),
    ] = False


class LocalEntityQuery(EntityQuery):
    """Filters of entities that belong to a region."""

    region: Annotated[Ids, Where("region", "in"), Field(description="Ids of the regions they belong to.")] = None


ENTITY_SORT = ("id", "name", "type", "since", "region", "line")
ENTITY_TITLE = ("name_{lang}",)
ENTITY_SEARCH = ("name_as_written", "aliases", "summary_en", "summary_zh")
ENTITY_INCLUDES = (
    Include("observations", ("subject",)),
    Include("relations", ("subject", "object")),
    Include("designations", ("subject",)),
)


class FactRow(SQLModel):
    """Columns of every table of facts: one row per version, current while ``retracted_in`` is null."""

    id: str = Stored(primary_key=True)
    revision: int = Stored(primary_key=True, foreign_key="revision.id")
    retracted_in: int | None = Stored(foreign_key="revision.id")
    source: str = Stored(foreign_key="source.id")
    line: int
    as_written: str
    speaker: str | None


def fact_constraints() -> tuple[Any, ...]:
    """Return the constraints and indexes of every table of facts."""
    ended = sql("retracted_in IS NOT NULL")
    return (
        CheckConstraint("retracted_in > revision", name="retracted_in"),
        CheckConstraint("line > 0", name="line"),
        Index(None, "source"),
        Index(None, "revision"),
        Index(None, "retracted_in", sqlite_where=ended, postgresql_where=ended),
    )


class Fact(PublicRow):
    """Last columns of the public models of all facts: the citation and the versions."""

    source: Annotated[str, Trailing()] = Field(description="The source that states it.")
    line: Annotated[int, Trailing()] = Field(description="Line of the source text, counted from 1.")
    as_written: Annotated[str, Trailing()] = Field(description="The shortest literal phrase of the source that carries it.")
    speaker: Annotated[str | None, Trailing()] = Field(
        description="The person to whom the source attributes it; null if it names none."
    )
    reported_on: Annotated[date | None, At("source.published_on"), Trailing()] = Field(
        description="Publication date of the source."
    )
    revision: Annotated[int, Trailing()] = Field(description="The revision that introduced this version.")
    retracted_in: Annotated[int | None, Trailing()] = Field(
        description="The revision that ended this version; null while it is current."
    )


class FactQuery(ListQuery):
    """Filters of all facts."""

    id: Annotated[Ids, Where("id", "in"), Field(description="Ids.")] = None
    source: Annotated[Ids, Where("source", "in"), Field(description="Ids of the sources that state them.")] = None
    speaker: Annotated[Ids, Where("speaker", "in"), Field(description="Ids of the persons they are attributed to.")] = None
    as_of: Annotated[AsOf, Field(description=AS_OF)] = None
