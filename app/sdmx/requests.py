"""What an SDMX request asks for: paths and parameters, read strictly, with every fault reported at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from fastapi import Request
from pydantic import Field
from pysdmx.model import Dataflow

from app.api.query_params import NoParameters, refused, texts_of, validated
from app.errors import MOST_FAULTS, Fault, InvalidParameters, NotFound, NotImplementedHere, nearest
from app.resources.base import AsOf, Comma, Flag, Integer
from app.sdmx.data_query import Condition, Selection, between, condition, keys
from app.sdmx.dsd import AGENCY, ALL_DIMENSIONS, ATTRIBUTES, COMPONENTS, DIMENSIONS, FLOW, TIME, VERSION, Component
from app.sdmx.structures import DETAILS, REFERENCES, Artefact

OURS = Dataflow(id=FLOW, agency=AGENCY, version=VERSION)
ANY = ("*", "all", "")
LATEST = ("+", "~", "latest", *ANY)
CONTEXTS = ("dataflow", "datastructure", *ANY)
ELSEWHERE = (
    "provisionagreement", "metadataflow", "metadatastructure", "categoryscheme", "categorisation", "hierarchy",
    "hierarchicalcodelist", "hierarchyassociation", "valuelist", "dataproviderscheme", "dataconsumerscheme",
    "metadataproviderscheme", "organisationunitscheme", "organisationscheme", "reportingtaxonomy", "structuremap", "structureset",
    "representationmap", "process", "contentconstraint", "attachmentconstraint", "dataconstraint", "metadataconstraint",
    "actualconstraint", "allowedconstraint", "metadataprovisionagreement", "transformationscheme", "rulesetscheme",
    "userdefinedoperatorscheme", "customtypescheme", "namepersonalisationscheme", "vtlmappingscheme", "conceptschememap",
    "categoryschememap", "organisationschememap", "reportingtaxonomymap",
)  # fmt: skip
"""Types of artefact that the standard has and this service has none of."""

VERSIONS = re.compile(r"[0-9]+(\.[0-9]+\+?){0,2}\+?(-[0-9A-Za-z.-]+)?")
VERSION_EXPECTED = "Expected a version such as 1.0.0, or one of +, ~, *, latest."

Count = Annotated[Integer | None, Field(ge=1)]


class Periods(NoParameters):
    """Between which periods; beside these come conditions on components, as ``c[…]``."""

    startPeriod: Annotated[str | None, Field(description="Periods that begin on or after the first day of this one.")] = None
    endPeriod: Annotated[str | None, Field(description="Periods that end on or before the last day of this one.")] = None


class DataParameters(Periods):
    """The parameters of data."""

    updatedAfter: Annotated[
        AsOf, Field(description="What changed since this moment: what is new or other, and what is gone.")
    ] = None
    asOf: Annotated[AsOf, Field(description="The data as known then: a date-time, a day or a revision's number.")] = None
    firstNObservations: Annotated[Count, Field(description="Of each series the first so many.")] = None
    lastNObservations: Annotated[Count, Field(description="Of each series the last so many.")] = None
    dimensionAtObservation: Annotated[
        str, Field(description=f"The dimension at the observations, or `{ALL_DIMENSIONS}` for a flat list.")
    ] = TIME
    detail: Annotated[
        Literal["full", "dataonly", "serieskeysonly", "nodata"], Field(description="How much is said of each series.")
    ] = "full"
    attributes: Annotated[list[str] | None, Comma, Field(description="Ids of attributes, or `all`, `dsd`, `obs`, `none` …")] = (
        None
    )
    measures: Annotated[list[str] | None, Comma, Field(description="Ids of measures, `all` or `none`.")] = None
    includeHistory: Annotated[Flag, Field(description="Earlier versions too; not served, see `asOf`.")] = False


class AvailabilityParameters(Periods):
    """The parameters of what data there are."""

    references: Annotated[list[str] | None, Comma, Field(description="Which artefacts come with the constraint.")] = None
    mode: Annotated[
        Literal["exact", "available"], Field(description="Values that the query finds, or that it could find more with.")
    ] = "exact"


class StructureParameters(NoParameters):
    """The parameters of structural metadata."""

    detail: Annotated[Literal[tuple(DETAILS)], Field(description="How much is said of each artefact.")] = "full"  # type: ignore[valid-type]
    references: Annotated[list[str] | None, Comma, Field(description="Which artefacts come with those asked for.")] = None


class SchemaParameters(NoParameters):
    """The parameters of a schema."""

    dimensionAtObservation: Annotated[str, Field(description="The dimension at the observations.")] = TIME


@dataclass(frozen=True, slots=True)
class Where:
    """What a path names: artefacts by agency, id and version, of item schemes also by items."""

    agencies: Sequence[str]
    ids: Sequence[str]
    versions: Sequence[str]
    items: Sequence[str]

    def names(self, artefact: Artefact) -> bool:
        """Whether that artefact is among them; all are ours, also the scheme of agencies, which is kept by SDMX."""
        version = artefact.version
        return (
            _covers(self.agencies, (AGENCY, artefact.agency))
            and _covers(self.ids, (artefact.id,))
            and _covers(self.versions, (*LATEST, version, version.removesuffix(".0")))
        )


def _covers(asked: Sequence[str], names: Sequence[str]) -> bool:
    return any(each in names or each in ANY for each in asked)


def where(parts: Sequence[str], most: int) -> Where:
    """The artefacts that a path names after its type, in at most so many parts. Raises InvalidParameters."""
    agencies, ids, versions, items = (part.split(",") for part in [*parts, *["*"] * 4][:4])
    faults = [
        Fault(VERSION_EXPECTED, "malformed_version", parameter="version", suggestion=VERSION)
        for version in versions
        if version not in LATEST and not VERSIONS.fullmatch(version)
    ]
    if len(parts) > most:
        faults.append(Fault(f"There are {len(parts)} parts; expected at most {most}.", "malformed_path", parameter="path"))
    if faults:
        raise InvalidParameters("The path cannot be understood.", faults)
    return Where(agencies, ids, versions, items if items != ["*"] else ())


def context_flow(parts: Sequence[str], most: int) -> Sequence[str]:
    """What follows context, agency, id and version in a path, if these are of our data flow. Raises NotFound."""
    context, *rest = parts
    if context in ELSEWHERE:
        raise NotFound("There are no data in this context.")
    if context not in CONTEXTS:
        near = nearest(context, CONTEXTS)
        fault = Fault("No such context.", "unknown_context", "context", allowed=CONTEXTS[:2], suggestion=near)
        raise InvalidParameters("The path cannot be understood.", [fault])
    return _after(where(rest[:3], 3), rest[3:], most)


def flow(parts: Sequence[str], most: int) -> Sequence[str]:
    """What follows the data flow in a path of SDMX 2.1, if it is ours: an id, or agency, id and version by commas."""
    reference = parts[0].split(",")
    return _after(where(reference if len(reference) > 1 else ["*", *reference], 3), parts[1:], most)


def _after(asked: Where, rest: Sequence[str], most: int) -> Sequence[str]:
    if not asked.names(OURS):
        fault = Fault("No data flow is called so.", "unknown_flow", suggestion=f"{AGENCY},{FLOW},{VERSION}")
        raise NotFound("There is no such data flow.", [fault])
    if len(rest) > most:
        message = f"There is more in the path than was expected: {'/'.join(rest[most:])[:100]}."
        raise InvalidParameters("The path cannot be understood.", [Fault(message, "malformed_path", parameter="path")])
    return rest


@dataclass(frozen=True, slots=True)
class Question:
    """A query for data: what is selected, of which revisions, and what is said of it."""

    selection: Selection
    parameters: DataParameters
    at: str
    shown: tuple[Component, ...]
    observed: bool


def question(request: Request, key: str) -> Question:
    """The query for data that a request is. Raises InvalidParameters with every fault."""
    found, selected, faults = _read(request, DataParameters, key)
    shown, unknown = _shown(found)
    faults += unknown
    known = (ALL_DIMENSIONS, *(each.id for each in DIMENSIONS), TIME)
    if found.dimensionAtObservation not in known:
        faults.append(_unknown("dimensionAtObservation", found.dimensionAtObservation, known))
    if faults:
        raise refused(faults)
    if found.includeHistory:
        raise NotImplementedHere("Earlier versions are served one at a time; asOf says of when.")
    ends = Selection(selected.keys, selected.conditions, found.firstNObservations, found.lastNObservations)
    observed = found.detail in ("full", "dataonly")
    at = found.dimensionAtObservation if observed else TIME  # the keys of series are those of time series
    return Question(ends, found, at, shown, observed)


def availability_question(request: Request, key: str, component: str) -> tuple[Selection, AvailabilityParameters]:
    """The query for what data there are that a request is. Raises InvalidParameters with every fault."""
    found, selected, faults = _read(request, AvailabilityParameters, key)
    faults += _unknown_references(found.references)
    known = tuple(each.id for each in DIMENSIONS)
    if component not in (*ANY, *known):
        faults.append(_unknown("componentId", component, known))
    if faults:
        raise refused(faults)
    return selected, found


Parameters = TypeVar("Parameters", bound=Periods)


def _read(request: Request, model: type[Parameters], key: str) -> tuple[Parameters, Selection, list[Fault]]:
    values = texts_of(request, plus="%2B")
    conditions: list[Condition] = []
    allowed, faults = keys(key)
    for name in [name for name in values if name.startswith("c[") and name.endswith("]")]:
        texts = values.pop(name)
        if len(texts) > 1:
            faults.append(Fault("Given more than once; expected one value.", "repeated", parameter=name))
        wanted, wrong = condition(name[2:-1], texts[0])
        faults += wrong
        conditions += [wanted] if wanted else []
        if len(faults) >= MOST_FAULTS:
            break
    try:
        found = validated(model, values)
    except InvalidParameters as error:
        raise refused([*faults, *error.errors]) from None
    periods, wrong = between(found.startPeriod, found.endPeriod)
    return found, Selection(allowed, (*conditions, *periods)), faults + wrong


GROUPS = {
    "attributes": {"all": ATTRIBUTES, "dsd": ATTRIBUTES, "obs": ATTRIBUTES, "none": (), "series": (), "dataset": (), "msd": ()},
    "measures": {"all": tuple(each for each in COMPONENTS if each.role == "measure"), "none": ()},
}
"""What stands for many attributes or measures."""


def _shown(parameters: DataParameters) -> tuple[tuple[Component, ...], list[Fault]]:
    """The measures and attributes that are asked for, in their order, and the ids that are unknown."""
    wanted: set[str] = set()
    faults: list[Fault] = []
    attributes = ["none"] if parameters.detail == "dataonly" else parameters.attributes or ["all"]
    for name, asked in (("measures", parameters.measures or ["all"]), ("attributes", attributes)):
        known = {each.id: (each,) for each in GROUPS[name]["all"]} | GROUPS[name]
        for each in dict.fromkeys(asked):
            if each in known:
                wanted |= {component.id for component in known[each]}
            elif len(faults) < MOST_FAULTS:
                faults.append(_unknown(name, each, tuple(known)))
    return tuple(each for each in COMPONENTS if each.id in wanted), faults


def _unknown_references(asked: Sequence[str] | None) -> list[Fault]:
    """What is wrong with the parameter ``references``."""
    known = (*REFERENCES, *ELSEWHERE)
    wrong = [each for each in dict.fromkeys(asked or ()) if each not in known]
    return [_unknown("references", each, tuple(REFERENCES)) for each in wrong[:MOST_FAULTS]]


def _unknown(parameter: str, value: str, known: Sequence[str]) -> Fault:
    return Fault("Unknown value.", "unknown_component", parameter, allowed=tuple(known), suggestion=nearest(value, known))


def structure_parameters(request: Request) -> StructureParameters:
    """The parameters of a query for structural metadata. Raises InvalidParameters with every fault."""
    found = validated(StructureParameters, texts_of(request))
    if faults := _unknown_references(found.references):
        raise refused(faults)
    return found
