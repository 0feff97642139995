"""The read path: query → format → language → 304 → snapshot → bytes.

A route is a plain function of a snapshot and a validated query. ``View`` wraps it as an endpoint, and ``ReadRoute`` calls
the endpoint without FastAPI's dependency solving; FastAPI documents it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from app.api.query_params import language, openapi_parameters, read_query
from app.api.readers import readers_of
from app.api.representation import JSON_ENVELOPE, Representation
from app.errors import TimeLimitPassed
from app.formats import Format
from app.formats.base import Medium
from app.formats.negotiation import prefer
from app.query.snapshot import Snapshot
from app.resources.base import Lang

Query = TypeVar("Query", bound=BaseModel)
Media = tuple[Format, ...] | tuple[Medium[Any], ...]


def always(value: Any) -> Callable[[Any], Any]:
    """Return a function that returns ``value`` for every query."""
    return lambda _query: value


@dataclass(frozen=True)
class View(Generic[Query]):
    """Endpoint that calls a plain function.

    Attributes:
        function: Called with a snapshot, the query and the parameters of the path; returns a dataset, an envelope, or
            whatever else the medium writes.
        parameters: The model of the query string.
        media: The formats on offer for a query; a single one needs no negotiation.
        is_long: Returns true for a query that must not run on the event loop.
    """

    function: Callable[..., Any]
    parameters: type[Query]
    media: Callable[[Query], Media] = lambda _query: (JSON_ENVELOPE,)
    is_long: Callable[[Query], bool] = lambda _query: False

    async def __call__(self, request: Request) -> Response:
        """Return the response to a request."""
        query = read_query(self.parameters, request)
        media = self.media(query)
        accept = request.headers.get("accept", "")
        format_ = media[0] if len(media) == 1 else prefer(getattr(query, "format", None), accept, media)
        lang = language(getattr(query, "lang", None), request)
        return await self.respond(request, query, format_, lang)

    async def respond(self, request: Request, query: Query, format_: Format | Medium[Any], lang: Lang) -> Response:
        """Return 304 if the client's copy is current, else the rendered result."""

        def make(snapshot: Snapshot) -> Response:
            representation = Representation.of(request, snapshot.version, format_, lang)
            if representation.is_known:
                return representation.not_modified()
            if isinstance(format_, Format):
                snapshot = replace(snapshot, form=format_.row_form)
            content = self.function(snapshot, query, **request.path_params)
            if isinstance(format_, Format) and snapshot.is_hurried and content.size > format_.inline_rows:
                raise TimeLimitPassed
            return representation.conditional(representation.render(content))

        return await readers_of(request).read(make, lang, long=self.is_long(query))


class ReadRoute(APIRoute):
    """Route whose endpoint takes only the request, and which bypasses FastAPI's dependency solving.

    Even with no dependencies, solving them takes a tenth of the time of an uncached page.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI request."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        response = await self.endpoint(Request(scope, receive))
        await response(scope, receive, send)


def add_view(  # noqa: PLR0913  a route's declaration
    router: APIRouter,
    path: str,
    view: View[Any],
    *,
    operation_id: str,
    summary: str,
    description: str,
    responses: Mapping[int | str, dict[str, Any]],
    path_parameters: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Add ``view`` to ``router``; ``path_parameters`` has descriptions by name."""
    parameters = [
        {"name": name, "in": "path", "required": True, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in path_parameters.items()
    ]
    router.add_api_route(
        path,
        view,
        operation_id=operation_id,
        summary=summary,
        description=description,
        responses=dict(responses),
        openapi_extra={"parameters": [*parameters, *openapi_parameters(view.parameters)]},
        response_class=Response,
        route_class_override=ReadRoute,
    )
