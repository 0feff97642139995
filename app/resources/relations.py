"""Relations: typed ties between two entities."""

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Index
from sqlmodel import Field as Stored

from app.resources.base import At, Resource, Where
from app.resources.mixins import EntityKind, Fact, FactQuery, FactRow, fact_constraints, one_of
from app.resources.parameter_types import Choices, Ids

Predicate = Literal["member_of", "located_in", "part_of", "promotes", "supports", "partner_of"]

SAME_KIND = "same kind"
JOINS: dict[Predicate, tuple[tuple[EntityKind, ...], tuple[EntityKind, ...] | str]] = {
    "member_of": (("organisation",), ("cluster",)),
    "located_in": (("organisation", "project", "zone"), ("zone", "region")),
    "part_of": (("region", "cluster", "zone", "programme", "organisation", "project"), SAME_KIND),
    "promotes": (("zone",), ("cluster",)),
    "supports": (("programme",), ("cluster",)),
    "partner_of": (("organisation",), ("region",)),
}
"""Kinds that each predicate joins: of the subject, and of the object."""


class RelationRow(FactRow, table=True):
    """Versions of relations. The id consists of subject, predicate and object."""

    __tablename__ = "relation"
    __table_args__ = (
        *fact_constraints(),
        one_of("predicate", Predicate),
        Index(None, "subject", "predicate"),
        Index(None, "object", "predicate"),
    )

    subject: str = Stored(foreign_key="entity.id")
    predicate: str
    object: str = Stored(foreign_key="entity.id")


class Relation(Fact):
    """A tie between two entities: "Tencent is a member of the AI cluster"."""

    id: str = Field(description="`<source>.<subject>-<predicate>-<object>`, stable over revisions.")
    subject: str = Field(description="Id of the entity that the relation starts from.")
    subject_kind: Annotated[EntityKind, At("subject.kind")] = Field(description="Kind of the subject.")
    subject_name: Annotated[str, At("subject.name_{lang}")] = Field(description="Name of the subject.")
    predicate: Predicate = Field(description="Type of the relation.")
    object: str = Field(description="Id of the entity that the relation points to.")
    object_kind: Annotated[EntityKind, At("object.kind")] = Field(description="Kind of the object.")
    object_name: Annotated[str, At("object.name_{lang}")] = Field(description="Name of the object.")


class RelationQuery(FactQuery):
    """Parameters of the list of relations."""

    predicate: Annotated[Choices[Predicate], Where("predicate", "in"), Field(description="Predicates.")] = None
    subject: Annotated[Ids, Where("subject", "in"), Field(description="Ids of subjects.")] = None
    subject_kind: Annotated[Choices[EntityKind], Where("subject.kind", "in"), Field(description="Kinds of subjects.")] = None
    object: Annotated[Ids, Where("object", "in"), Field(description="Ids of objects.")] = None
    object_kind: Annotated[Choices[EntityKind], Where("object.kind", "in"), Field(description="Kinds of objects.")] = None
    object_region: Annotated[
        Ids, Where("object.region", "in"), Field(description="Ids of the regions that the objects belong to.")
    ] = None


RELATIONS = Resource(
    "relations",
    row=RelationRow,
    public=Relation,
    query=RelationQuery,
    tag="Organisations and projects",
    summary="Typed ties between two entities: membership, location, part and whole, promotion, support, partnership.",
    sort=("id", "predicate", "subject", "object", "line"),
    title=("subject.name_{lang}", "object.name_{lang}"),
    search=("as_written",),
    facets=("predicate", "subject_kind", "object_kind", "object", "source"),
)
