"""Revisions: the accepted publications, numbered from 1."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import LargeBinary
from sqlmodel import Field as Stored
from sqlmodel import SQLModel

from app.db.types import Moment
from app.resources.base import ListQuery, PublicRow, Resource, Where
from app.resources.mixins import one_of
from app.resources.parameter_types import Choices, Ids

Action = Literal["published", "retracted"]


class RevisionRow(SQLModel, table=True):
    """Accepted publications, each with the document as it was submitted."""

    __tablename__ = "revision"
    __table_args__ = (one_of("action", Action),)

    id: int = Stored(primary_key=True, sa_column_kwargs={"autoincrement": False})
    # no foreign key: the revision is written first, and its source refers to it
    source: str = Stored(index=True)
    action: str
    published_at: datetime = Stored(sa_type=Moment)
    document_sha256: str
    document: bytes = Stored(sa_type=LargeBinary)
    added: int
    changed: int
    retracted: int


class Revision(PublicRow):
    """One accepted publication. Its number is also the version of the data set."""

    id: int = Field(description="The number of the revision.")
    source: str = Field(description="The source whose document was published.")
    action: Action = Field(description="The action on the source: published or retracted.")
    published_at: datetime = Field(description="When it was accepted, in UTC.")
    document_sha256: str = Field(description="SHA-256 of the document's bytes.")
    added: int = Field(description="Facts that this revision added.")
    changed: int = Field(description="Facts that this revision changed, as new versions.")
    retracted: int = Field(description="Facts that this revision ended.")


class RevisionQuery(ListQuery):
    """Parameters of the list of revisions."""

    source: Annotated[Ids, Where("source", "in"), Field(description="Ids of sources.")] = None
    action: Annotated[Choices[Action], Where("action", "in"), Field(description="Actions.")] = None


REVISIONS = Resource(
    "revisions",
    row=RevisionRow,
    public=Revision,
    query=RevisionQuery,
    tag="Sources and history",
    summary="Accepted publications, numbered from 1; the number is the version of the data set.",
    sort=("id", "published_at", "source"),
    search=("source",),
    facets=("source", "action"),
)
