"""Incentive programmes: policy frameworks, action plans, services, subsidies and housing."""

from typing import Annotated, Literal

from pydantic import Field

from app.resources.base import Resource, Some, Where
from app.resources.mixins import (
    ENTITY_INCLUDES,
    ENTITY_SEARCH,
    ENTITY_SORT,
    ENTITY_TITLE,
    EntityRow,
    LocalEntity,
    LocalEntityQuery,
)

ProgrammeType = Literal["framework", "action_plan", "service", "subsidy", "housing"]


class Programme(LocalEntity):
    """A programme by which a region supports enterprises or people; its targets are observations."""

    type: ProgrammeType = Field(description="What kind of support it is.")


class ProgrammeQuery(LocalEntityQuery):
    """Parameters of the list of programmes."""

    type: Annotated[Some[ProgrammeType], Where("type", "in"), Field(description="Types.")] = None


PROGRAMMES = Resource(
    "programmes",
    row=EntityRow,
    public=Programme,
    query=ProgrammeQuery,
    tag="Incentive programmes",
    summary="Policy frameworks, action plans, services, subsidies and housing that regions offer.",
    sort=ENTITY_SORT,
    title=ENTITY_TITLE,
    search=ENTITY_SEARCH,
    only={"kind": "programme"},
    includes=ENTITY_INCLUDES,
    facets=("type", "region", "source"),
)
