"""Incentive programmes: policy frameworks, action plans, services, subsidies and housing."""

from typing import Literal

from pydantic import Field

from app.resource import Resource
from app.resources.shared import ENTITY_INCLUDES, ENTITY_SEARCH, ENTITY_SORT, EntityRow, LocalEntity, LocalEntityQuery

ProgrammeType = Literal["framework", "action_plan", "service", "subsidy", "housing"]


class Programme(LocalEntity):
    """A programme by which a region supports enterprises or people; its targets are observations."""

    type: ProgrammeType = Field(description="What kind of support it is.")


PROGRAMMES = Resource(
    "programmes",
    row=EntityRow,
    public=Programme,
    query=LocalEntityQuery,
    tag="Incentive programmes",
    summary="Policy frameworks, action plans, services, subsidies and housing that regions offer.",
    sort=ENTITY_SORT,
    search=ENTITY_SEARCH,
    only={"kind": "programme"},
    includes=ENTITY_INCLUDES,
    facets=("type", "region", "source"),
)
