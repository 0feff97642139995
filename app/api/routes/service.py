"""Routes about the service: index, health, limits, problem types, document schema and documentation."""

import base64
import hashlib
import re
from functools import cache
from typing import Annotated, Any

import msgspec
from anyio import to_thread
from fastapi import APIRouter, FastAPI, Path, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.api.answers import document_responses, errors
from app.api.query_params import NoParameters, read_query
from app.api.readers import readers_of
from app.api.representation import CACHE_CONTROL, V1, about, plain
from app.errors import MOST_FAULTS, PROBLEMS, Fault, InvalidParameters, NotFound, Refusal, Unavailable, nearest
from app.formats import FORMATS
from app.limits import (
    ANSWER_RATE,
    BODY_RATE,
    HEAD_SECONDS,
    IDLE_SECONDS,
    MAX_BODY,
    MAX_CALL,
    MAX_HEADERS,
    MAX_URL,
    MAX_WAITING,
    SILENT_SECONDS,
    STALL_SECONDS,
    client_share,
)
from app.publishing.derived_data import DERIVED_FORMATS
from app.publishing.document import MAX_LIST, MAX_TEXT, MOST_FACTS, Document
from app.publishing.parts import MAX_ITEMS, MAX_PART
from app.publishing.yaml import MAX_DEPTH, MAX_DIGITS
from app.publishing.yaml_reader import MAX_NODES
from app.resources import ALL
from app.resources.base import ListQuery
from app.resources.parameter_types import MAX_FILTER_VALUES, MAX_LIMIT, MAX_QUERY_LENGTH
from app.settings import Settings

router = APIRouter(tags=["Service"])

LIMITS = {
    "limit": {"default": ListQuery.model_fields["limit"].default, "maximum": MAX_LIMIT},
    "values_per_filter": {"maximum": MAX_FILTER_VALUES},
    "q": {"maximum_length": MAX_QUERY_LENGTH},
    "document": {"maximum_depth": MAX_DEPTH, "maximum_facts": MOST_FACTS, "maximum_digits": MAX_DIGITS,
                 "maximum_text": MAX_TEXT, "maximum_faults": MOST_FAULTS, "maximum_section_items": MAX_ITEMS,
                 "maximum_part_bytes": MAX_PART, "maximum_part_list": MAX_LIST, "maximum_yaml_nodes": MAX_NODES},
    "request": {"maximum_body_bytes": MAX_BODY, "maximum_call_bytes": MAX_CALL, "maximum_url_bytes": MAX_URL,
                "maximum_header_bytes": MAX_HEADERS,
                "head_seconds": HEAD_SECONDS, "silent_seconds": SILENT_SECONDS, "idle_seconds": IDLE_SECONDS,
                "minimum_body_bytes_per_second": BODY_RATE},
    "answer": {"stall_seconds": STALL_SECONDS, "minimum_bytes_per_second": ANSWER_RATE},
}  # fmt: skip


@router.get(
    V1,
    summary="Index of links",
    responses=document_responses("The links.", InvalidParameters),
    response_class=Response,
)
async def index(request: Request) -> Response:
    """Return the addresses of all resources and services, with their titles."""
    read_query(NoParameters, request)
    revision = await readers_of(request).read(lambda snapshot: snapshot.revision)
    resources = {resource.name: {"href": f"{V1}/{resource.name}", "title": resource.summary} for resource in ALL}
    return about(request, {"data": resources | SERVICE, "meta": {"revision": revision}, "links": {"self": V1}})


SERVICE = {
    "profile": {"href": f"{V1}/regions/{{id}}/profile", "title": "Profile of a region: all facts about it in one response."},
    "search": {"href": f"{V1}/search?q={{q}}", "title": "Ranked search in names and texts."},
    "compare": {
        "href": f"{V1}/compare?indicator={{indicator}}&region={{regions}}",
        "title": "Comparison of regions by an indicator.",
    },
    "changes": {"href": f"{V1}/changes", "title": "Changes between revisions, also as an Atom feed."},
    "export": {"href": f"{V1}/export", "title": "Export files of the whole data set."},
    "publications": {"href": f"{V1}/publications", "title": "Publication of documents; needs a token."},
    "audit": {"href": f"{V1}/audit", "title": "Audit log of attempted changes; needs a token."},
    "sdmx": {"href": "/sdmx/3.0/structure/dataflow", "title": "Observations over SDMX-REST."},
    "catalog": {"href": "/catalog", "title": "Catalogue: DCAT-AP 3 or a schema.org Dataset."},
    "agents": {"href": "/mcp", "title": "Tools for agents (Model Context Protocol)."},
    "metrics": {"href": "/metrics", "title": "Metrics of this process, for Prometheus."},
    "document_schema": {"href": f"{V1}/schemas/document", "title": "JSON Schema of the document format."},
    "limits": {"href": f"{V1}/limits", "title": "Limits of requests."},
    "problems": {"href": "/problems", "title": "Problem types."},
    "openapi": {"href": "/openapi.json", "title": "OpenAPI document."},
    "docs": {"href": "/docs", "title": "Swagger UI."},
}


