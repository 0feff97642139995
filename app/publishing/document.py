"""The document format ``regional-indicators/1``: pydantic models of its parts. Strict: no unknown keys, no conversions.

The JSON Schema that the service publishes is generated from ``Document``.
"""

import unicodedata
from datetime import date, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from app.db.types import LARGEST_WHOLE
from app.domain.hedges import HEDGES, Comparator
from app.domain.tokenizer import forbidden
from app.resources.clusters import ClusterType
from app.resources.designations import Level
from app.resources.indicators import Topic, UnitSystem
from app.resources.mixins import EntityKind, NameBasis
from app.resources.observations import Nature, RankBand
from app.resources.organisations import OrganisationType
from app.resources.parameter_types import Day
from app.resources.programmes import ProgrammeType
from app.resources.projects import ProjectStatus, ProjectType
from app.resources.regions import RegionType, Scheme
from app.resources.relations import Predicate
from app.resources.sources import SourceType
from app.resources.zones import ZoneType

FORMAT = "regional-indicators/1"
MOST_FACTS = 100_000
"""Facts of one document."""
MAX_TEXT = 500
"""Characters of one text."""
MAX_LIST = 1000
"""Items of a list within a part."""
LARGEST = 2**53 - 1
"""The largest figure: up to here every integer is exact as a 64-bit float."""

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"


def _clean(value: str) -> str:
    if not value.strip() or value != value.strip():
        raise ValueError("expected text that neither is empty nor begins or ends with a space")
    if forbidden(value):
        raise ValueError("expected one line without control characters, or others that are not seen")
    if unicodedata.normalize("NFC", value) != value:
        raise ValueError("expected Unicode in normal form C")
    return value


def _hedge(value: str) -> str:
    if value not in HEDGES:
        raise ValueError("unknown hedge word")
    return value


def _of_calendar(value: str) -> str:
    try:
        date.fromisoformat(value + "0001-01-01"[len(value) :])
    except ValueError:
        raise ValueError("expected a year, month or day of the calendar") from None
    return value


def _of_clock(value: str) -> str:
    try:
        time.fromisoformat(value)
    except ValueError:
        raise ValueError("expected a time of day") from None
    return value


