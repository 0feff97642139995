"""The answers of routes, for the OpenAPI document: their schemas and examples, made from the declarations."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from app.api.schemas import REF, objects
from app.domain.dataset import Column
from app.errors import (
    MEDIA_TYPE,
    BadRequest,
    DocumentFaulty,
    DocumentMalformed,
    Forbidden,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    InFlight,
    InsufficientStorage,
    InternalError,
    InvalidParameters,
    NotAcceptable,
    NotComparable,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from app.formats import formats_for
from app.query.ranked_search import COLUMNS as SEARCH_COLUMNS
from app.resources.base import Resource

EXAMPLES = Path(__file__).parent / "examples.json"


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
    content[media[1]] = {"schema": objects({})}
    answer = {"description": "The citation.", "content": content}
    return {200: answer, **errors(BadRequest, NotFound, NotAcceptable, InvalidParameters)}


def publication_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of a publication, for OpenAPI."""
    made = _document("Receipt", "The receipt: a revision was made.")
    known = {"schema": {"anyOf": [{"$ref": f"{REF}Receipt"}, {"$ref": f"{REF}Rehearsal"}]}}
    unchanged = {"description": "The receipt: nothing new; or what would change.", "content": {"application/json": known}}
    problems = (DocumentMalformed, IdempotencyKeyMissing, InFlight, PreconditionFailed, PayloadTooLarge, UnsupportedMediaType,
                DocumentFaulty, IdempotencyKeyReused, InvalidParameters, PreconditionRequired)  # fmt: skip
    return {200: unchanged, 201: made, **_changing(*problems)}


def retraction_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of a retraction, for OpenAPI."""
    return {200: _document("Receipt", "The receipt."), **_changing(NotFound, PreconditionFailed, InvalidParameters)}


def audit_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of the audit, for OpenAPI."""
    return {200: _document("AuditList", "A page of the audit."), **errors(BadRequest, Unauthorized, Forbidden, InvalidParameters)}


def document_answers() -> dict[int | str, dict[str, Any]]:
    """The answers with a document, for OpenAPI."""
    content: dict[str, Any] = {"application/yaml": {"schema": {}}, "application/json": {"schema": {"type": "object"}}}
    digest = {"Repr-Digest": {"$ref": "#/components/headers/Repr-Digest"}}
    answer = {"description": "The document.", "content": content, "headers": digest}
    return {200: answer, **errors(BadRequest, NotFound, NotAcceptable, InvalidParameters)}


def catalog_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of the catalogue, for OpenAPI."""
    content = {"application/ld+json": {"schema": {"type": "object"}}, "text/turtle": {"schema": {"type": "string"}}}
    return {200: {"description": "The catalogue.", "content": content}, **errors(BadRequest, NotAcceptable, InvalidParameters)}


def text_answers(media_type: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that has one text, for OpenAPI."""
    kind = "object" if media_type.endswith("json") else "string"
    answer = {"description": "The text.", "content": {media_type: {"schema": {"type": kind}}}}
    return {200: answer, **errors(BadRequest, InvalidParameters)}


def _changing(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The problems of a route that changes data."""
    return errors(BadRequest, *problems, Unauthorized, Forbidden, TooManyRequests, Unavailable, InsufficientStorage)


def _document(schema: str, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": {"$ref": REF + schema}}}}


def metrics_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of the metrics, for OpenAPI."""
    answer = {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {200: answer, **errors(BadRequest, InvalidParameters)}


def json_answer(description: str, *, strict: bool = True) -> dict[int | str, dict[str, Any]]:
    """The answer of a route about the service itself, for OpenAPI; not ``strict`` is one that looks at no parameters."""
    answer = {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}
    return {200: answer, **errors(BadRequest, *([InvalidParameters] if strict else []))}


def sdmx_answers(media: Sequence[str], *problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The answers of SDMX-REST, for OpenAPI: a message in one of some media types, or an error message."""
    found: dict[int | str, dict[str, Any]] = {
        200: {"description": "The message.", "content": {name: {"schema": {}} for name in media}},
    }
    said: tuple[type[Problem], ...] = (BadRequest, NotFound, NotAcceptable, InternalError, Unavailable, *problems)
    return found | {problem.status: {"description": problem.title, "content": _error_messages()} for problem in said}


def _error_messages() -> dict[str, Any]:
    return {"application/xml": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}}


def errors(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The answers with these problems, for OpenAPI; every route can also fail."""
    by_status: dict[int | str, list[type[Problem]]] = {}
    answering: tuple[type[Problem], ...] = (*problems, InternalError)
    for problem in answering:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {"description": "; ".join(problem.title for problem in found), "content": {MEDIA_TYPE: problem_content(found[0])}}
        for status, found in by_status.items()
    }


def problem_content(problem: type[Problem]) -> dict[str, Any]:
    """The schema of a problem document; its example is made for each operation."""
    return {"schema": {"$ref": f"{REF}Problem"}, "x-problem": problem.slug}


def _answer(schema: str, example: Any, description: str, columns: Sequence[Column] = ()) -> dict[str, Any]:
    content: dict[str, Any] = {format_.media_type: {"schema": {"type": "string"}} for format_ in formats_for(columns)}
    content["application/json"] = {"schema": {"$ref": REF + schema}, "example": example}
    return {"description": description, "content": content}
