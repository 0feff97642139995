"""Incentive programmes: policy frameworks, action plans, services, subsidies and housing."""

from typing import Literal

from pydantic import Field

from app.resources.base import Resource
from app.resources.mixins import (
    ENTITY_INCLUDES,
    ENTITY_SEARCH,
    ENTITY_SORT,
    ENTITY_TITLE,
    EntityRow,
    LocalEntity,
    LocalEntityQuery,
    TypeFilter,
)

ProgrammeType = Literal["framework", "action_plan", "service", "subsidy", "housing"]


class Programme(LocalEntity):
    """A programme by which a region supports enterprises or people; its targets are observations."""

    type: ProgrammeType = Field(description="Type of support.")


class ProgrammeQuery(LocalEntityQuery):
    """Parameters of the list of programmes."""

    type: TypeFilter[ProgrammeType] = None


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
