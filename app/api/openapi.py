"""OpenAPI document: FastAPI's, completed with examples, problems and response headers."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from app.api.answers import Problem as ProblemModel
from app.api.answers import examples, problem_content
from app.api.problems import respond
from app.auth.tokens import SCOPES
from app.errors import (
    MEDIA_TYPE,
    PROBLEMS,
    BadRequest,
    DocumentFaulty,
    Fault,
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
    RangeNotSatisfiable,
    RequestTimeout,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    UriTooLong,
)
from app.limits import BODY_RATE, MAX_BODY, MAX_HEADERS, MAX_URL

TAGS = {
    "District metrics": (
        "Observations: a source's figures about one indicator of one subject, with hedge, bounds, period and citation. "
        "Indicators define what is measured, designations are titles conferred on an entity."
    ),
    "Industry clusters": "Pillar industries, emerging tracks and segments of a region.",
    "Zones": "Functional zones, development zones and innovation communities.",
    "Incentive programmes": "Frameworks, action plans, services, subsidies and housing; their targets are observations.",
    "Organisations and projects": "Organisations and projects, and the relations that tie them to clusters and zones.",
    "Sources and history": "The published texts behind every fact, and the revisions that published their documents.",
    "Search": "Ranked search in names and texts, Chinese and English.",
    "SDMX": "Observations over SDMX-REST, version 2 (SDMX 3.0) and version 1 (SDMX 2.1).",
    "Publishing": "Documents that transcribe sources: format, publication, revision and retraction. Needs a token.",
    "Service": "Health, limits, problem types and the index of links.",
}

DESCRIPTION = """Figures from regional economic news, as statistics to query, compare and cite.

Every figure keeps its **hedge and bounds** ("nearly 300" is not 300), its **period** or the fact that none was stated, its
**unit**, and its **place in the source**. A null means that the source does not state the value. `statement` is a sentence
that is safe to print.

A list returns `{"data", "meta", "links"}`; follow `links.next` for more. Errors are problem documents (RFC 9457)."""


ANYWHERE = (BadRequest, RequestTimeout, UriTooLong, MisdirectedRequest, TooManyRequests, HeadersTooLarge, Unavailable)
"""Problems that any request can get, before it is routed."""
Operation = dict[str, Any]
SOURCE = "any-source"

OCCURRENCES: dict[type[Problem], Problem] = {
    type(problem): problem
    for problem in (
        BadRequest("The path is not percent-encoded UTF-8, or contains NUL."),
        IdempotencyKeyMissing("A publication needs the header Idempotency-Key: any text that is new, such as a UUID."),
        Unauthorized("This needs a token in the header Authorization, as Bearer."),
        Forbidden(f"The token does not have the scope it needs; scopes are {SCOPES}."),
        NotFound("There is nothing at this address."),
        NotAcceptable("None of the media types in Accept can be served."),
        RequestTimeout(f"The body arrives at less than {BODY_RATE} bytes a second."),
        InFlight("A request with this Idempotency-Key is being worked on."),
        NotComparable("These figures cannot be compared.", [Fault("310101 has no such figure.", "no_figure", "region")]),
        PreconditionFailed(f"The source {SOURCE} is not as If-Match has it: revision 3 changed it."),
        PayloadTooLarge(f"The body is larger than {MAX_BODY} bytes."),
        UriTooLong(f"The address is longer than {MAX_URL} bytes."),
        RangeNotSatisfiable("The file has 1972 bytes, and none of those asked for."),
        UnsupportedMediaType(
            "The body is neither YAML nor JSON.",
            [Fault("Expected a document as YAML or JSON.", "media_type", "Content-Type",
                   allowed=("application/yaml", "application/json"))],
        ),
        MisdirectedRequest("This service does not answer for that host."),
        DocumentFaulty(
            "The document has 1 fault.",
            [Fault("Unknown key.", "unknown_key", pointer="/source/titel", suggestion="title", line=3, column=3)],
        ),
        IdempotencyKeyReused("This Idempotency-Key came before, with another body."),
        InvalidParameters("One or more parameters cannot be used.",
                          [Fault("Unknown parameter; this address takes none.", "unknown_parameter", parameter="lang")]),
        PreconditionRequired(
            f"The source {SOURCE} is there already; revising it needs If-Match with the ETag of /v1/sources/{SOURCE}."
        ),
        TooManyRequests("At most 6000 per 1 minute are answered."),
        HeadersTooLarge(f"The headers are larger than {MAX_HEADERS} bytes."),
        InternalError("The service failed; the fault was logged."),
        NotImplementedHere("Earlier versions are served one at a time; asOf says of when."),
        Unavailable("The database cannot be reached at the moment."),
        InsufficientStorage("There is no room left; nothing was stored."),
    )
}  # fmt: skip
"""An occurrence of each problem, for operations that did not return one while the examples were made."""

HEADERS = {
    "Cache-Control": "How long the response may be cached.",
    "X-Request-Id": "Id of the request in logs and the audit log: the client's, or a new one.",
    "X-Content-Type-Options": "`nosniff`: browsers must not guess another type than Content-Type.",
    "Access-Control-Allow-Origin": "`*`: scripts of any origin may read the response (CORS).",
    "Access-Control-Expose-Headers": "Headers that scripts of other origins may read (CORS).",
    "Content-Security-Policy": "Resources that a browser may load for the response.",
    "Strict-Transport-Security": "Over HTTPS: browsers must keep using it.",
    "RateLimit-Policy": "Requests that a client may send (`q`) within a window of seconds (`w`).",
    "RateLimit": "Requests left (`r`), and seconds until the quota is full again (`t`).",
    "ETag": "Strong entity tag, for If-None-Match, If-Range and If-Match.",
    "Last-Modified": "Time of the latest publication, for If-Modified-Since.",
    "Vary": "Request headers that the response depends on.",
    "Content-Language": "Language of the response.",
    "Content-Encoding": "`zstd`, `br` or `gzip` if the client accepts it.",
    "Content-Disposition": "File name under which a browser saves the response.",
    "Link": "`next`, `alternate` and `describedby` (RFC 8288).",
    "Accept-Ranges": "`bytes` if Range requests are supported.",
    "Content-Range": "Range of bytes in the response, and size of the whole.",
    "Repr-Digest": "SHA-256 of the body (RFC 9530).",
    "Location": "Address of the new revision.",
    "Retry-After": "Seconds to wait before a retry.",
    "WWW-Authenticate": "Required authentication scheme.",
    "Accept-Post": "Accepted media types of documents.",
    "Server-Timing": "Durations of the steps of the response.",
}
"""Descriptions of all response headers."""
EVERYWHERE = tuple(HEADERS)[:9]
"""Headers of every response."""
REPRESENTATION = ("ETag", "Last-Modified", "Vary", "Content-Language", "Content-Encoding", "Content-Disposition",
                  "Link", "Accept-Ranges")  # fmt: skip
OF_STATUS = {
    "200": REPRESENTATION,
    "201": ("ETag", "Location"),
    "206": (*REPRESENTATION, "Content-Range"),
    "304": REPRESENTATION[:5],
    "401": ("WWW-Authenticate",),
    "409": ("Retry-After",),
    "415": ("Accept-Post",),
    "416": ("Content-Range",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}
"""Headers by status, in addition to those of every response."""


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Yield every operation with its path template."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def complete(app: FastAPI, document: dict[str, Any], recorded: dict[str, dict[str, Any]]) -> None:
    """Add examples of parameters and errors, and response headers.

    ``recorded`` has the examples of each operation, written over the seed.
    """
    for path, operation in operations(document):
        examples = recorded.get(operation["operationId"], {})
        show(operation, examples.get("parameters", {}))
        address = address_of(path, operation)
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                if int(status) >= BadRequest.status:
                    occurrence = _problem(app, content.pop("x-problem", None), status, media_type, address)
                    content["example"] = examples.get(f"{status} {media_type}", occurrence)
            names = (*EVERYWHERE, *OF_STATUS.get(status, ()))
            headers = {header: {"$ref": f"#/components/headers/{header}"} for header in names}
            response["headers"] = headers | response.get("headers", {})
    document["components"]["headers"] = {
        name: {"description": description, "schema": {"type": "string"}} for name, description in HEADERS.items()
    }


def show(operation: Operation, examples: dict[str, Any]) -> None:
    """Add ``examples``, by name, to the parameters of an operation.

    Commas separate the items of a list.
    """
    for parameter in operation.get("parameters", ()):
        value = examples.get(parameter["name"])
        if value is not None and parameter["schema"].get("type") == "array":
            value = value.split(",") if isinstance(value, str) else [value]
        if value is not None:
            parameter["example"] = value


def address_of(path: str, operation: Operation) -> str:
    """Return the path of an operation, filled with the examples of its parameters."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and "example" in parameter:
            path = path.replace(f"{{{parameter['name']}}}", quote(str(parameter["example"]), ",/"))
    return path