Line = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_clean)]
Slug = Annotated[str, Field(pattern=SLUG, max_length=100)]
When = Annotated[
    str, Field(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", description="A year, month or day."), AfterValidator(_of_calendar)
]
Clock = Annotated[str, Field(pattern=r"^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$", description="A time of day."), AfterValidator(_of_clock)]
Count = Annotated[int, Field(ge=0, le=LARGEST_WHOLE)]
Positive = Annotated[int, Field(ge=1, le=LARGEST_WHOLE)]
Figure = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
HedgeWord = Annotated[str, AfterValidator(_hedge), WithJsonSchema({"type": "string", "enum": list(HEDGES)})]


class Part(BaseModel):
    """The base of all parts: strict, no unknown keys, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Text(Part):
    """A text in both languages."""

    en: Line
    zh: Line


class Citation(Part):
    """The place in the source: the line, counted from 1, and the shortest literal phrase."""

    line: Positive
    text: Line
    speaker: Slug | None = None


class Speaker(Part):
    """A person whom the source quotes."""

    id: Slug
    name: Text
    office: Text
    cite: Citation


class SourcePart(Part):
    """The published text that the document transcribes."""

    id: Slug
    type: SourceType
    title: Line
    title_translated: Text
    publisher: Text
    published_on: Day | None = None
    published_time: Clock | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    author: Line | None = None
    photographer: Line | None = None
    url: Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=500)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    views: Count | None = None
    comments: Count | None = None
    occasion: Text | None = None
    speakers: Annotated[list[Speaker], Field(max_length=MAX_LIST)] = []
    not_stated: Annotated[list[Text], Field(max_length=MAX_LIST)] = []


class EntityPart(Part):
    """The members of entities of all kinds."""

    id: Slug
    name: Text
    name_basis: NameBasis
    aliases: Annotated[list[Line], Field(max_length=MAX_LIST, default_factory=list)]  # a default would be copied each time
    since: When | None = None
    summary: Text | None = None
    region: Slug | None = None
    parent: Slug | None = None
    cite: Citation | None = None


class RegionPart(EntityPart):
    """A region; its id is its code in ``scheme``."""

    type: RegionType
    scheme: Scheme
    region: None = None


class ClusterPart(EntityPart):
    """A cluster."""

    type: ClusterType


class ZonePart(EntityPart):
    """A zone."""

    type: ZoneType


class ProgrammePart(EntityPart):
    """A programme."""

    type: ProgrammeType


class OrganisationPart(EntityPart):
    """An organisation."""

    type: OrganisationType


class ProjectPart(EntityPart):
    """A project."""

    type: ProjectType
    status: ProjectStatus


class IndicatorPart(Part):
    """The definition of a measurable."""

    id: Slug
    name: Text
    definition: Text
    topic: Topic
    unit: Annotated[str, Field(pattern=r"^[!-~]+$", max_length=50, description="A UCUM or ISO 4217 code.")]
    unit_system: UnitSystem
    unit_name: Text


class Period(Part):
    """The period of a figure as the source states it; without dates if the words do not fix them."""

    label: Line
    basis: Literal["stated", "derived"]
    start: Day | None = None
    end: Day | None = None


class RankScope(Part):
    """The group within which something is ranked, and the region that the group belongs to."""

    en: Line
    zh: Line
    region: Slug | None = None


class Rank(Part):
    """A place within a scope, or a band of leading places."""

    place: Positive | None = None
    band: RankBand | None = None
    of: Positive | None = None
    scope: RankScope | None = None


class ObservationPart(Part):
    """A figure or rank that the source states about one indicator of one subject."""

    key: Slug
    indicator: Slug
    subject: Slug
    nature: Nature = "actual"
    value: Figure | None = None
    unit: Line | None = None
    hedge: HedgeWord | None = None
    comparator: Comparator | None = None
    rank: Rank | None = None
    period: Period | None = None
    cite: Citation


class RelationPart(Part):
    """A relation between two entities, identified by subject, predicate and object."""

    subject: Slug
    predicate: Predicate
    object: Slug
    cite: Citation

    @property
    def key(self) -> str:
        """The key of the relation, the same in all revisions."""
        return f"{self.subject}-{self.predicate}-{self.object}"


class DesignationPart(Part):
    """A title conferred on an entity."""

    key: Slug
    subject: Slug
    title: Text
    level: Level
    conferred_by: Line | None = None
    since: When | None = None
    cite: Citation


class Document(Part):
    """One document: a source, the entities and indicators that it declares, and the facts that it states."""

    format: Literal["regional-indicators/1"]
    source: SourcePart
    regions: list[RegionPart] = []
    indicators: list[IndicatorPart] = []
    clusters: list[ClusterPart] = []
    zones: list[ZonePart] = []
    programmes: list[ProgrammePart] = []
    organisations: list[OrganisationPart] = []
    projects: list[ProjectPart] = []
    observations: list[ObservationPart] = []
    relations: list[RelationPart] = []
    designations: list[DesignationPart] = []

    @property
    def facts(self) -> list[ObservationPart | RelationPart | DesignationPart]:
        """The facts of all types."""
        return [*self.observations, *self.relations, *self.designations]

    @property
    def entities(self) -> list[tuple[EntityKind, EntityPart]]:
        """The entities of all kinds."""
        return [(kind, part) for section, kind in ENTITY_SECTIONS.items() for part in getattr(self, section)]


ENTITY_SECTIONS: dict[str, EntityKind] = {
    "regions": "region",
    "clusters": "cluster",
    "zones": "zone",
    "programmes": "programme",
    "organisations": "organisation",
    "projects": "project",
}
"""The kind of entity that each section declares."""
SECTIONS = frozenset({*ENTITY_SECTIONS, "indicators", "observations", "relations", "designations"})
"""The members of a document that are lists of parts."""
