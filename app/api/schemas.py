"""The schemas of answers, for the OpenAPI document: made from the declarations, and by hand where nothing is declared."""

from typing import Any

from pydantic import BaseModel

from app.domain.dataset import Column
from app.errors import PROBLEMS
from app.query.ranked_search import COLUMNS as SEARCH_COLUMNS
from app.resources import ALL, BY_NAME
from app.resources.base import Resource

REF = "#/components/schemas/"


def all_schemas() -> dict[str, Any]:
    """Every schema, by name."""
    found = {name: schema for resource in ALL for name, schema in _of_resource(resource).items()}
    hit = {column.name: _column(column) for column in SEARCH_COLUMNS}
    interval = {"type": "object", "properties": {"lower": _MAYBE_NUMBER, "upper": _MAYBE_NUMBER, "exact": {"type": "boolean"}}}
    compared = _extended("Observation", {"difference": interval, "ratio": {"anyOf": [interval, {"type": "null"}]}})
    return (
        found
        | SHARED
        | {
            "Profile": _profile(),
            "SearchList": _envelope(objects(hit), "ListMeta", "ListLinks"),
            "Comparison": _envelope({"type": "array", "items": compared}, "CompareMeta", "ItemLinks"),
            "ChangeList": _envelope(objects(CHANGE), "ChangesMeta", "ListLinks"),
        }
    )


def _column(column: Column) -> dict[str, Any]:
    """The schema of a cell of a column that no public model describes."""
    kinds = [_TEXT if column.type in ("string", "html") else {"type": column.type}, {"type": "null"}]
    return {"anyOf": kinds, "description": column.description}


def _profile() -> dict[str, Any]:
    facts = {"observations": _array("Observation"), "designations": _array("Designation")}
    ties = {"type": "array", "items": {"$ref": f"{REF}Tie"}}
    project, stated = _extended("Project", facts), _array("Observation")
    within = {"located_in": ties, "promotes": ties, "projects": {"type": "array", "items": project}}
    members = {
        "region": {"$ref": f"{REF}Region"},
        "metrics": objects({"topic": _TEXT, "observations": _array("Observation")}),
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
        "not_stated": objects({"source": _TEXT, "about": _MAYBE_TEXT, "missing": _MAYBE_TEXT, "text": _TEXT}),
    }
    return _envelope(
        {"type": "object", "properties": members, "required": list(members)},
        "ProfileMeta",
        "ItemLinks",
    )


def _extended(name: str, members: dict[str, Any]) -> dict[str, Any]:
    """The row ``name`` with further members."""
    return {"allOf": [{"$ref": REF + name}, {"type": "object", "properties": members, "required": list(members)}]}


def objects(members: dict[str, Any]) -> dict[str, Any]:
    """A list of objects that have these members."""
    return {"type": "array", "items": _object(members)}


def _object(members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members)}


def _of_resource(resource: Resource) -> dict[str, Any]:
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
    "old": {**_FACT, "description": "The fact as it was before; null where it was added."},
    "new": {**_FACT, "description": "The fact as it was then; null where it was retracted."},
}

_MOMENT = {**_TEXT, "format": "date-time"}
_FLAG = {"type": "boolean"}
_COUNTS = {
    "added": {**_WHOLE, "description": "Facts that were added."},
    "changed": {**_WHOLE, "description": "Facts of which there is a new version."},
    "retracted": {**_WHOLE, "description": "Facts that were ended."},
}
_RECEIPT = _object(
    {
        "id": {**_WHOLE, "description": "The revision that was made or, where nothing is new, the one that had been."},
        "source": {**_TEXT, "description": "The source that was published or retracted."},
        "action": {**_TEXT, "enum": ["published", "retracted"]},
        "new": {**_FLAG, "description": "Whether a revision was made."},
        "published_at": _MOMENT,
        "document_sha256": {**_TEXT, "description": "SHA-256 of the document's bytes."},
        **_COUNTS,
    }
)
_CHANGED = {name: member for name, member in CHANGE.items() if name != "published_at"}
_ENTRY = {
    "id": _WHOLE,
    "at": _MOMENT,
    "actor": {**_TEXT, "description": "Id of the token; `local` for a command beside the database."},
    "action": {**_TEXT, "description": "What was tried."},
    "target": {**_MAYBE_TEXT, "description": "Id of the source or the token."},
    "client": {**_MAYBE_TEXT, "description": "The address that it came from."},
    "request_id": _MAYBE_TEXT,
    "result": {**_TEXT, "description": "`done`, `unchanged`, or the last part of the problem's type."},
    "revision": {"anyOf": [_WHOLE, {"type": "null"}], "description": "The revision that was made or had been."},
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
            "hints": {
                "type": "array",
                "items": {"$ref": f"{REF}Hint"},
                "description": "Only where nothing was found and a filter names an id that is not there: what is most like it.",
            },
        },
        "required": ["revision", "count", "total"],
    },
    "Hint": {
        "type": "object",
        "description": "Why perhaps nothing was found.",
        "properties": {
            "parameter": {**_TEXT, "description": "The filter."},
            "value": {**_TEXT, "description": "Its value, which is no id."},
            "message": {**_TEXT, "description": "What is wrong with it."},
            "suggestion": {**_TEXT, "description": "The id of what is called so, or that is most like it."},
        },
        "required": ["parameter", "value", "message"],
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
    "Receipt": {
        "type": "object",
        "description": "What a publication or a retraction did.",
        "properties": {"data": _RECEIPT, "links": {"type": "object", "additionalProperties": _MAYBE_TEXT}},
        "required": ["data", "links"],
    },
    "Rehearsal": {
        "type": "object",
        "description": "What a publication would change, fact by fact.",
        "properties": {"data": objects(_CHANGED), "meta": _object({"source": _TEXT, "new": _FLAG, **_COUNTS})},
        "required": ["data", "meta"],
    },
    "AuditList": {
        "type": "object",
        "properties": {"data": objects(_ENTRY), "meta": _object({"count": _WHOLE}), "links": {"$ref": f"{REF}ListLinks"}},
        "required": ["data", "meta", "links"],
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
