"""Files at well-known paths: the API catalogue (RFC 9727), robots.txt, and llms.txt for language models."""

from fastapi import APIRouter, Request, Response

from app.api.answers import OBJECT, TEXT, responses
from app.api.query_params import NoParameters, read_query
from app.api.representation import V1, about
from app.api.routes.catalog import DESCRIPTIONS, TITLES
from app.errors import BadRequest, InvalidParameters
from app.resources import ALL

router = APIRouter(tags=["Service"])


@router.get(
    "/.well-known/api-catalog",
    operation_id="get_api_catalog",
    summary="Get the API catalogue (RFC 9727)",
    responses=responses("The links.", BadRequest, InvalidParameters, media={"application/linkset+json": OBJECT}),
    response_class=Response,
)
async def api_catalog(request: Request) -> Response:
    """Return links to description, documentation, metadata and status (RFC 9264)."""
    read_query(NoParameters, request)
    links = {
        "anchor": V1,
        "service-desc": [{"href": "/openapi.json", "type": "application/openapi+json"}],
        "service-doc": [{"href": "/docs", "type": "text/html"}],
        "service-meta": [{"href": "/catalog", "type": "application/ld+json"}],
        "status": [{"href": "/readyz", "type": "application/json"}],
    }
    media_type = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
    return about(request, {"linkset": [links]}, media_type)


ROBOTS = f"""User-agent: *
Allow: /
Disallow: {V1}/export/
"""


@router.get(
    "/robots.txt",
    operation_id="get_robots",
    summary="Get the rules for crawlers",
    responses=responses("The text.", BadRequest, InvalidParameters, media={"text/plain": TEXT}),
    response_class=Response,
)
async def robots(request: Request) -> Response:
    """Return robots.txt: crawlers may read all but the export files."""
    read_query(NoParameters, request)
    return about(request, ROBOTS.encode(), "text/plain; charset=utf-8")


@router.get(
    "/llms.txt",
    operation_id="get_llms",
    summary="Get the guide for language models",
    responses=responses("The text.", BadRequest, InvalidParameters, media={"text/markdown": TEXT}),
    response_class=Response,
)
async def llms(request: Request) -> Response:
    """Return a short guide in Markdown: the resources, and how to repeat a figure."""
    read_query(NoParameters, request)
    lines = [
        f"# {TITLES['en']}",
        "",
        f"> {DESCRIPTIONS['en']}",
        "",
        "A hedged figure (`comparator` other than `=`) must not be repeated without its hedge: print `statement`, which has it,",
        f"and cite the source (`{V1}/observations/{{id}}/citation`). A null means that the source does not state the value.",
        "",
        "## Data",
        "",
        *(f"- [{resource.name}]({V1}/{resource.name}): {resource.summary}" for resource in ALL),
        "",
        "## More",
        "",
        f"- [search]({V1}/search?q=): ranked search in names and texts, Chinese and English",
        "- [OpenAPI](/openapi.json): every parameter and response",
        "- [SDMX-REST](/sdmx/3.0/structure/dataflow): structures and data for statistical software",
        "- [catalogue](/catalog): DCAT-AP 3",
        "",
    ]
    return about(request, "\n".join(lines).encode(), "text/markdown; charset=utf-8")
