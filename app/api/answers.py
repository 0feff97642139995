"""Declared responses for OpenAPI: models shared by routes, and functions that build a route's ``responses``.

The models of a single route are in its module.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import GenericAlias
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, create_model

from app.errors import MEDIA_TYPE, PROBLEMS, BadRequest, InternalError
from app.errors import Problem as ProblemType
from app.formats import formats_for
from app.resources import BY_NAME
from app.resources.base import Resource

EXAMPLES = Path(__file__).parent / "examples.json"
JSON = "application/json"
Responses = dict[int | str, dict[str, Any]]


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Return recorded responses: a ``list`` and an ``item`` of each resource.

    ``make examples`` writes them.
    """
    return msgspec.json.decode(EXAMPLES.read_bytes(), type=dict[str, dict[str, Any]])


def requires(*names: str) -> ConfigDict:
    """Return a model configuration in which only the members ``names`` are required."""
    return ConfigDict(json_schema_extra={"required": list(names)})


class Hint(BaseModel):
    """A possible reason for an empty list."""

    model_config = requires("parameter", "value", "message")

    parameter: str = Field(description="The filter.")
    value: str = Field(description="The value, which is no existing id.")
    message: str = Field(description="Description of the fault.")
    suggestion: str = Field(description="The id of the entity with that name, else the most similar id.")


class FacetCount(BaseModel):
    """A value of a column, with its number of rows."""

    value: Any
    count: int


class ListMeta(BaseModel):
    """Facts about a page of a list."""

    model_config = requires("revision", "count", "total")

    revision: int = Field(description="Revision of the data set in this response.")
    count: int = Field(description="Number of rows in this response.")
    total: int | None = Field(description="Number of rows in the whole result; null unless requested by `total=true`.")
    hints: list[Hint] = Field(description="Present only if the list is empty and a filter has an id that does not exist.")


class ListLinks(BaseModel):
    """Links of a page."""

    self: str
    next: str | None = Field(description="The next page; null on the last one.")


class ItemMeta(BaseModel):
    """Facts about an item."""

    revision: int = Field(description="Revision of the data set in this response.")
    truncated: list[str] = Field(description="Included resources with more rows than this response has; see `links`.")


class ItemLinks(BaseModel):
    """Links to the item itself, and to the full lists of its included rows."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": {"type": "string"}})

    self: str


class Fault(BaseModel):
    """A fault of a request."""

    model_config = requires("code", "message")

    code: str = Field(description="Stable machine-readable code.")
    message: str = Field(description="What is wrong, and what was expected.")
    parameter: str = Field(description="The parameter or header at fault.")
    pointer: str = Field(description="JSON pointer (RFC 6901) into a submitted document.")
    allowed: list[str] = Field(description="Allowed values.")
    suggestion: str = Field(description="The most similar allowed value.")
    line: int = Field(description="Line in a submitted document.")
    column: int = Field(description="Column in a submitted document.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = requires("type", "title", "status", "detail", "instance")

    type: str = Field(json_schema_extra={"enum": [f"/problems/{problem.slug}" for problem in PROBLEMS]})
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request.")
    errors: list[Fault]


@lru_cache
def list_model(resource: Resource) -> type[BaseModel]:
    """Return the model of a page of a resource."""
    row: Any = resource.public
    facets: Any = Field(description="Values of each column in `facets`, with their counts in the whole result.")
    return create_model(
        f"{row.__name__}List",
        __config__=requires("data", "meta", "links"),
        data=(list[row], ...),
        meta=(ListMeta, ...),
        links=(ListLinks, ...),
        facets=(dict[str, list[FacetCount]], facets),
    )


@lru_cache
def item_model(resource: Resource) -> type[BaseModel]:
    """Return the model of an item of a resource, with its included rows."""
    row: Any = resource.public
    rows: dict[str, Any] = {include.resource: BY_NAME[include.resource].public for include in resource.includes}
    included: dict[str, Any] = {name: (GenericAlias(list, (model,)), ...) for name, model in rows.items()}
    data: Any = create_model(f"{row.__name__}WithRows", __base__=row, **included) if included else row
    return create_model(f"{row.__name__}Item", data=(data, ...), meta=(ItemMeta, ...), links=(ItemLinks, ...))


def responses(
    description: str,
    *problems: type[ProblemType],
    model: type[BaseModel] | None = None,
    example: Any = None,
    media: Mapping[str, Mapping[str, Any]] | None = None,
    status: int = 200,
) -> Responses:
    """Return the responses of a route: a success and ``problems``.

    ``model`` describes the JSON response; ``media`` has the schemas of other media types.
    """
    content: dict[str, Any] = {} if model is None else {JSON: {}}  # the first: generated clients read the first one
    content |= {name: {"schema": dict(schema)} for name, schema in (media or {}).items()}
    if example is not None:
        content[JSON]["example"] = example
    success: dict[str, Any] = {"description": description, "content": content}
    if model is not None:
        success["model"] = model
    return {status: success, **errors(*problems)}


TEXT: Mapping[str, Any] = {"type": "string"}
OBJECT: Mapping[str, Any] = {"type": "object"}


def document_responses(description: str, *problems: type[ProblemType]) -> Responses:
    """Return the responses of a route about the service: a JSON object, or problems."""
    return responses(description, BadRequest, *problems, media={JSON: OBJECT})


def other_media(columns: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    """Return the schemas of all media types but JSON for rows with these columns."""
    return {format_.media_type: TEXT for format_ in formats_for(tuple(columns)) if format_.media_type != JSON}


def errors(*problems: type[ProblemType]) -> Responses:
    """Return the responses with these problems and InternalError, by status."""
    by_status: dict[int | str, list[type[ProblemType]]] = {}
    all_problems: Iterable[type[ProblemType]] = (*problems, InternalError)
    for problem in all_problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {"description": "; ".join(problem.title for problem in same), "content": {MEDIA_TYPE: problem_content(same[0])}}
        for status, same in by_status.items()
    }


def problem_content(problem: type[ProblemType]) -> dict[str, Any]:
    """Return the schema of a problem document; module ``openapi`` adds the example."""
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "x-problem": problem.slug}
