"""Declarations of responses, from which OpenAPI is made: the shared models, and the responses of a route.

A route's own models stand beside it.
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
    """Return responses to real requests, of each resource a ``list`` and an ``item``; ``make examples`` writes them."""
    return msgspec.json.decode(EXAMPLES.read_bytes(), type=dict[str, dict[str, Any]])


def requires(*names: str) -> ConfigDict:
    """Return the configuration of a model of which only these members are always present."""
    return ConfigDict(json_schema_extra={"required": list(names)})


class Hint(BaseModel):
    """A possible reason why nothing was found."""

    model_config = requires("parameter", "value", "message")

    parameter: str = Field(description="The filter.")
    value: str = Field(description="Its value, which is no id.")
    message: str = Field(description="What is wrong with it.")
    suggestion: str = Field(description="The id of the entity of that name, or the most similar id.")


class FacetCount(BaseModel):
    """A value of a column with its count."""

    value: Any
    count: int


class ListMeta(BaseModel):
    """Facts about a page of a list."""

    model_config = requires("revision", "count", "total")

    revision: int = Field(description="Revision of the data set that was read.")
    count: int = Field(description="Rows in this response.")
    total: int | None = Field(description="Rows of the whole result; null unless `total=true` asks for it.")
    hints: list[Hint] = Field(description="Present only if nothing was found and a filter names an id that does not exist.")


class ListLinks(BaseModel):
    """Links of a page."""

    self: str
    next: str | None = Field(description="The next page; null on the last one.")


class ItemMeta(BaseModel):
    """Facts about an item."""

    revision: int = Field(description="Revision of the data set that was read.")
    truncated: list[str] = Field(description="Included resources with more rows than the item carries; see `links`.")


class ItemLinks(BaseModel):
    """The item itself, and the lists that its included rows are part of."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": {"type": "string"}})

    self: str


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    model_config = requires("code", "message")

    code: str = Field(description="A stable machine-readable word.")
    message: str = Field(description="What is wrong and what was expected.")
    parameter: str = Field(description="The parameter or header at fault.")
    pointer: str = Field(description="JSON pointer (RFC 6901) into a submitted document.")
    allowed: list[str] = Field(description="The values that would have been right.")
    suggestion: str = Field(description="The nearest right value.")
    line: int = Field(description="Line of a submitted document.")
    column: int = Field(description="Column of a submitted document.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = requires("type", "title", "status", "detail", "instance")

    type: str = Field(json_schema_extra={"enum": [f"/problems/{problem.slug}" for problem in PROBLEMS]})
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path of the request.")
    errors: list[Fault]


@lru_cache
def list_model(resource: Resource) -> type[BaseModel]:
    """Return the model of a page of a resource."""
    row: Any = resource.public
    facets: Any = Field(description="By column the values in the whole result with their counts, if `facets` asks for them.")
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
    """Return the model of an item of a resource, with the rows that it carries."""
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

    ``model`` is that of JSON; ``media`` has the schemas of other media types.
    """
    content: dict[str, Any] = {name: {"schema": dict(schema)} for name, schema in (media or {}).items()}
    if example is not None:
        content.setdefault(JSON, {})["example"] = example
    success: dict[str, Any] = {"description": description, "content": content}
    if model is not None:
        success["model"] = model
    return {status: success, **errors(*problems)}


TEXT: Mapping[str, Any] = {"type": "string"}
OBJECT: Mapping[str, Any] = {"type": "object"}


def document_responses(description: str, *problems: type[ProblemType]) -> Responses:
    """Return the responses of a route about the service itself, whose success is a JSON object."""
    return responses(description, BadRequest, *problems, media={JSON: OBJECT})


def written(columns: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    """Return the schemas of the media types in which rows with these columns are written, besides JSON."""
    return {format_.media_type: TEXT for format_ in formats_for(tuple(columns)) if format_.media_type != JSON}


def errors(*problems: type[ProblemType]) -> Responses:
    """Return the responses with these problems; every route can also fail."""
    by_status: dict[int | str, list[type[ProblemType]]] = {}
    answering: Iterable[type[ProblemType]] = (*problems, InternalError)
    for problem in answering:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {"description": "; ".join(problem.title for problem in same), "content": {MEDIA_TYPE: problem_content(same[0])}}
        for status, same in by_status.items()
    }


def problem_content(problem: type[ProblemType]) -> dict[str, Any]:
    """Return the schema of a problem document; ``openapi`` makes its example for each operation."""
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "x-problem": problem.slug}
