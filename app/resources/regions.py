"""Regions: countries, provinces, cities and districts."""

from typing import Annotated, Literal

from pydantic import Field

from app.resources.base import Resource, Where
from app.resources.mixins import ENTITY_INCLUDES, ENTITY_SEARCH, ENTITY_TITLE, Entity, EntityQuery, EntityRow, TypeFilter
from app.resources.parameter_types import Choices

RegionType = Literal["country", "province", "city", "district"]
Scheme = Literal["gbt2260", "iso3166-1", "iso3166-2", "nuts"]


class Region(Entity):
    """A region. Its id is its official code in ``scheme``."""

    type: RegionType = Field(description="Administrative level.")
    scheme: str | None = Field(description="Code list of the id: `gbt2260` for GB/T 2260.")


class RegionQuery(EntityQuery):
    """Parameters of the list of regions."""

    type: TypeFilter[RegionType] = None
    scheme: Annotated[Choices[Scheme], Where("scheme", "in"), Field(description="Code lists of the ids.")] = None


REGIONS = Resource(
    "regions",
    row=EntityRow,
    public=Region,
    query=RegionQuery,
    tag="District metrics",
    summary="Countries, provinces, cities and districts.",
    sort=("id", "name", "type", "parent"),
    title=ENTITY_TITLE,
    search=ENTITY_SEARCH,
    only={"kind": "region"},
    includes=ENTITY_INCLUDES,
    facets=("type", "scheme", "parent"),
)
