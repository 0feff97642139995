"""Designations: titles that a body conferred on an entity."""

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Index
from sqlmodel import Field as Stored

from app.resources.base import At, Resource, Where
from app.resources.mixins import Fact, FactQuery, FactRow, fact_constraints, one_of
from app.resources.parameter_types import Choices, Ids

Level = Literal["international", "national", "municipal", "district", "unstated"]


class DesignationRow(FactRow, table=True):
    """Versions of designations."""

    __tablename__ = "designation"
    __table_args__ = (*fact_constraints(), one_of("level", Level), Index(None, "subject"))

    subject: str = Stored(foreign_key="entity.id")
    title_en: str
    title_zh: str
    level: str
    conferred_by: str | None
    since: str | None


class Designation(Fact):
    """A title conferred on an entity, such as a pilot district or a demonstration base."""

    id: str = Field(description="`<source>.<key>`, stable over revisions.")
    subject: str = Field(description="Id of the entity that bears the title.")
    subject_name: Annotated[str, At("subject.name_{lang}")] = Field(description="Name of the subject.")
    title: Annotated[str, At("title_{lang}")] = Field(description="The title in the requested language.")
    level: Level = Field(description="Level of the body that conferred it; `unstated` if the source does not state it.")
    conferred_by: str | None = Field(description="The body that conferred it; null if the source does not name it.")
    since: str | None = Field(description="Year or date since which it holds; null if not stated.")


class DesignationQuery(FactQuery):
    """Parameters of the list of designations."""

    subject: Annotated[Ids, Where("subject", "in"), Field(description="Ids of subjects.")] = None
    level: Annotated[Choices[Level], Where("level", "in"), Field(description="Levels of the bodies that conferred them.")] = None


DESIGNATIONS = Resource(
    "designations",
    row=DesignationRow,
    public=Designation,
    query=DesignationQuery,
    tag="District metrics",
    summary="Titles conferred on entities, such as national pilot districts and demonstration bases.",
    sort=("id", "title", "level", "subject", "line"),
    title=("title_{lang}",),
    search=("as_written",),
    facets=("level", "subject", "source"),
)
