"""The composition root: everything is put together here and nowhere else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.api import about, openapi, profile, search
from app.api.collections import router_for
from app.api.failures import add_handlers
from app.api.methods import Methods
from app.api.reading import Readers
from app.cache import Cache
from app.database import Database
from app.resources import ALL
from app.settings import Settings, carried

EXPOSED = ["Link", "ETag", "Last-Modified", "Content-Language", "Content-Disposition", "Retry-After"]
"""Response headers that scripts of other origins may read."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. Raises Refusal unless the database is there, ours and of this version's schema."""
    settings = settings or Settings()
    database = Database(settings.database_url, carried("migrations"))
    database.require_current()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    app = FastAPI(
        title="Regional Indicators API",
        version=version("regional-indicators"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.readers = Readers(database, settings.read_threads, settings.read_seconds)
    app.include_router(profile.router)
    for resource in ALL:
        app.include_router(router_for(resource))
    app.include_router(search.router)
    app.include_router(about.router)
    about.add_documentation(app)
    add_handlers(app)
    # the last one added is the first to see a request
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD"], expose_headers=EXPOSED)
    app.add_middleware(Cache, version=database.version, max_bytes=settings.cache_bytes)
    app.add_middleware(Methods, router=app.router)
    app.openapi = cache(lambda: openapi.document(app))  # type: ignore[method-assign]  # FastAPI's documented way
    return app
