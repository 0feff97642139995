"""``/v1/search``: one ranked list of entities, indicators, observations and sources."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from pydantic import create_model

from app.api.collections import V1, address
from app.api.dependencies import DatabaseDep
from app.api.openapi import search_answers
from app.api.parameters import FormatName, described, language, listed, read
from app.api.responses import represent
from app.formats.negotiate import negotiate
from app.query.search import SearchQuery, search
from app.resources import ALL

router = APIRouter(prefix=V1, tags=["Search"])

NOT_SEARCHED = ("relations", "designations", "revisions")
SearchParameters = create_model(
    "SearchParameters",
    __base__=SearchQuery,
    resource=listed(SearchQuery, "resource", [resource.name for resource in ALL if resource.name not in NOT_SEARCHED]),
    format=(FormatName, None),
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
def found(request: Request, database: DatabaseDep) -> Response:
    """What matches every word of ``q``."""
    query = read(SearchParameters, request)
    format_ = negotiate(query.format, request.headers.get("accept", ""))
    lang = language(query.lang, request)
    with database.read() as connection:
        dataset = search(connection, query, lang)
    return represent(replace(dataset, links={"self": address(request), "next": None}), format_, lang, address(request))
