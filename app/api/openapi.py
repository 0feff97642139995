"""The OpenAPI document: schemas of answers, errors and examples, made from the declarations."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.api.schemas import REF, all_schemas, objects
from app.dataset import Column
from app.errors import (
    MEDIA_TYPE,
    BadRequest,
    DocumentFaulty,
    Forbidden,
    HeadersTooLarge,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    InFlight,
    InsufficientStorage,
    InternalError,
    InvalidParameters,
    MisdirectedRequest,
    NotAcceptable,
    NotComparable,
    NotFound,
    NotImplementedHere,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    RequestTimeout,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    UriTooLong,
)
from app.formats import formats_for
from app.query.search import COLUMNS as SEARCH_COLUMNS
from app.resource import Resource

ANYWHERE = (BadRequest, RequestTimeout, UriTooLong, MisdirectedRequest, TooManyRequests, HeadersTooLarge, Unavailable)
"""What may be answered to any request, before its address is even looked at."""
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
    "SDMX": "Observations for software that speaks SDMX-REST, version 2 of it (SDMX 3.0) and version 1 (SDMX 2.1).",
    "Publishing": "Documents that transcribe sources: their format, publishing, revising and retracting them. Needs a token.",
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
    content[media[1]] = {"schema": objects({})}
    answer = {"description": "The citation.", "content": content}
    return {200: answer, **errors(BadRequest, NotFound, NotAcceptable, InvalidParameters)}


def publication_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of a publication, for OpenAPI."""
    made = _document("Receipt", "The receipt: a revision was made.")
    made["headers"] = {"Location": {"description": "The revision.", "schema": {"type": "string"}}}
    known = {"schema": {"anyOf": [{"$ref": f"{REF}Receipt"}, {"$ref": f"{REF}Rehearsal"}]}}
    unchanged = {"description": "The receipt: nothing new; or what would change.", "content": {"application/json": known}}
    problems = (IdempotencyKeyMissing, InFlight, PreconditionFailed, PayloadTooLarge, UnsupportedMediaType, DocumentFaulty,
                IdempotencyKeyReused, InvalidParameters, PreconditionRequired)  # fmt: skip
    return {200: unchanged, 201: made, **_changing(*problems)}


def retraction_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of a retraction, for OpenAPI."""
    return {200: _document("Receipt", "The receipt."), **_changing(NotFound, PreconditionFailed, InvalidParameters)}


def audit_answers() -> dict[int | str, dict[str, Any]]:
    """The answers of the audit, for OpenAPI."""
    return {200: _document("AuditList", "A page of the audit."), **errors(BadRequest, Unauthorized, Forbidden, InvalidParameters)}


def document_answers() -> dict[int | str, dict[str, Any]]:
    """The answers with a document, for OpenAPI."""
    kinds = {"application/yaml": "string", "application/json": "object"}
    content = {name: {"schema": {"type": kind}} for name, kind in kinds.items()}
    digest = {"Repr-Digest": {"description": "SHA-256 of the body (RFC 9530).", "schema": {"type": "string"}}}
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


def json_answer(description: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route about the service itself, for OpenAPI."""
    answer = {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}
    return {200: answer, **errors(BadRequest, InvalidParameters)}


def sdmx_answers(media: Sequence[str]) -> dict[int | str, dict[str, Any]]:
    """The answers of SDMX-REST, for OpenAPI: a message in one of some media types, or an error message."""
    said: dict[str, Any] = {"application/xml": {"schema": {"type": "string"}}, "application/json": {"schema": objects({})}}
    problems = (NotFound, NotAcceptable, PayloadTooLarge, InternalError, NotImplementedHere)
    found: dict[int | str, dict[str, Any]] = {
        200: {"description": "The message.", "content": {name: {"schema": {}} for name in media}},
        400: {"description": "The query cannot be understood.", "content": said},
    }
    return found | {problem.status: {"description": problem.title, "content": said} for problem in problems}


def errors(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The answers with these problems, for OpenAPI; every route can also fail."""
    by_status: dict[int | str, list[type[Problem]]] = {}
    answering: tuple[type[Problem], ...] = (*problems, InternalError)
    for problem in answering:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {
            "description": "; ".join(problem.title for problem in found),
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"{REF}Problem"}, "example": _example(found[0])}},
        }
        for status, found in by_status.items()
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
    _put_back_examples(found, app)
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(all_schemas())
    components["responses"] = {problem.__name__: errors(problem)[problem.status] for problem in ANYWHERE}
    for operation in (operation for path in found["paths"].values() for operation in path.values()):
        for problem in ANYWHERE:
            operation["responses"].setdefault(str(problem.status), {"$ref": f"#/components/responses/{problem.__name__}"})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": "`indicators token issue`."}}
    return found


def _put_back_examples(found: dict[str, Any], app: FastAPI) -> None:
    """Examples as they were given: FastAPI has left the nulls out of them, and a null means something here."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                answers = found["paths"][route.path_format][method.lower()]["responses"]
                for status, answer in route.responses.items():
                    for media_type, content in answer.get("content", {}).items():
                        if "example" in content:
                            answers[str(status)]["content"][media_type]["example"] = content["example"]