def _problem(app: FastAPI, slug: str | None, status: str, media_type: str, address: str) -> Any:
    """Return an occurrence of a problem at an address, in a media type.

    It is a problem document or, under SDMX paths, a message of SDMX.
    """
    kind = next(problem for problem in PROBLEMS if (problem.slug == slug if slug else str(problem.status) == status))
    if media_type == MEDIA_TYPE:
        return OCCURRENCES[kind].document(address)
    headers = [(b"accept", media_type.encode())]
    scope = {
        "type": "http",
        "path": address,
        "query_string": b"",
        "headers": headers,
        "server": ("localhost", 80),
        "scheme": "http",
        "app": app,
    }
    body = bytes(respond(OCCURRENCES[kind], Request(scope)).body)
    return msgspec.json.decode(body) if "json" in media_type else body.decode()


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the application."""
    result = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
    )
    _restore_examples(result, app)
    components = result.setdefault("components", {})
    _, problems = models_json_schema([(ProblemModel, "serialization")], ref_template="#/components/schemas/{model}")
    components.setdefault("schemas", {}).update(problems["$defs"])
    for _, operation in operations(result):
        _complete_responses(operation["responses"])
    complete(app, result, examples()["operations"])
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "description": "`indicators token issue`."}}
    return result


def _complete_responses(responses: dict[str, Any]) -> None:
    """Add the responses that any request can get; remove FastAPI's default 422."""
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    if "406" in responses or ("200" in responses and "201" not in responses and "401" not in responses):
        responses.setdefault("304", {"description": "The client's copy is current."})
    for problem in ANYWHERE:
        response = responses.setdefault(str(problem.status), {"description": problem.title, "content": {}})
        response["content"].setdefault(MEDIA_TYPE, problem_content(problem))


def _restore_examples(document: dict[str, Any], app: FastAPI) -> None:
    """Restore the nulls that FastAPI drops from examples; a null has a meaning here."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                responses = document["paths"][route.path_format][method.lower()]["responses"]
                for status, response in route.responses.items():
                    for media_type, content in response.get("content", {}).items():
                        if "example" in content:
                            responses[str(status)]["content"][media_type]["example"] = content["example"]
