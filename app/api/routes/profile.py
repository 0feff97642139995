"""``/v1/regions/{id}/profile``: all facts about a region in one response, and facts that its sources do not state."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, create_model

from app.api.answers import ItemLinks, examples, responses
from app.api.query_params import ProfileParameters
from app.api.representation import V1
from app.api.routes.resources import one
from app.api.view import View, add_view, always
from app.domain.dataset import Dataset, Envelope
from app.errors import BadRequest, InvalidParameters, NotFound
from app.formats.json import encoded_rows
from app.query.repository import Repository
from app.query.snapshot import Snapshot
from app.resources.base import Resource
from app.resources.clusters import CLUSTERS, Cluster
from app.resources.designations import DESIGNATIONS, Designation
from app.resources.observations import OBSERVATIONS, Observation
from app.resources.programmes import PROGRAMMES, Programme
from app.resources.projects import PROJECTS, Project
from app.resources.regions import REGIONS, Region
from app.resources.relations import RELATIONS
from app.resources.sources import SOURCES
from app.resources.zones import ZONES, Zone

MOST_ROWS = 10_000
"""Rows of each resource in a profile."""

Record = dict[str, Any]

NOT_STATED = {
    "period": {"en": "No period is stated.", "zh": "未说明时期。"},
    "period_dates": {"en": "The period is stated without fixed dates.", "zh": "所述时期没有确定的起止日期。"},
    "rank_scope": {"en": "A rank is claimed without its scope.", "zh": "称其领先，但未说明范围。"},
    "bounds": {"en": "Only an order of magnitude is stated.", "zh": "只说明了数量级。"},
    "status": {"en": "The project's status is not stated.", "zh": "未说明项目进度。"},
}
"""Sentences by missing detail."""

router = APIRouter(prefix=f"{V1}/regions", tags=[REGIONS.tag])


class ProfileObservation(msgspec.Struct):
    """An observation as JSON, with the members that place it in the profile or show a missing detail."""

    id: str
    topic: str
    subject: str
    nature: str
    source: str
    period_basis: str
    period_start: str | None
    rank_band: str | None
    rank_scope: str | None
    bounds_basis: str | None
    json: msgspec.Raw = msgspec.Raw()


def _observation_rows(dataset: Dataset) -> list[ProfileObservation]:
    encoded = encoded_rows(dataset)
    rows = msgspec.json.decode(msgspec.json.encode(encoded), type=list[ProfileObservation])
    for row, json in zip(rows, encoded, strict=True):
        row.json = json
    return rows


class Profile:
    """Profile of a region: rows of several resources, nested by their relations."""

    def __init__(self, snapshot: Snapshot, region: str) -> None:
        """Read all rows; ``snapshot`` is not used afterwards."""
        self.region, self.lang, self._snapshot = region, snapshot.lang, snapshot
        self.observations = _observation_rows(self._page(replace(snapshot, form="objects"), OBSERVATIONS, region=[region]))
        by_object = self._rows(RELATIONS, object=[region]), self._rows(RELATIONS, object_region=[region])
        self.relations = list({relation["id"]: relation for relations in by_object for relation in relations}.values())
        self.entities = {
            resource.name: self._rows(resource, sort=["line"], region=[region])
            for resource in (CLUSTERS, ZONES, PROGRAMMES, PROJECTS)
        }
        subjects = [region, *(entity["id"] for entities in self.entities.values() for entity in entities)]
        self.designations = self._rows(DESIGNATIONS, sort=["line"], subject=subjects)
        sources = {row.source for row in self.observations}
        sources |= {str(fact["source"]) for fact in (*self.relations, *self.designations)}
        self.sources = self._rows(SOURCES, id=sorted(sources))

    def _rows(self, resource: Resource, **filters: Any) -> list[Record]:
        return self._page(self._snapshot, resource, **filters).records()

    def _page(self, snapshot: Snapshot, resource: Resource, **filters: Any) -> Dataset:
        # constructed, not validated: the limits of clients do not apply
        return Repository(snapshot, resource).page(resource.query.model_construct(limit=MOST_ROWS, **filters))

    def parts(self) -> Record:
        """Return the members of the response, except the region."""
        return {
            "metrics": self._metrics(),
            "clusters": [
                self._with_facts(cluster) | {"members": self._towards(cluster["id"], "member_of")}
                for cluster in self.entities["clusters"]
            ],
            "zones": [self._zone(zone) for zone in self.entities["zones"]],
            "programmes": [self._programme(programme) for programme in self.entities["programmes"]],
            "projects": [self._with_facts(project) for project in self.entities["projects"]],
            "organisations": [tie for tie in self._towards(self.region) if tie["kind"] == "organisation"],
            "designations": [row for row in self.designations if row["subject"] == self.region],
            "not_stated": list(self._not_stated()),
        }

    def _metrics(self) -> list[Record]:
        topics: dict[str, list[msgspec.Raw]] = defaultdict(list)
        for row in self._about(self.region):
            topics[row.topic].append(row.json)
        return [{"topic": topic, "observations": topics[topic]} for topic in sorted(topics)]

    def _zone(self, zone: Record) -> Record:
        inside = {tie["id"] for tie in self._towards(zone["id"], "located_in")}
        return self._with_facts(zone) | {
            "located_in": self._from(zone["id"], "located_in"),
            "promotes": self._from(zone["id"], "promotes"),
            "projects": [self._with_facts(project) for project in self.entities["projects"] if project["id"] in inside],
        }

    def _programme(self, programme: Record) -> Record:
        rows = self._about(programme["id"])
        return programme | {
            "supports": self._from(programme["id"], "supports"),
            "observations": [row.json for row in rows if row.nature == "actual"],
            "targets": [row.json for row in rows if row.nature != "actual"],
        }

    def _with_facts(self, entity: Record) -> Record:
        designations = [row for row in self.designations if row["subject"] == entity["id"]]
        return entity | {"observations": [row.json for row in self._about(entity["id"])], "designations": designations}

    def _about(self, subject: str) -> list[ProfileObservation]:
        return [row for row in self.observations if row.subject == subject]

    def _towards(self, entity: str, predicate: str | None = None) -> list[Record]:
        """Return the subjects of relations whose object is the entity."""
        return [
            _tie(relation, "subject")
            for relation in self.relations
            if relation["object"] == entity and predicate in (None, relation["predicate"])
        ]

    def _from(self, entity: str, predicate: str) -> list[Record]:
        """Return the objects of relations whose subject is the entity."""
        return [
            _tie(relation, "object")
            for relation in self.relations
            if relation["subject"] == entity and relation["predicate"] == predicate
        ]

    def _not_stated(self) -> Iterator[Record]:
        for source in self.sources:
            for text in source["not_stated"]:
                yield {"source": source["id"], "about": None, "missing": None, "text": text}
        for row in self.observations:
            for missing in _missing(row):
                yield {"source": row.source, "about": row.id, "missing": missing, "text": NOT_STATED[missing][self.lang]}
        for project in self.entities["projects"]:
            if project["status"] == "unstated":
                text = NOT_STATED["status"][self.lang]
                yield {"source": project["source"], "about": project["id"], "missing": "status", "text": text}


def _tie(relation: Record, end: str) -> Record:
    """Return one end of a relation, with the relation's predicate and citation."""
    return {
        "id": relation[end],
        "name": relation[f"{end}_name"],
        "kind": relation[f"{end}_kind"],
        **{name: relation[name] for name in ("predicate", "source", "line", "as_written")},
    }


