"""The composition root: everything is put together here and nowhere else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache as once
from importlib.metadata import version

from fastapi import FastAPI
from limits import parse

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
from app.mcp.server import agents, http_routes
from app.resources import ALL
from app.sdmx import endpoints as sdmx
from app.sdmx.errors import PREFIX as SDMX
from app.sdmx.errors import error_message
from app.settings import Settings, carried

ROUTED = (
    publications, documents, audit, citation, compare, changes, exports, search, sdmx, catalog, well_known, metrics, service,
)  # fmt: skip
"""The modules of the routes that are not of a resource, in the order of the documentation."""


def create_app(settings: Settings | None = None) -> RequestLimits:
    """The application. Raises Refusal unless the database is there, ours and of this version's schema."""
    settings = settings or Settings()
    database = Database(settings.database_url, carried("migrations"))
    database.require_current()

    readers = Readers(database, settings.read_threads, settings.read_seconds)
    writer = Writer(database, readers)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with workspace("indicators-exports-") as folder:
            app.state.exports = Exports(readers, folder)
            async with tools.session_manager.run():
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
    app.state.readers, app.state.writer = readers, writer
    routers = (profile.router, *map(router_for, ALL), *(module.router for module in ROUTED))
    app.router.routes.extend(route for router in routers for route in router.routes)  # flat: nested ones are searched twice
    service.add_documentation(app)
    add_handlers(app, {SDMX: error_message})
    app.openapi = once(lambda: openapi.document(app))  # type: ignore[method-assign]  # FastAPI's documented way

    def state() -> dict[str, tuple[str, float]]:
        return {
            "cache_hits_total": ("Requests that the cache answered.", cache.hits),
            "cache_misses_total": ("Requests that it did not.", cache.misses),
            "cache_bytes": ("Bytes that it keeps, about.", cache.size),
            "requests_in_flight": ("Requests that are being worked on.", len(guard.open)),
            **database.figures(),
        }

    app.state.metrics, app.state.settings = Metrics(state), settings
    cache = ResponseCache(RequestLog(app, app.state.metrics), readers.look, settings.cache_bytes)
    rate = RateLimit(parse(settings.rate_limit)) if settings.rate_limit else None
    hosts = [host.strip() for host in settings.trusted_hosts.split(",")]
    answering = Methods(cache, app.router)
    tools = agents(answering)
    app.router.routes.extend(http_routes(tools))
    guard = RequestLimits(answering, hosts, rate, settings.max_requests, SHAPE, cache.unsent, writer.refused)
    return guard
