"""Organisations: companies, institutes, universities, media and others that sources name."""

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

OrganisationType = Literal[
    "company",
    "state_owned_enterprise",
    "financial_institution",
    "research_institute",
    "university",
    "hospital",
    "media",
    "laboratory",
]


class Organisation(LocalEntity):
    """An organisation; relations state the clusters, zones and regions that it belongs to."""

    type: OrganisationType = Field(description="Type of the organisation.")


class OrganisationQuery(LocalEntityQuery):
    """Parameters of the list of organisations."""

    type: TypeFilter[OrganisationType] = None


ORGANISATIONS = Resource(
    "organisations",
    row=EntityRow,
    public=Organisation,
    query=OrganisationQuery,
    tag="Organisations and projects",
    summary="Organisations that sources name, with the clusters, zones and regions they belong to as relations.",
    sort=ENTITY_SORT,
    title=ENTITY_TITLE,
    search=ENTITY_SEARCH,
    only={"kind": "organisation"},
    includes=ENTITY_INCLUDES,
    facets=("type", "region", "source"),
)