@router.get(
    f"{V1}/limits",
    summary="Limits of requests",
    responses=document_responses("The limits.", InvalidParameters),
    response_class=Response,
)
async def limits(request: Request) -> Response:
    """Return the limits of requests, and the media types of formats."""
    read_query(NoParameters, request)
    settings: Settings = request.app.state.settings
    server = {
        "requests": {
            "maximum_in_flight": settings.max_requests,
            "maximum_in_flight_of_a_client": client_share(settings.max_requests),
            "rate": settings.rate_limit or None,
        },
        "reads": {"threads": settings.read_threads, "maximum_waiting": MAX_WAITING, "statement_seconds": settings.read_seconds},
    }
    return about(request, {**LIMITS, **server, "formats": {format_.name: format_.media_type for format_ in FORMATS}})


@router.get(
    f"{V1}/schemas/document",
    tags=["Publishing"],
    summary="JSON Schema of the document format",
    responses=document_responses("A JSON Schema (2020-12).", InvalidParameters),
    response_class=Response,
)
async def document_schema(request: Request) -> Response:
    """Return the schema of the format ``regional-indicators/1``.

    It is generated from the models that parse documents.
    """
    read_query(NoParameters, request)
    return about(request, await to_thread.run_sync(_schema))


@cache
def _schema() -> bytes:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Document.model_json_schema()}
    return msgspec.json.encode(schema)


@router.get(
    "/problems",
    summary="List problem types",
    responses=document_responses("All problem types.", InvalidParameters),
    response_class=Response,
)
async def problems(request: Request) -> Response:
    """Return all problem types that responses can have."""
    read_query(NoParameters, request)
    return about(request, {"data": [_problem_type(problem.slug) for problem in PROBLEMS]})


@router.get(
    "/problems/{slug}",
    summary="Get a problem type",
    responses=document_responses("The problem type.", InvalidParameters) | errors(NotFound),
    response_class=Response,
)
async def problem_type(
    request: Request, slug: Annotated[str, Path(description="Last segment of a problem's `type`.")]
) -> Response:
    """Return a problem type: the ``type`` of a problem document links here."""
    read_query(NoParameters, request)
    return about(request, _problem_type(slug))


def _problem_type(slug: str) -> dict[str, Any]:
    for problem in PROBLEMS:
        if problem.slug == slug:
            return {
                "type": f"/problems/{slug}",
                "title": problem.title,
                "status": problem.status,
                "meaning": problem.meaning,
            }
    near = nearest(slug, (problem.slug for problem in PROBLEMS))
    raise NotFound(
        "There is no problem type of this name.",
        [Fault("No problem type.", "unknown_id", parameter="slug", suggestion=near)],
    )


@router.get(
    "/healthz",
    summary="Liveness",
    responses=document_responses("The process is alive."),
    response_class=Response,
)
async def healthz() -> Response:
    """Report that the process is alive, regardless of the database."""
    return plain({"status": "ok"})


@router.get(
    "/readyz",
    summary="Readiness",
    responses=document_responses("The service is ready.") | errors(Unavailable),
    response_class=Response,
)
async def readyz(request: Request) -> Response:
    """Check that the database is reachable and writable, with this version's schema."""
    readers = readers_of(request)
    database = readers.database

    def obstacle() -> str | None:
        try:
            database.require_current(DERIVED_FORMATS)
        except Refusal:
            return "the database is not usable"
        return database.obstacle()

    reason = await readers.check(obstacle)
    if reason is not None:
        raise Unavailable(f"Not ready: {reason}.", headers={"Retry-After": "5"})
    return plain({"status": "ready", "revision": await readers.read(lambda snapshot: snapshot.revision)})


class Assets(StaticFiles):
    """Static files that caches may store and must revalidate."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file at ``path``."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = CACHE_CONTROL
        return response


def add_documentation(app: FastAPI) -> None:
    """Add ``/``, ``/openapi.json`` and ``/docs``.

    Swagger UI is served from an installed package, not from another host.
    """
    app.mount("/docs/assets", Assets(packages=[("fastapi_swagger", "resources")]), name="assets")

    @cache
    def description() -> bytes:
        return msgspec.json.encode(app.openapi())

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        return about(request, await to_thread.run_sync(description))

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url="/docs/assets/swagger-ui-bundle.js",
            swagger_css_url="/docs/assets/swagger-ui.css",
            swagger_favicon_url="/docs/assets/favicon-32x32.png",
            swagger_ui_parameters={"tryItOutEnabled": True, "filter": True, "displayRequestDuration": True},
        )
        # the inline script is allowed by its digest; Swagger UI needs inline styles
        (script,) = re.findall(rb"<script>(.*?)</script>", bytes(page.body), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
        sources = f"script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
        response = about(request, bytes(page.body), "text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = f"default-src 'self'; {sources}; frame-ancestors 'none'"
        return response

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/docs", headers={"Cache-Control": CACHE_CONTROL})
