"""Zones: functional zones, development zones and innovation communities."""

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

ZoneType = Literal["functional_zone", "development_zone", "innovation_community"]


class Zone(LocalEntity):
    """A zone of a region."""

    type: ZoneType = Field(description="Type of the zone.")


class ZoneQuery(LocalEntityQuery):
    """Parameters of the list of zones."""

    type: TypeFilter[ZoneType] = None


ZONES = Resource(
    "zones",
    row=EntityRow,
    public=Zone,
    query=ZoneQuery,
    tag="Zones",
    summary="Functional zones, development zones and innovation communities of regions.",
    sort=ENTITY_SORT,
    title=ENTITY_TITLE,
    search=ENTITY_SEARCH,
    only={"kind": "zone"},
    includes=ENTITY_INCLUDES,
    facets=("type", "region", "source"),
)
