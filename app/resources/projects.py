"""Projects: developments, premises, towns and expansions that are planned, being built or built."""

from typing import Annotated, Literal

from pydantic import Field

from app.resources.base import Resource, Where
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
from app.resources.parameter_types import Choices

ProjectType = Literal["development", "premises", "town", "expansion"]
ProjectStatus = Literal["planned", "under_construction", "completing", "completed", "unstated"]


class Project(LocalEntity):
    """A project; relations state its location, observations its size."""

    type: ProjectType = Field(description="Type of the project.")
    status: ProjectStatus = Field(description="Status by the source; `unstated` if it states none.")


class ProjectQuery(LocalEntityQuery):
    """Parameters of the list of projects."""

    type: TypeFilter[ProjectType] = None
    status: Annotated[Choices[ProjectStatus], Where("status", "in"), Field(description="Statuses.")] = None


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
