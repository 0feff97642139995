"""Zones: functional zones, development zones and innovation communities."""

from typing import Literal

from pydantic import Field

from app.resource import Resource
from app.resources.shared import ENTITY_INCLUDES, ENTITY_SEARCH, ENTITY_SORT, EntityRow, LocalEntity, LocalEntityQuery

ZoneType = Literal["functional_zone", "development_zone", "innovation_community"]


class Zone(LocalEntity):
    """A zone of a region."""

    type: ZoneType = Field(description="What the zone is for its region.")


ZONES = Resource(
    "zones",
    row=EntityRow,
    public=Zone,
    query=LocalEntityQuery,
    tag="Zones",
    summary="Functional zones, development zones and innovation communities of regions.",
    sort=ENTITY_SORT,
    search=ENTITY_SEARCH,
    only={"kind": "zone"},
    includes=ENTITY_INCLUDES,
    facets=("type", "region", "source"),
)
