"""The generic list and item: one router per resource, all of one make."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from app.api.declared_answers import item_answers, list_answers
from app.api.direct import Direct
from app.api.hints import NothingFound, by_ids, hints
from app.api.query_params import described, item_parameters, language, list_parameters, read, refused
from app.api.readers import readers_of
from app.api.representation import V1, Variant
from app.domain.dataset import Dataset
from app.domain.urls import replaced
from app.errors import Fault, NotFound
from app.formats import FORMATS, Format
from app.formats.negotiation import negotiate
from app.query.repository import Reader
from app.query.suggestions import nearest_id
from app.resources import BY_NAME
from app.resources.base import ListQuery, Resource


def router_for(resource: Resource) -> APIRouter:
    """The routes ``/v1/<name>`` and ``/v1/<name>/{id}``."""
    router = APIRouter(prefix=f"{V1}/{resource.name}", tags=[resource.tag])

    async def collection(request: Request) -> Response:
        query = read(list_parameters(resource), request)
        format_ = negotiate(query.format, request.headers.get("accept", ""), resource.chosen(query.fields))
        lang = language(query.lang, request)
        _check(query, format_)
        readers = readers_of(request)
        if query.limit is None:
            return await readers.stream(request, resource, query, format_, lang)

        def found(connection: Connection, variant: Variant, *, hinting: bool = False) -> Response:
            reader = Reader(connection, resource, lang, getattr(query, "as_of", None), variant.version.revision)
            page = reader.page(query, form=format_.takes)
            following = replaced(variant.address, "cursor", page.next) if page.next else None
            meta = page.dataset.meta
            if meta.count == 0 and query.cursor is None and by_ids(resource, query):
                if not hinting:
                    raise NothingFound
                meta = replace(meta, hints=hints(connection, resource, query))
            return variant.represent(replace(page.dataset, meta=meta, links={"self": variant.address, "next": following}))

        # for words SQLite gathers all that begin so, of five million in a quarter of a second, and looks at no clock meanwhile
        try:
            return await readers.answer(request, format_, lang, found, long=query.q is not None)
        except NothingFound:
            return await readers.answer(request, format_, lang, partial(found, hinting=True), long=True)

    router.add_api_route(
        "",
        collection,
        operation_id=f"list_{resource.name}",
        summary=f"List {resource.name}",
        description=resource.summary,
        responses=list_answers(resource),
        openapi_extra={"parameters": described(list_parameters(resource))},
        response_class=Response,
        route_class_override=Direct,
    )

    @router.get(
        "/{id}",
        operation_id=f"get_{resource.singular}",
        summary=f"Get one of the {resource.name}",
        description=f"{resource.summary} One of them, by id, with the rows of other resources that belong to it.",
        responses=item_answers(resource),
        openapi_extra={"parameters": described(item_parameters(resource))},
        response_class=Response,
    )
    async def item(
        request: Request,
        id: Annotated[str, Path(description=f"Id of one of the {resource.name}.")],  # noqa: A002  the contract's name
    ) -> Response:
        query = read(item_parameters(resource), request)
        format_ = negotiate(query.format, request.headers.get("accept", ""), resource.chosen(query.fields))
        lang = language(query.lang, request)

        def found(connection: Connection, variant: Variant) -> Response:
            reader = Reader(connection, resource, lang, getattr(query, "as_of", None))
            dataset = _with_includes(reader, id, one(reader, id, query.fields))
            return variant.represent(replace(dataset, links={"self": variant.address, **_lists(resource, id)}))

        return await readers_of(request).answer(request, format_, lang, found)

    return router


def one(reader: Reader, identifier: str, fields: list[str] | None = None) -> Dataset:
    """The row with that id. Raises NotFound, with the nearest id, where there is none."""
    found = reader.row(identifier, fields)
    if found is None:
        noun, near = reader.resource.singular, nearest_id(reader.connection, reader.resource, identifier)
        fault = Fault(f"No {noun} has this id.", "unknown_id", parameter="id", suggestion=near)
        raise NotFound(f"There is no {noun} with this id.", [fault])
    return found


def _with_includes(reader: Reader, identifier: str, found: Dataset) -> Dataset:
    """The row with the rows of other resources that it carries."""
    carried, truncated = {}, []
    for include in reader.resource.includes:
        other = Reader(reader.connection, BY_NAME[include.resource], reader.lang)
        carried[include.resource], more = other.included(include, identifier)
        if more:
            truncated.append(include.resource)
    return replace(found, meta=replace(found.meta, truncated=tuple(truncated)), included=carried)


def _check(query: ListQuery, format_: Format) -> None:
    """Raise InvalidParameters for what the format cannot do."""
    faults = []
    if query.facets and not format_.counts:
        message = "Counts are answered in formats that have room for them."
        faults.append(_unfit("facets", message, [other for other in FORMATS if other.counts]))
    if query.limit is None and not format_.streams:
        message = "Whole lists are answered in formats that are written row by row."
        faults.append(_unfit("limit", message, [other for other in FORMATS if other.streams]))
    if query.limit is None and query.cursor is not None:
        faults.append(Fault("A whole list has no pages.", "limit_cursor", parameter="cursor"))
    if faults:
        raise refused(faults)


def _unfit(parameter: str, message: str, fit: Sequence[Format]) -> Fault:
    """The fault of a parameter that the format cannot serve, with those that can."""
    names = tuple(f"format={other.name}" for other in fit)
    return Fault(message, f"{parameter}_format", parameter=parameter, allowed=names, suggestion=names[0])


def _lists(resource: Resource, identifier: str) -> dict[str, str]:
    """The lists that an item's rows are part of: ``observations``, or ``relations_subject`` where there are several."""
    return {
        include.resource + (f"_{by}" if len(include.by) > 1 else ""): f"{V1}/{include.resource}?{by}={quote(identifier)}"
        for include in resource.includes
        for by in include.by
    }
