"""Endpoints of SDMX-REST: structures, data, availability and schemas, in both versions of the API."""

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from app.api.query_params import openapi_parameters
from app.errors import (
    BadRequest,
    InternalError,
    NotAcceptable,
    NotFound,
    NotImplementedHere,
    PayloadTooLarge,
    Problem,
    Unavailable,
)
from app.sdmx import responses
from app.sdmx.media_types import API, DATA, Message
from app.sdmx.requests import AvailabilityParameters, DataParameters, Periods, SchemaParameters, StructureParameters
from app.sdmx.structures import STRUCTURES

router = APIRouter(prefix="/sdmx", tags=["SDMX"])


@dataclass(frozen=True, slots=True)
class Address:
    """One kind of SDMX-REST resource.

    Attributes:
        name: The name in operation ids.
        summary: The summary of the operation.
        description: The description of the operation.
        segments: The first segment of the path, by version of the API.
        paths: The description of the remaining path, by version of the API.
        parameters: The query parameters.
        messages: The messages on offer.
        answer: The handler of a request, given the path segments after the first.
        problems: Problems that only this kind of resource has.
    """

    name: str
    summary: str
    description: str
    segments: Mapping[API, str]
    paths: Mapping[API, str]
    parameters: type[BaseModel]
    messages: Sequence[Message]
    answer: Callable[[Request, API, Sequence[str]], Awaitable[Response]]
    problems: Sequence[type[Problem]] = ()


FLOWS: Mapping[API, str] = {
    "3.0": "Context, agency, id and version of the data flow, then a key: `dataflow/RI/OBSERVATIONS/+/A.110101`.",
    "2.1": "The data flow, then a key: `OBSERVATIONS/A.110101`, or `RI,OBSERVATIONS,1.0.0/all`.",
}
ARTEFACTS = "Type, agency, id, version and item: `codelist/RI/CL_INDICATOR/1.0.0`. What is left out at the end may be anything."
SCHEMAS = "Context, agency, id and version of the data flow: `dataflow/RI/OBSERVATIONS/1.0.0`."

ADDRESSES = (
    Address(
        "data",
        "Observations",
        "Figures with their hedges and bounds, selected by keys and conditions, as SDMX-CSV, SDMX-ML or SDMX-JSON.",
        {"3.0": "data/", "2.1": "data/"},
        FLOWS,
        DataParameters,
        DATA,
        responses.data,
        (PayloadTooLarge, NotImplementedHere),
    ),
    Address(
        "availability",
        "What data there are",
        "The values of each dimension that occur in what is selected, how many series and observations, and between which days.",
        {"3.0": "availability/", "2.1": "availableconstraint/"},
        FLOWS,
        AvailabilityParameters,
        STRUCTURES,
        responses.availability,
    ),
    Address(
        "schema",
        "What data are like",
        "The data structure, its concepts and its code lists.",
        {"3.0": "schema/", "2.1": "schema/"},
        {"3.0": SCHEMAS, "2.1": SCHEMAS},
        SchemaParameters,
        STRUCTURES,
        responses.schema,
    ),
    Address(
        "structure",
        "Structural metadata",
        "The data flow, the data structure, concepts, code lists and agencies, alone or with what they refer to.",
        {"3.0": "structure/", "2.1": ""},
        {"3.0": ARTEFACTS, "2.1": ARTEFACTS},
        StructureParameters,
        STRUCTURES,
        responses.structure,
    ),
)
"""Resources of both versions of the API; the one without a segment of its own comes last."""

CONDITIONS: dict[str, Any] = {
    "name": "c",
    "in": "query",
    "description": "Conditions on components, a parameter each: `c[REF_AREA]=110101,110102`, `c[TIME_PERIOD]=ge:2020+le:2023`; "
    "`,` is or, `+` is and; the operators are eq ne lt le gt ge co nc sw ew.",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    "style": "deepObject",
}


def _responses(address: Address) -> dict[int | str, dict[str, Any]]:
    """Return the responses of an address: a message, or an error message."""
    errors = {"application/xml": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}}
    problems: tuple[type[Problem], ...] = (BadRequest, NotFound, NotAcceptable, InternalError, Unavailable, *address.problems)
    return {
        200: {"description": "The message.", "content": {message.media_type: {"schema": {}} for message in address.messages}},
        **{problem.status: {"description": problem.title, "content": copy.deepcopy(errors)} for problem in problems},
    }


def _add(address: Address, api: API) -> None:
    """Add the route of one address in one version of the API."""

    async def endpoint(request: Request, path: Annotated[str, Path(description=address.paths[api])]) -> Response:
        return await address.answer(request, api, path.rstrip("/").split("/"))  # a trailing slash has no meaning

    conditions = [CONDITIONS] if issubclass(address.parameters, Periods) else []
    router.add_api_route(
        f"/{api}/{address.segments[api]}{{path:path}}",
        endpoint,
        operation_id=f"sdmx_{address.name}_{api.replace('.', '_')}",
        summary=f"{address.summary} (SDMX {api})",
        description=address.description,
        responses=_responses(address),
        openapi_extra={"parameters": [*openapi_parameters(address.parameters), *conditions]},
        response_class=Response,
    )


for each in ("3.0", "2.1"):
    for one in ADDRESSES:
        _add(one, each)
