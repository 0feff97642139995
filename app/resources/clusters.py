"""Industry clusters: pillar industries, emerging tracks and application segments."""

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

ClusterType = Literal["pillar", "emerging", "segment"]


class Cluster(LocalEntity):
    """An industry cluster of a region."""

    type: ClusterType = Field(description="A pillar industry, an emerging track, or a segment of another cluster.")


class ClusterQuery(LocalEntityQuery):
    """Parameters of the list of clusters."""

    type: TypeFilter[ClusterType] = None


CLUSTERS = Resource(
    "clusters",
    row=EntityRow,
    public=Cluster,
    query=ClusterQuery,
    tag="Industry clusters",
    summary="Industry clusters, emerging tracks and application segments of regions.",
    sort=ENTITY_SORT,
    title=ENTITY_TITLE,
    search=ENTITY_SEARCH,
    only={"kind": "cluster"},
    includes=ENTITY_INCLUDES,
    facets=("type", "region", "source"),
)
