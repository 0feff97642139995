"""The nouns of the API. ``ALL`` is the catalogue that drives routes, documentation, exports and contract tests."""

from app.resource import Resource
from app.resources.clusters import CLUSTERS
from app.resources.designations import DESIGNATIONS
from app.resources.indicators import INDICATORS
from app.resources.observations import OBSERVATIONS
from app.resources.organisations import ORGANISATIONS
from app.resources.programmes import PROGRAMMES
from app.resources.projects import PROJECTS
from app.resources.regions import REGIONS
from app.resources.relations import RELATIONS
from app.resources.revisions import REVISIONS
from app.resources.sources import SOURCES
from app.resources.zones import ZONES

ALL: tuple[Resource, ...] = (
    REGIONS,
    INDICATORS,
    OBSERVATIONS,
    DESIGNATIONS,
    CLUSTERS,
    ZONES,
    PROGRAMMES,
    ORGANISATIONS,
    PROJECTS,
    RELATIONS,
    SOURCES,
    REVISIONS,
)
"""Every resource, in the order of the documentation."""

BY_NAME: dict[str, Resource] = {resource.name: resource for resource in ALL}
