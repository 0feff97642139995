"""``/v1/search``: one ranked list of entities, indicators, observations and sources."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from pydantic import create_model
from sqlalchemy import Connection

from app.api.declared_answers import search_answers
from app.api.hints import hinted
from app.api.query_params import described, format_of, language, listed, read
from app.api.readers import readers_of
from app.api.representation import V1, Variant
from app.formats.negotiation import negotiate
from app.query.ranked_search import COLUMNS, NOT_SEARCHED, SearchQuery, search
from app.resources import ALL
from app.resources.regions import REGIONS

router = APIRouter(prefix=V1, tags=["Search"])

SearchParameters = create_model(
    "SearchParameters",
    __base__=SearchQuery,
    resource=listed(SearchQuery, "resource", [resource.name for resource in ALL if resource.name not in NOT_SEARCHED]),
    format=format_of(COLUMNS),
)


@router.get(
    "/search",
    operation_id="search",
    summary="Search names and texts",
    description="Entities, indicators, observations and sources in one ranked list, with the match marked in a snippet.",
    responses=search_answers(),
    openapi_extra={"parameters": described(SearchParameters)},
    response_class=Response,
)
async def found(request: Request) -> Response:
    """What matches every word of ``q``."""
    query = read(SearchParameters, request)
    format_ = negotiate(query.format, request.headers.get("accept", ""), COLUMNS)
    lang = language(query.lang, request)

    def best(connection: Connection, variant: Variant) -> Response:
        found = search(connection, query, lang)
        meta = found.meta if found.meta.count else replace(found.meta, hints=hinted(connection, query, {"region": (REGIONS,)}))
        return variant.represent(replace(found, meta=meta, links={"self": variant.address, "next": None}))

    return await readers_of(request).answer(request, format_, lang, best, long=True)
