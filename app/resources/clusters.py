"""Industry clusters: pillar industries, emerging tracks and application segments."""

from typing import Literal

from pydantic import Field

from app.resource import Resource
from app.resources.shared import ENTITY_INCLUDES, ENTITY_SEARCH, ENTITY_SORT, EntityRow, LocalEntity, LocalEntityQuery

ClusterType = Literal["pillar", "emerging", "segment"]


class Cluster(LocalEntity):
    """An industry cluster of a region."""

    type: ClusterType = Field(description="A pillar industry, an emerging track, or a segment of another cluster.")


CLUSTERS = Resource(
    "clusters",
    row=EntityRow,
    public=Cluster,
    query=LocalEntityQuery,
    tag="Industry clusters",
    summary="Industry clusters, emerging tracks and application segments of regions.",
    sort=ENTITY_SORT,
    search=ENTITY_SEARCH,
    only={"kind": "cluster"},
    includes=ENTITY_INCLUDES,
    facets=("type", "region", "source"),
)
