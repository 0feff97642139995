"""Paths and parameters of SDMX-REST requests, parsed strictly, with every fault reported at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from fastapi import Request
from pydantic import Field
from pysdmx.model import Dataflow

from app.api.query_params import NoParameters, problem_of, texts_of, validate
from app.errors import MOST_FAULTS, Fault, InvalidParameters, NotFound, NotImplementedHere, nearest
from app.resources.parameter_types import AsOf, Comma, Flag, Integer
from app.sdmx.data_query import ComponentCondition, Selection, between, condition, keys
from app.sdmx.dsd import AGENCY, ALL_DIMENSIONS, ATTRIBUTES, COMPONENTS, DIMENSIONS, FLOW, TIME, VERSION, Component
from app.sdmx.structures import DETAILS, REFERENCES, Artefact

OUR_DATAFLOW = Dataflow(id=FLOW, agency=AGENCY, version=VERSION)
ANY = ("*", "all", "")
LATEST = ("+", "~", "latest", *ANY)
CONTEXTS = ("dataflow", "datastructure", *ANY)
UNSUPPORTED_TYPES = (
    "provisionagreement", "metadataflow", "metadatastructure", "categoryscheme", "categorisation", "hierarchy",
    "hierarchicalcodelist", "hierarchyassociation", "valuelist", "dataproviderscheme", "dataconsumerscheme",
    "metadataproviderscheme", "organisationunitscheme", "organisationscheme", "reportingtaxonomy", "structuremap", "structureset",
    "representationmap", "process", "contentconstraint", "attachmentconstraint", "dataconstraint", "metadataconstraint",
    "actualconstraint", "allowedconstraint", "metadataprovisionagreement", "transformationscheme", "rulesetscheme",
    "userdefinedoperatorscheme", "customtypescheme", "namepersonalisationscheme", "vtlmappingscheme", "conceptschememap",
    "categoryschememap", "organisationschememap", "reportingtaxonomymap",
)  # fmt: skip
"""Types of artefact in the standard of which this service has none."""

VERSIONS = re.compile(r"[0-9]+(\.[0-9]+\+?){0,2}\+?(-[0-9A-Za-z.-]+)?")
VERSION_EXPECTED = "Expected a version such as 1.0.0, or one of +, ~, *, latest."

Count = Annotated[Integer | None, Field(ge=1)]


class Periods(NoParameters):
    """Limits of periods; requests may also have conditions on components, as ``c[…]``."""

    startPeriod: Annotated[str | None, Field(description="Periods that begin on or after the first day of this one.")] = None
    endPeriod: Annotated[str | None, Field(description="Periods that end on or before the last day of this one.")] = None


class DataParameters(Periods):
    """Parameters of data queries."""

    updatedAfter: Annotated[
        AsOf, Field(description="Return only changes since this moment: new and revised observations, then deleted ones.")
    ] = None
    asOf: Annotated[
        AsOf, Field(description="Return the data as known at this point: a date-time, a day or a revision number.")
    ] = None
    firstNObservations: Annotated[Count, Field(description="At most the first N observations of each series.")] = None
    lastNObservations: Annotated[Count, Field(description="At most the last N observations of each series.")] = None
    dimensionAtObservation: Annotated[
        str, Field(description=f"The dimension at observation level, or `{ALL_DIMENSIONS}` for a flat list.")
    ] = TIME
    detail: Annotated[
        Literal["full", "dataonly", "serieskeysonly", "nodata"], Field(description="Amount of detail of each series.")
    ] = "full"
    attributes: Annotated[list[str] | None, Comma, Field(description="Ids of attributes, or `all`, `dsd`, `obs`, `none` …")] = (
        None
    )
    measures: Annotated[list[str] | None, Comma, Field(description="Ids of measures, `all` or `none`.")] = None
    includeHistory: Annotated[Flag, Field(description="Include earlier versions; not supported, see `asOf`.")] = False


class AvailabilityParameters(Periods):
    """Parameters of availability queries."""

    references: Annotated[
        list[str] | None, Comma, Field(description="Related artefacts to return together with the constraint.")
    ] = None
    mode: Annotated[
        Literal["exact", "available"],
        Field(
            description="`exact`: the values in the selected data; `available`: also the values that could be added to the query."
        ),
    ] = "exact"


class StructureParameters(NoParameters):
    """Parameters of structure queries."""

    detail: Annotated[Literal[tuple(DETAILS)], Field(description="Amount of detail of each artefact.")] = "full"  # type: ignore[valid-type]
    references: Annotated[
        list[str] | None, Comma, Field(description="Related artefacts to return together with the requested ones.")
    ] = None


class SchemaParameters(NoParameters):
    """Parameters of schema queries."""

    dimensionAtObservation: Annotated[str, Field(description="The dimension at observation level.")] = TIME


@dataclass(frozen=True, slots=True)
class ArtefactReference:
    """A reference in a path to artefacts, by agencies, ids and versions, for item schemes also by items."""

    agencies: Sequence[str]
    ids: Sequence[str]
    versions: Sequence[str]
    items: Sequence[str]

    def names(self, artefact: Artefact) -> bool:
        """Return whether it refers to the artefact.

        Our agency also finds the agency scheme, which belongs to the agency SDMX.
        """
        version = artefact.version
        return (
            _covers(self.agencies, (AGENCY, artefact.agency))
            and _covers(self.ids, (artefact.id,))
            and _covers(self.versions, (*LATEST, version, version.removesuffix(".0")))
        )


def _covers(requested: Sequence[str], names: Sequence[str]) -> bool:
    return any(name in names or name in ANY for name in requested)


def artefact_reference(parts: Sequence[str], most: int) -> ArtefactReference:
    """Return the reference in the path segments after the type.

    Raises:
        InvalidParameters: if a segment is malformed, or there are more than ``most``.
    """
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
    return ArtefactReference(agencies, ids, versions, items if items != ["*"] else ())


def context_flow(parts: Sequence[str], most: int) -> Sequence[str]:
    """Return the segments after context, agency, id and version in a path of SDMX 3.0.

    Raises:
        NotFound: if these are not of our data flow.
        InvalidParameters: if more than ``most`` segments follow, or the path is malformed.
    """
    context, *rest = parts
    if context in UNSUPPORTED_TYPES:
        raise NotFound("There are no data in this context.")
    if context not in CONTEXTS:
        near = nearest(context, CONTEXTS)
        fault = Fault("No such context.", "unknown_context", "context", allowed=CONTEXTS[:2], suggestion=near)
        raise InvalidParameters("The path cannot be understood.", [fault])
    return _after(artefact_reference(rest[:3], 3), rest[3:], most)


def flow(parts: Sequence[str], most: int) -> Sequence[str]:
    """Return the segments after the data flow in a path of SDMX 2.1.

    The data flow is an id, or agency, id and version separated by commas.

    Raises:
        NotFound: if it is not our data flow.
        InvalidParameters: if more than ``most`` segments follow, or the path is malformed.
    """
    reference = parts[0].split(",")
    return _after(artefact_reference(reference if len(reference) > 1 else ["*", *reference], 3), parts[1:], most)


def _after(reference: ArtefactReference, rest: Sequence[str], most: int) -> Sequence[str]:
    if not reference.names(OUR_DATAFLOW):
        fault = Fault("No data flow is called so.", "unknown_flow", suggestion=f"{AGENCY},{FLOW},{VERSION}")
        raise NotFound("There is no such data flow.", [fault])
    if len(rest) > most:
        message = f"There is more in the path than was expected: {'/'.join(rest[most:])[:100]}."
        raise InvalidParameters("The path cannot be understood.", [Fault(message, "malformed_path", parameter="path")])
    return rest


@dataclass(frozen=True, slots=True)
class DataQuery:
    """A data query.

    Attributes:
        selection: The selected observations.
        parameters: The parameters of the request.
        at: The dimension at observation level.
        shown: The measures and attributes to return.
        observed: True to return observations, False for series keys only.
    """

    selection: Selection
    parameters: DataParameters
    at: str
    shown: tuple[Component, ...]
    observed: bool


def data_query(request: Request, key: str) -> DataQuery:
    """Return the data query of a request. Raises InvalidParameters with every fault."""
    parameters, selected, faults = _read(request, DataParameters, key)
    shown, unknown = _shown(parameters)
    faults += unknown
    known = (ALL_DIMENSIONS, *(dimension.id for dimension in DIMENSIONS), TIME)
    if parameters.dimensionAtObservation not in known:
        faults.append(_unknown("dimensionAtObservation", parameters.dimensionAtObservation, known))
    if faults:
        raise problem_of(faults)
    if parameters.includeHistory:
        raise NotImplementedHere("Earlier versions are served one at a time; asOf says of when.")
    selection = Selection(selected.keys, selected.conditions, parameters.firstNObservations, parameters.lastNObservations)
    observed = parameters.detail in ("full", "dataonly")
    at = parameters.dimensionAtObservation if observed else TIME  # series keys alone are those of time series
    return DataQuery(selection, parameters, at, shown, observed)


def availability_query(request: Request, key: str, component: str) -> tuple[Selection, AvailabilityParameters]:
    """Return the availability query of a request.

    Raises:
        InvalidParameters: with every fault.
    """
    parameters, selection, faults = _read(request, AvailabilityParameters, key)
    faults += _unknown_references(parameters.references)
    known = tuple(dimension.id for dimension in DIMENSIONS)
    if component not in (*ANY, *known):
        faults.append(_unknown("componentId", component, known))
    if faults:
        raise problem_of(faults)
    return selection, parameters


Parameters = TypeVar("Parameters", bound=Periods)


def _read(request: Request, model: type[Parameters], key: str) -> tuple[Parameters, Selection, list[Fault]]:
    """Return the parameters, the selection, and the faults of keys and conditions."""
    values = texts_of(request, plus="%2B")
    conditions: list[ComponentCondition] = []
    allowed, faults = keys(key)
    for name in [name for name in values if name.startswith("c[") and name.endswith("]")]:
        texts = values.pop(name)
        if len(texts) > 1:
            faults.append(Fault("Given more than once; expected one value.", "repeated", parameter=name))
        selected, malformed = condition(name[2:-1], texts[0])
        faults += malformed
        conditions += [selected] if selected else []
        if len(faults) >= MOST_FAULTS:
            break
    try:
        parameters = validate(model, values)
    except InvalidParameters as error:
        raise problem_of([*faults, *error.errors]) from None
    periods, malformed = between(parameters.startPeriod, parameters.endPeriod)
    return parameters, Selection(allowed, (*conditions, *periods)), faults + malformed


GROUPS = {
    "attributes": {"all": ATTRIBUTES, "dsd": ATTRIBUTES, "obs": ATTRIBUTES, "none": (), "series": (), "dataset": (), "msd": ()},
    "measures": {"all": tuple(component for component in COMPONENTS if component.role == "measure"), "none": ()},
}
"""Values of ``attributes`` and ``measures`` that stand for several components, or for none."""


def _shown(parameters: DataParameters) -> tuple[tuple[Component, ...], list[Fault]]:
    """Return the requested measures and attributes, and faults for unknown ids."""
    selected: set[str] = set()
    faults: list[Fault] = []
    attributes = ["none"] if parameters.detail == "dataonly" else parameters.attributes or ["all"]
    for parameter, values in (("measures", parameters.measures or ["all"]), ("attributes", attributes)):
        known = {component.id: (component,) for component in GROUPS[parameter]["all"]} | GROUPS[parameter]
        for value in dict.fromkeys(values):
            if value in known:
                selected |= {component.id for component in known[value]}
            elif len(faults) < MOST_FAULTS:
                faults.append(_unknown(parameter, value, tuple(known)))
    return tuple(component for component in COMPONENTS if component.id in selected), faults


def _unknown_references(references: Sequence[str] | None) -> list[Fault]:
    """Return a fault for every unknown value of the parameter ``references``."""
    known = (*REFERENCES, *UNSUPPORTED_TYPES)
    unknown = [reference for reference in dict.fromkeys(references or ()) if reference not in known]
    return [_unknown("references", reference, tuple(REFERENCES)) for reference in unknown[:MOST_FAULTS]]


def _unknown(parameter: str, value: str, known: Sequence[str]) -> Fault:
    return Fault("Unknown value.", "unknown_component", parameter, allowed=tuple(known), suggestion=nearest(value, known))


def structure_parameters(request: Request) -> StructureParameters:
    """Return the parameters of a structure query.

    Raises:
        InvalidParameters: with every fault.
    """
    parameters = validate(StructureParameters, texts_of(request))
    if faults := _unknown_references(parameters.references):
        raise problem_of(faults)
    return parameters
