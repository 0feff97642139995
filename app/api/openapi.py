"""The OpenAPI document: schemas of answers, errors and examples, made from the declarations."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from app.dataset import Column
from app.errors import (
    MEDIA_TYPE,
    PROBLEMS,
    BadRequest,
    InternalError,
    InvalidParameters,
    NotAcceptable,
    NotComparable,
    NotFound,
    Problem,
)
from app.formats import formats_for
from app.query.search import COLUMNS as SEARCH_COLUMNS
from app.resource import Resource
from app.resources import ALL, BY_NAME

REF = "#/components/schemas/"
EXAMPLES = Path(__file__).parent / "examples.json"

TAGS = {
    "District metrics": (
        "Observations: what a source says about one indicator of one subject, with hedge, bounds, period and citation. "
        "Indicators define what is measured, designations are titles conferred on an entity."
    ),
    "Industry clusters": "Pillar industries, emerging tracks and segments of a region.",
    "Zones": "Functional zones, development zones and innovation communities.",
    "Incentive programmes": "Frameworks, action plans, services, subsidies and housing; their targets are observations.",
    "Organisations and projects": "Who is named and what is built, and the relations that tie them to clusters and zones.",
    "Sources and history": "The published texts behind every fact, and the revisions by which documents were published.",
    "Search": "One ranked list over names and texts, in Chinese and English.",
    "Publishing": "The format of the documents that transcribe sources.",
    "Service": "Health, limits, problem types and the index of links.",
}

DESCRIPTION = """What regional economic news states, as statistics that can be queried, compared and cited.

Every figure keeps its **hedge and bounds** ("nearly 300" is not 300), its **period** or the fact that none was stated, its
**unit**, and its **place in the source**. Nulls mean that the source does not say. `statement` is a sentence that is safe to
print.

Lists answer `{"data", "meta", "links"}`; follow `links.next` for more. Errors are problem documents (RFC 9457)."""


@cache
def examples() -> dict[str, dict[str, Any]]:
    """Answers to real requests by resource: of its ``list`` and of its ``item``. Made from the seed, and tested against it."""
    return msgspec.json.decode(EXAMPLES.read_bytes(), type=dict[str, dict[str, Any]])


def list_answers(resource: Resource) -> dict[int | str, dict[str, Any]]:
    """The answers of a list, for OpenAPI."""
    answer = _answer(
        f"{resource.public.__name__}List", examples()[resource.name]["list"], f"A page of {resource.name}.", resource.columns
    )
    return {200: answer, **errors(BadRequest, NotAcceptable, InvalidParameters)}


def item_answers(resource: Resource) -> dict[int | str, dict[str, Any]]:
    """The answers of an item, for OpenAPI."""
    answer = _answer(
        f"{resource.public.__name__}Item", examples()[resource.name]["item"], f"The {resource.singular}.", resource.columns
    )
    return {200: answer, **errors(BadRequest, NotFound, NotAcceptable, InvalidParameters)}


def profile_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of a region's profile, for OpenAPI."""
    answer = _answer("Profile", examples()["profile"]["item"], "The profile of the region.")
    answer["content"] = {"application/json": answer["content"]["application/json"]}
    return {200: answer, **errors(BadRequest, NotFound, InvalidParameters)}


def search_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of the search, for OpenAPI."""
    answer = _answer("SearchList", examples()["search"]["list"], "The best matches.", SEARCH_COLUMNS)
    return {200: answer, **errors(BadRequest, NotAcceptable, InvalidParameters)}


def changes_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of the changes, for OpenAPI."""
    answer = _answer("ChangeList", examples()["changes"]["list"], "A page of changes.")
    answer["content"]["application/atom+xml"] = {"schema": {"type": "string"}}
    return {200: answer, **errors(BadRequest, NotAcceptable, InvalidParameters)}


def compare_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of a comparison, for OpenAPI."""
    answer = _answer("Comparison", examples()["compare"]["list"], "The figures side by side.")
    return {200: answer, **errors(BadRequest, NotComparable, InvalidParameters)}


def citation_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of a citation, for OpenAPI."""
    media = ("text/plain", "application/vnd.citationstyles.csl+json", "application/x-bibtex")
    content: dict[str, Any] = {name: {"schema": {"type": "string"}} for name in media}
    content[media[1]] = {"schema": _objects({})}
    answer = {"description": "The citation.", "content": content}
    return {200: answer, **errors(BadRequest, NotFound, NotAcceptable, InvalidParameters)}


def json_answer(description: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route about the service itself, for OpenAPI."""
    answer = {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}
    return {200: answer, **errors(BadRequest, InvalidParameters)}


def errors(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The answers with these problems, for OpenAPI; every route can also fail."""
    answering: tuple[type[Problem], ...] = (*problems, InternalError)
    return {
        problem.status: {
            "description": problem.title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"{REF}Problem"}, "example": _example(problem)}},
        }
        for problem in answering
    }


