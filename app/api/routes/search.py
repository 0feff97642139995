"""``/v1/search``: ranked search of entities, indicators, observations and sources."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from pydantic import Field, create_model

from app.api.answers import ListLinks, ListMeta, examples, other_media, responses
from app.api.hints import hints_for
from app.api.query_params import format_of, list_field
from app.api.representation import V1
from app.api.view import View, add_view, always
from app.domain.dataset import Dataset
from app.errors import BadRequest, InvalidParameters, NotAcceptable
from app.formats import formats_for
from app.query.ranked_search import COLUMNS, NOT_SEARCHED, SearchQuery, search
from app.query.snapshot import Snapshot
from app.resources import ALL
from app.resources.regions import REGIONS

router = APIRouter(prefix=V1, tags=["Search"])

SearchParameters = create_model(
    "SearchParameters",
    __base__=SearchQuery,
    resource=list_field(SearchQuery, "resource", [resource.name for resource in ALL if resource.name not in NOT_SEARCHED]),
    format=format_of(COLUMNS),
)


_HIT: dict[str, Any] = {column.name: (str | None, Field(description=column.description)) for column in COLUMNS}
SearchHit: Any = create_model("SearchHit", **_HIT)
SearchList = create_model("SearchList", data=(list[SearchHit], ...), meta=(ListMeta, ...), links=(ListLinks, ...))


def find(snapshot: Snapshot, query: SearchQuery) -> Dataset:
    """Return the rows that match all words of ``q``, else hints about the region."""
    rows = search(snapshot, query)
    if rows.meta.count:
        return rows
    return replace(rows, meta=replace(rows.meta, hints=hints_for(snapshot.connection, query, {"region": (REGIONS,)})))


add_view(
    router,
    "/search",
    View(find, SearchParameters, always(formats_for(COLUMNS)), always(value=True)),
    operation_id="search",
    summary="Search names and texts",
    description="Entities, indicators, observations and sources in one ranked list, each with the match marked in a snippet.",
    responses=responses(
        "The matches, best first.",
        BadRequest,
        NotAcceptable,
        InvalidParameters,
        model=SearchList,
        example=examples()["search"]["list"],
        media=other_media(COLUMNS),
    ),
)
