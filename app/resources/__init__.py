"""The resources of the API. ``ALL`` is the catalogue that drives routes, documentation, exports and contract tests."""

from app.auth.tables import AuditRow, ReceiptRow, TokenRow
from app.resources.base import Resource
from app.resources.clusters import CLUSTERS
from app.resources.derived import DerivedRow
from app.resources.designations import DESIGNATIONS
from app.resources.indicators import INDICATORS
from app.resources.observations import OBSERVATIONS
from app.resources.organisations import ORGANISATIONS
from app.resources.programmes import PROGRAMMES
from app.resources.projects import PROJECTS
from app.resources.regions import REGIONS
from app.resources.relations import RELATIONS
from app.resources.revisions import REVISIONS
from app.resources.search_entries import SearchRow
from app.resources.sources import SOURCES
from app.resources.zones import ZONES

INTERNAL = (SearchRow, DerivedRow, TokenRow, AuditRow, ReceiptRow)
"""Tables that belong to no resource."""

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

FACTS = tuple(resource for resource in ALL if resource.versioned)
"""The resources whose rows are facts, of which earlier versions are kept."""

BY_NAME: dict[str, Resource] = {resource.name: resource for resource in ALL}
"""The resources by name."""
