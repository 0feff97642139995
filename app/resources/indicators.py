"""Indicators: the definitions of measurables."""

from typing import Annotated, Literal

from pydantic import Field
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import text
from app.resources.base import At, Include, ListQuery, PublicRow, Resource, Where
from app.resources.mixins import CLUSTERED, Before, one_of
from app.resources.parameter_types import Choices, Flag, Ids

Topic = Literal["economy", "industry", "innovation", "talent", "transport", "education", "health", "culture", "space", "policy"]
UnitSystem = Literal["ucum", "iso4217"]


class IndicatorRow(SQLModel, table=True):
    """Definitions of measurables, each with its base unit."""

    __tablename__ = "indicator"
    __table_args__ = (one_of("topic", Topic), one_of("unit_system", UnitSystem), CLUSTERED)

    id: str = Stored(primary_key=True)
    name_en: str
    name_zh: str
    definition_en: str = text()
    definition_zh: str = text()
    topic: str = Stored(index=True)
    unit: str
    unit_system: str
    unit_name_en: str
    unit_name_zh: str
    source: str = Stored(foreign_key="source.id", index=True)
    revision: int = Stored(foreign_key="revision.id")
    retired: bool


class IndicatorBefore(Before, table=True):
    """Earlier states of indicators."""

    __tablename__ = "indicator_before"
    __table_args__ = (CLUSTERED,)

    name_en: str
    name_zh: str
    topic: str
    unit: str


class Indicator(PublicRow):
    """The definition of a measurable."""

    id: str = Field(description="Stable id, unique among indicators.")
    name: Annotated[str, At("name_{lang}")] = Field(description="Name in the requested language.")
    definition: Annotated[str, At("definition_{lang}")] = Field(description="Definition of the quantity counted or measured.")
    topic: Topic = Field(description="Topic of the indicator.")
    unit: str = Field(description="Code of the base unit of all its values.")
    unit_system: UnitSystem = Field(description="The code list of `unit`: UCUM, or ISO 4217 for currencies.")
    unit_name: Annotated[str, At("unit_name_{lang}")] = Field(description="The unit as written after a number.")
    source: str = Field(description="The source that declared it.")
    revision: int = Field(description="The revision that last changed it.")
    retired: bool = Field(description="True if its source no longer declares it.")


class IndicatorQuery(ListQuery):
    """Parameters of the list of indicators."""

    id: Annotated[Ids, Where("id", "in"), Field(description="Ids.")] = None
    topic: Annotated[Choices[Topic], Where("topic", "in"), Field(description="Topics.")] = None
    unit: Annotated[Ids, Where("unit", "in"), Field(description="Unit codes.")] = None
    source: Annotated[Ids, Where("source", "in"), Field(description="Ids of the sources that declared them.")] = None
    retired: Annotated[
        Flag,
        Where("retired", "="),
        Field(description="Return only retired indicators, which their source no longer declares; by default only the others."),
    ] = False


INDICATORS = Resource(
    "indicators",
    row=IndicatorRow,
    public=Indicator,
    query=IndicatorQuery,
    tag="District metrics",
    summary="Definitions of measurables, with base units.",
    sort=("id", "name", "topic", "unit"),
    title=("name_{lang}",),
    search=("definition_en", "definition_zh"),
    includes=(Include("observations", ("indicator",)),),
    facets=("topic", "unit", "source"),
)