def _answer(schema: str, example: Any, description: str, columns: Sequence[Column] = ()) -> dict[str, Any]:
    content: dict[str, Any] = {format_.media_type: {"schema": {"type": "string"}} for format_ in formats_for(columns)}
    content["application/json"] = {"schema": {"$ref": REF + schema}, "example": example}
    headers = {
        "Content-Language": {"description": "The language of the answer.", "schema": {"type": "string"}},
        "Link": {"description": "`next`, `alternate` and `describedby` (RFC 8288).", "schema": {"type": "string"}},
    }
    return {"description": description, "content": content, "headers": headers}


def _example(problem: type[Problem]) -> dict[str, Any]:
    return {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.meaning.split("; ")[0].split(": ")[0].rstrip(".") + ".",
        "instance": "/v1/zones",
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the application."""
    found = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for resource in ALL:
        schemas.update(_schemas(resource))
    schemas.update(SHARED)
    schemas["Profile"] = _profile_schema()
    interval = {"type": "object", "properties": {"lower": _MAYBE_NUMBER, "upper": _MAYBE_NUMBER, "exact": {"type": "boolean"}}}
    compared = _extended("Observation", {"difference": interval, "ratio": {"anyOf": [interval, {"type": "null"}]}})
    schemas["Comparison"] = _envelope({"type": "array", "items": compared}, "CompareMeta", "ItemLinks")
    schemas["ChangeList"] = _envelope(_objects(CHANGE), "ChangesMeta", "ListLinks")
    schemas["SearchList"] = _envelope(
        _objects({column.name: _column(column) for column in SEARCH_COLUMNS}), "ListMeta", "ListLinks"
    )
    return found


def _column(column: Column) -> dict[str, Any]:
    """The schema of a cell of a column that no public model describes."""
    kinds = [_TEXT if column.type == "string" else {"type": column.type}, {"type": "null"}]
    return {"anyOf": kinds, "description": column.description}


def _profile_schema() -> dict[str, Any]:
    facts = {"observations": _array("Observation"), "designations": _array("Designation")}
    ties = {"type": "array", "items": {"$ref": f"{REF}Tie"}}
    project, stated = _extended("Project", facts), _array("Observation")
    within = {"located_in": ties, "promotes": ties, "projects": {"type": "array", "items": project}}
    members = {
        "region": {"$ref": f"{REF}Region"},
        "metrics": _objects({"topic": _TEXT, "observations": _array("Observation")}),
        "clusters": {"type": "array", "items": _extended("Cluster", facts | {"members": ties})},
        "zones": {
            "type": "array",
            "items": _extended("Zone", facts | within),
        },
        "programmes": {
            "type": "array",
            "items": _extended("Programme", {"supports": ties, "observations": stated, "targets": stated}),
        },
        "projects": {"type": "array", "items": project},
        "organisations": ties,
        "designations": _array("Designation"),
        "not_stated": _objects({"source": _TEXT, "about": _MAYBE_TEXT, "missing": _MAYBE_TEXT, "text": _TEXT}),
    }
    return _envelope(
        {"type": "object", "properties": members, "required": list(members)},
        "ProfileMeta",
        "ItemLinks",
    )


def _extended(name: str, members: dict[str, Any]) -> dict[str, Any]:
    """The row ``name`` with further members."""
    return {"allOf": [{"$ref": REF + name}, {"type": "object", "properties": members, "required": list(members)}]}


def _objects(members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": members, "required": list(members)}}


def _schemas(resource: Resource) -> dict[str, Any]:
    name = resource.public.__name__
    carried = {include.resource: _array(BY_NAME[include.resource].public.__name__) for include in resource.includes}
    data = _extended(name, carried) if carried else {"$ref": REF + name}
    return {
        name: _row_schema(resource.public),
        f"{name}List": _envelope(_array(name), "ListMeta", "ListLinks", FACETS),
        f"{name}Item": _envelope(data, "ItemMeta", "ItemLinks"),
    }


def _row_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a row; members may be absent where ``fields`` leaves them out."""
    schema = model.model_json_schema(ref_template=REF + "{model}", mode="serialization")
    del schema["required"]
    return schema


def _array(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": REF + name}}


def _envelope(data: dict[str, Any], meta: str, links: str, optional: dict[str, Any] | None = None) -> dict[str, Any]:
    members = {"data": data, "meta": {"$ref": REF + meta}, "links": {"$ref": REF + links}}
    return {"type": "object", "properties": members | (optional or {}), "required": list(members)}


_TEXT, _WHOLE = {"type": "string"}, {"type": "integer"}
_MAYBE_TEXT = {"anyOf": [_TEXT, {"type": "null"}]}

_MAYBE_NUMBER = {"anyOf": [{"type": "number"}, {"type": "null"}]}
_FACT = {"anyOf": [*({"$ref": f"{REF}{name}"} for name in ("Observation", "Relation", "Designation")), {"type": "null"}]}

CHANGE: dict[str, Any] = {
    "revision": {**_WHOLE, "description": "The revision that made the change."},
    "published_at": {**_TEXT, "format": "date-time", "description": "When that was published."},
    "resource": {**_TEXT, "description": "The resource that the fact is of."},
    "id": {**_TEXT, "description": "Id of the fact."},
    "change": {**_TEXT, "enum": ["added", "changed", "retracted"]},
    "old": {**_FACT, "description": "The fact before; null where it was added."},
    "new": {**_FACT, "description": "The fact since then; null where it was retracted."},
}

FACETS: dict[str, Any] = {
    "facets": {
        "type": "object",
        "description": "By column the values in the whole result with their counts, where `facets` asks for them.",
        "additionalProperties": {
            "type": "array",
            "items": {"type": "object", "properties": {"value": {}, "count": _WHOLE}, "required": ["value", "count"]},
        },
    }
}

SHARED: dict[str, Any] = {
    "ListMeta": {
        "type": "object",
        "properties": {
            "revision": {**_WHOLE, "description": "Revision of the data set that was read."},
            "count": {**_WHOLE, "description": "Rows in this answer."},
            "total": {
                "anyOf": [_WHOLE, {"type": "null"}],
                "description": "Rows of the whole result, where `total=true` asks for it.",
            },
        },
        "required": ["revision", "count", "total"],
    },
    "ListLinks": {
        "type": "object",
        "properties": {"self": _TEXT, "next": {**_MAYBE_TEXT, "description": "The next page; null on the last one."}},
        "required": ["self", "next"],
    },
    "ItemMeta": {
        "type": "object",
        "properties": {
            "revision": {**_WHOLE, "description": "Revision of the data set that was read."},
            "truncated": {
                "type": "array",
                "items": _TEXT,
                "description": "Included resources of which there are more rows than the item carries; see `links`.",
            },
        },
        "required": ["revision", "truncated"],
    },
    "ItemLinks": {
        "type": "object",
        "description": "The item itself, and the lists that the rows it carries are part of.",
        "properties": {"self": _TEXT},
        "required": ["self"],
        "additionalProperties": _TEXT,
    },
    "CompareMeta": {
        "type": "object",
        "properties": {"revision": _WHOLE, "base": {**_TEXT, "description": "The region that the others are compared with."}},
        "required": ["revision", "base"],
    },
    "ChangesMeta": {
        "type": "object",
        "properties": {"since": _WHOLE, "until": _WHOLE, "count": _WHOLE},
        "required": ["since", "until", "count"],
    },
    "ProfileMeta": {"type": "object", "properties": {"revision": _WHOLE}, "required": ["revision"]},
    "Tie": {
        "type": "object",
        "description": "An entity that a relation ties to the one it is listed under, with the citation of the relation.",
        "properties": {
            "id": _TEXT,
            "name": _TEXT,
            "kind": _TEXT,
            "predicate": _TEXT,
            "source": _TEXT,
            "line": _WHOLE,
            "as_written": _TEXT,
        },
        "required": ["id", "name", "kind", "predicate", "source", "line", "as_written"],
    },
    "Fault": {
        "type": "object",
        "description": "One thing that is wrong with a request.",
        "properties": {
            "parameter": {**_TEXT, "description": "The parameter or header at fault."},
            "pointer": {**_TEXT, "description": "JSON pointer (RFC 6901) into a submitted document."},
            "code": {**_TEXT, "description": "A stable machine-readable word."},
            "message": {**_TEXT, "description": "What is wrong and what was expected."},
            "allowed": {"type": "array", "items": _TEXT, "description": "The values that would have been right."},
            "suggestion": {**_TEXT, "description": "The nearest right value."},
            "line": {**_WHOLE, "description": "Line of a submitted document."},
            "column": {**_WHOLE, "description": "Column of a submitted document."},
        },
        "required": ["code", "message"],
    },
    "Problem": {
        "type": "object",
        "description": "A problem document (RFC 9457).",
        "properties": {
            "type": {**_TEXT, "enum": [f"/problems/{problem.slug}" for problem in PROBLEMS]},
            "title": _TEXT,
            "status": _WHOLE,
            "detail": _TEXT,
            "instance": {**_TEXT, "description": "The path of the request."},
            "errors": {"type": "array", "items": {"$ref": REF + "Fault"}},
        },
        "required": ["type", "title", "status", "detail", "instance"],
    },
}
