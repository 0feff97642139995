"""List and item of every resource: a pair of routes per resource, all with the same functions."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from app.api.answers import examples, item_model, list_model, other_media, responses
from app.api.hints import by_ids, hints
from app.api.list_stream import stream_list
from app.api.query_params import item_parameters, list_parameters, problem_of
from app.api.readers import readers_of
from app.api.representation import V1
from app.api.view import View, add_view
from app.domain.dataset import Dataset
from app.errors import BadRequest, Fault, InvalidParameters, NotAcceptable, NotFound, TimeLimitPassed
from app.formats import FORMATS, Format, formats_for
from app.query.repository import Repository
from app.query.snapshot import Snapshot
from app.query.suggestions import nearest_id
from app.resources import BY_NAME
from app.resources.base import ItemQuery, Lang, ListQuery, Resource


@cache
def router_for(resource: Resource) -> APIRouter:
    """Return the routes ``/v1/<name>`` and ``/v1/<name>/{id}``."""
    router = APIRouter(prefix=f"{V1}/{resource.name}", tags=[resource.tag])

    def media(query: ItemQuery) -> tuple[Format, ...]:
        return formats_for(resource.chosen(query.fields))

    add_view(
        router,
        "",
        ListView(partial(list_rows, resource=resource), list_parameters(resource), media, _searches, resource=resource),
        operation_id=f"list_{resource.name}",
        summary=f"List {resource.name}",
        description=resource.summary,
        responses=responses(
            f"A page of {resource.name}.",
            BadRequest,
            NotAcceptable,
            InvalidParameters,
            model=list_model(resource),
            example=examples()[resource.name]["list"],
            media=other_media(resource.columns),
        ),
    )
    add_view(
        router,
        "/{id}",
        View(partial(get_row, resource=resource), item_parameters(resource), media),
        operation_id=f"get_{resource.singular}",
        summary=f"Get one of the {resource.name}",
        description=f"{resource.summary} Returns one, by id, with the rows of other resources that belong to it.",
        responses=responses(
            f"The {resource.singular}.",
            BadRequest,
            NotFound,
            NotAcceptable,
            InvalidParameters,
            model=item_model(resource),
            example=examples()[resource.name]["item"],
            media=other_media(resource.columns),
        ),
        path_parameters={"id": f"Id of one of the {resource.name}."},
    )
    return router


def list_rows(snapshot: Snapshot, query: ListQuery, resource: Resource) -> Dataset:
    """Return a page of the list; an empty first page has hints about unknown ids."""
    dataset = Repository(snapshot, resource, getattr(query, "as_of", None)).page(query)
    if dataset.meta.count or query.cursor is not None or not by_ids(resource, query):
        return dataset
    if snapshot.is_hurried:  # similar names take longer to find
        raise TimeLimitPassed
    return replace(dataset, meta=replace(dataset.meta, hints=hints(snapshot.connection, resource, query)))


def get_row(snapshot: Snapshot, query: ItemQuery, resource: Resource, id: str) -> Dataset:  # noqa: A002  the contract's name
    """Return a row with its included rows of other resources. Raises NotFound."""
    row = one(Repository(snapshot, resource, getattr(query, "as_of", None)), id, query.fields)
    included, truncated = {}, []
    for include in resource.includes:
        included[include.resource], more = Repository(snapshot, BY_NAME[include.resource]).included(include, id)
        if more:
            truncated.append(include.resource)
    meta = replace(row.meta, truncated=tuple(truncated))
    return replace(row, meta=meta, included=included, links=_lists(resource, id))


def one(repository: Repository, identifier: str, fields: list[str] | None = None) -> Dataset:
    """Return the row with an id. Raises NotFound, with the nearest id."""
    row = repository.row(identifier, fields)
    if row is None:
        noun = repository.resource.singular
        near = nearest_id(repository.connection, repository.resource, identifier)
        fault = Fault(f"No {noun} has this id.", "unknown_id", parameter="id", suggestion=near)
        raise NotFound(f"There is no {noun} with this id.", [fault])
    return row


@dataclass(frozen=True)
class ListView(View[ListQuery]):
    """Endpoint of a list, which also sends whole lists as they are read."""

    resource: Resource = field(kw_only=True)

    async def respond(self, request: Request, query: ListQuery, format_: Any, lang: Lang) -> Response:
        """Return a page, or the whole list with ``limit=all``."""
        _check(query, format_)
        if query.limit is None:
            return await stream_list(readers_of(request), request, self.resource, query, format_, lang)
        return await super().respond(request, query, format_, lang)


def _searches(query: ListQuery) -> bool:
    """Return whether the query has a full-text search.

    SQLite first collects all words with the prefix, which takes a quarter of a second for five million rows and cannot be
    interrupted.
    """
    return query.q is not None


def _check(query: ListQuery, format_: Format) -> None:
    """Raise InvalidParameters for parameters that the format does not support."""
    faults = []
    if query.facets and not format_.counts:
        message = "Counts are answered in formats that have room for them."
        faults.append(_unsupported("facets", message, [other for other in FORMATS if other.counts]))
    if query.limit is None and not format_.streams:
        message = "Whole lists are answered in formats that are written row by row."
        faults.append(_unsupported("limit", message, [other for other in FORMATS if other.streams]))
    if query.limit is None and query.cursor is not None:
        faults.append(Fault("A whole list has no pages.", "limit_cursor", parameter="cursor"))
    if faults:
        raise problem_of(faults)


def _unsupported(parameter: str, message: str, formats: Sequence[Format]) -> Fault:
    """Return the fault of an unsupported parameter, with the formats that support it."""
    names = tuple(f"format={other.name}" for other in formats)
    return Fault(message, f"{parameter}_format", parameter=parameter, allowed=names, suggestion=names[0])


def _lists(resource: Resource, identifier: str) -> dict[str, str]:
    """Return links to the full lists of an item's included rows.

    A link is named after the resource, such as ``observations``; if several filters select its rows, the filter is appended:
    ``relations_subject``.
    """
    return {
        include.resource + (f"_{by}" if len(include.by) > 1 else ""): f"{V1}/{include.resource}?{by}={quote(identifier)}"
        for include in resource.includes
        for by in include.by
    }
