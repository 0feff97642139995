"""Projects: developments, premises, towns and expansions that are planned, being built or built."""

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

ProjectType = Literal["development", "premises", "town", "expansion"]
ProjectStatus = Literal["planned", "under_construction", "completing", "completed", "unstated"]


class Project(LocalEntity):
    """A project; where it lies is said by relations, how large it is by observations."""

    type: ProjectType = Field(description="What is built.")
    status: ProjectStatus = Field(description="How far it is, by the source; `unstated` where it does not say.")


class ProjectQuery(LocalEntityQuery):
    """Parameters of the list of projects."""

    type: Annotated[Some[ProjectType], Where("type", "in"), Field(description="Types.")] = None
    status: Annotated[Some[ProjectStatus], Where("status", "in"), Field(description="How far they are.")] = None


PROJECTS = Resource(
    "projects",
    row=EntityRow,
    public=Project,
    query=ProjectQuery,
    tag="Organisations and projects",
    summary="Developments, premises, towns and expansions.",
    sort=(*ENTITY_SORT, "status"),
    title=ENTITY_TITLE,
    search=ENTITY_SEARCH,
    only={"kind": "project"},
    includes=ENTITY_INCLUDES,
    facets=("type", "status", "region", "source"),
)
