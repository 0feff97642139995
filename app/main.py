"""Composition root: the one place where the service is assembled. Read it from top to bottom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache as once
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from limits import parse
from mcp.server.lowlevel import Server

from app.api import openapi
from app.api.metrics import Metrics
from app.api.middleware.methods import Methods
from app.api.middleware.rate_limit import RateLimit
from app.api.middleware.request_limits import RequestLimits
from app.api.middleware.request_log import RequestLog
from app.api.middleware.response_cache import ResponseCache
from app.api.problems import add_handlers
from app.api.readers import Readers
from app.api.routes import (
    audit,
    catalog,
    changes,
    citation,
    compare,
    documents,
    exports,
    metrics,
    profile,
    publications,
    search,
    service,
    well_known,
)
from app.api.routes.exports import Exports
from app.api.routes.resources import router_for
from app.api.workspace import workspace
from app.api.writer import Writer
from app.auth.tokens import SHAPE
from app.db.database import Database
from app.errors import Refusal
from app.mcp.server import http_routes, server_of
from app.publishing.derived_data import DERIVED_FORMATS
from app.resources import ALL
from app.sdmx import endpoints as sdmx
from app.sdmx.errors import PREFIX as SDMX
from app.sdmx.errors import error_message
from app.settings import Settings, bundled

ROUTES = (
    publications, documents, audit, citation, compare, changes, exports, search, sdmx, catalog, well_known, metrics, service,
)  # fmt: skip
"""Modules with routes that belong to no resource, in the order of the documentation."""


@dataclass(frozen=True, slots=True)
class Service:
    """The assembled service: the ASGI application, and the server of agents' tools over it."""

    asgi: RequestLimits
    agents: Server[Any]


def create_app(settings: Settings | None = None) -> RequestLimits:
    """Return the ASGI application. Raises Refusal as ``create_service`` does."""
    return create_service(settings or Settings()).asgi


def create_service(settings: Settings) -> Service:
    """Assemble the service.

    Raises:
        Refusal: unless the database is there, belongs to this software, and has its schema.
    """
    database = Database(settings.database_url, bundled("migrations"))
    try:
        database.require_current(DERIVED_FORMATS)
    except Refusal:
        database.close()
        raise
    readers = Readers(database, settings.read_threads, settings.read_seconds)
    writer = Writer(database, readers)
    counters = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with workspace("indicators-exports-") as folder:
            app.state.exports = Exports(readers, folder)
            async with agents.session_manager.run():
                yield
        writer.close()
        readers.close()

    app = FastAPI(
        title="Regional Indicators API",
        version=version("regional-indicators"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"auto_configure": settings.fastapi_otel_auto_configure},
    )
    app.state.settings, app.state.readers, app.state.writer, app.state.metrics = settings, readers, writer, counters
    routers = (profile.router, *map(router_for, ALL), *(module.router for module in ROUTES))
    app.router.routes.extend(route for router in routers for route in router.routes)  # flat: included ones are matched twice
    service.add_documentation(app)
    add_handlers(app, {SDMX: error_message})
    app.openapi = once(lambda: openapi.document(app))  # type: ignore[method-assign]  # FastAPI's documented way

    # middleware, from the inside out
    cache = ResponseCache(RequestLog(app, counters), readers.look, settings.cache_bytes)
    methods = Methods(cache, app.router)
    limits = RequestLimits(
        methods,
        [host.strip() for host in settings.trusted_hosts.split(",")],
        RateLimit(parse(settings.rate_limit)) if settings.rate_limit else None,
        settings.max_requests,
        SHAPE,
        cache.unsent,
        writer.refused,
    )

    agents = server_of(methods)  # their tools are requests to this application, within the limits of the call itself
    app.router.routes.extend(http_routes(agents))

    counters.add_figures(
        lambda: {
            "cache_hits_total": ("Requests that the cache answered.", cache.hits),
            "cache_misses_total": ("Requests that it did not.", cache.misses),
            "cache_bytes": ("Bytes that it keeps, about.", cache.size),
            "requests_in_flight": ("Requests that are being worked on.", len(limits.open)),
            **database.figures(),
        }
    )
    return Service(limits, agents)