def _missing(row: ProfileObservation) -> Iterable[str]:
    if row.period_basis == "unstated":
        yield "period"
    elif row.period_start is None:
        yield "period_dates"
    if row.rank_band is not None and row.rank_scope is None:
        yield "rank_scope"
    if row.bounds_basis == "none":
        yield "bounds"


class Tie(BaseModel):
    """A related entity, with the predicate and citation of the relation."""

    id: str
    name: str
    kind: str
    predicate: str
    source: str
    line: int
    as_written: str


class _Facts(BaseModel):
    """The facts of an entity."""

    observations: list[Observation]
    designations: list[Designation]


class ProfileCluster(Cluster, _Facts):
    """A cluster with its facts and members."""

    members: list[Tie]


class ProfileProject(Project, _Facts):
    """A project with its facts."""


class ProfileZone(Zone, _Facts):
    """A zone with its facts, related entities and projects."""

    located_in: list[Tie]
    promotes: list[Tie]
    projects: list[ProfileProject]


class ProfileProgramme(Programme):
    """A programme with its targets and the other figures about it."""

    supports: list[Tie]
    observations: list[Observation]
    targets: list[Observation]


class Topic(BaseModel):
    """The figures of one topic."""

    topic: str
    observations: list[Observation]


class NotStated(BaseModel):
    """A detail that a source does not state."""

    source: str
    about: str | None
    missing: str | None
    text: str


class ProfileData(BaseModel):
    """All facts about a region."""

    region: Region
    metrics: list[Topic]
    clusters: list[ProfileCluster]
    zones: list[ProfileZone]
    programmes: list[ProfileProgramme]
    projects: list[ProfileProject]
    organisations: list[Tie]
    designations: list[Designation]
    not_stated: list[NotStated]


class ProfileMeta(BaseModel):
    """Facts about a profile."""

    revision: int


ProfileAnswer = create_model("Profile", data=(ProfileData, ...), meta=(ProfileMeta, ...), links=(ItemLinks, ...))


def get_profile(snapshot: Snapshot, _query: ProfileParameters, id: str) -> Envelope:  # noqa: A002  the contract's name
    """Return the profile of one region. Raises NotFound."""
    region = one(Repository(snapshot, REGIONS), id)
    data = {"region": region.records()[0], **Profile(snapshot, id).parts()}
    return Envelope(data, {"revision": region.meta.revision})


add_view(
    router,
    "/{id}/profile",
    View(get_profile, ProfileParameters, is_long=always(value=True)),
    operation_id="get_region_profile",
    summary="Get the profile of a region",
    description=(
        "All facts about a region: metrics by topic, clusters with their members, zones with their projects, programmes with "
        "their targets, organisations, designations, and the details that sources do not state."
    ),
    responses=responses(
        "The profile of the region.",
        BadRequest,
        NotFound,
        InvalidParameters,
        model=ProfileAnswer,
        example=examples()["profile"]["item"],
    ),
    path_parameters={"id": "Id of the region."},
)
