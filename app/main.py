"""The composition root: everything is put together here and nowhere else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache as once
from importlib.metadata import version

from fastapi import FastAPI
from limits import parse

from app.api import (
    about,
    audit,
    catalog,
    changes,
    citation,
    compare,
    documents,
    export,
    metrics,
    openapi_document,
    profile,
    publish,
    sdmx,
    search,
    wellknown,
)
from app.api.agents import agents, http_routes
from app.api.collections import router_for
from app.api.direct import Shortcut
from app.api.export import Exports
from app.api.failures import add_handlers
from app.api.methods import Methods
from app.api.reading import Readers
from app.api.writing import Writer
from app.cache import Cache
from app.database import Database
from app.guard import Guard
from app.observe import Metrics, Observed
from app.publishing.tokens import SHAPE
from app.rates import Rate
from app.resources import ALL
from app.settings import Settings, carried
from app.workspace import workspace

ROUTED = (
    publish, documents, audit, citation, compare, changes, export, search, sdmx, catalog, wellknown, metrics, about,
)  # fmt: skip
"""The modules of the routes that are not of a resource, in the order of the documentation."""


def create_app(settings: Settings | None = None) -> Guard:
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
    about.add_documentation(app)
    add_handlers(app)
    app.openapi = once(lambda: openapi_document.document(app))  # type: ignore[method-assign]  # FastAPI's documented way

    def state() -> dict[str, tuple[str, float]]:
        return {
            "cache_hits_total": ("Requests that the cache answered.", cache.hits),
            "cache_misses_total": ("Requests that it did not.", cache.misses),
            "cache_bytes": ("Bytes that it keeps, about.", cache.size),
            "requests_in_flight": ("Requests that are being worked on.", len(guard.open)),
            **database.figures(),
        }

    app.state.metrics, app.state.settings = Metrics(state), settings
    routed = app if settings.fastapi_otel_auto_configure else Shortcut(app)  # FastAPI's telemetry sits in its layers
    cache = Cache(Observed(routed, app.state.metrics), readers.look, settings.cache_bytes)
    rate = Rate(parse(settings.rate_limit)) if settings.rate_limit else None
    hosts = [host.strip() for host in settings.trusted_hosts.split(",")]
    answering = Methods(cache, app.router)
    tools = agents(answering)
    app.router.routes.extend(http_routes(tools))
    guard = Guard(answering, hosts, rate, settings.max_requests, SHAPE, cache.unsent, writer.refused)
    return guard
