"""The composition root: everything is put together here and nowhere else."""

from functools import cache
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.api import about, openapi, profile, search
from app.api.collections import router_for
from app.api.failures import add_handlers
from app.api.methods import Methods
from app.database import Database
from app.resources import ALL
from app.settings import Settings, carried


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. Raises Refusal unless the database is there, ours and of this version's schema."""
    settings = settings or Settings()
    database = Database(settings.database_url, carried("migrations"))
    database.require_current()
    app = FastAPI(
        title="Regional Indicators API",
        version=version("regional-indicators"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.database = database
    app.include_router(profile.router)
    for resource in ALL:
        app.include_router(router_for(resource))
    app.include_router(search.router)
    app.include_router(about.router)
    about.add_documentation(app)
    add_handlers(app)
    app.add_middleware(Methods, router=app.router)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD"], expose_headers=["Link", "ETag"])
    app.openapi = cache(lambda: openapi.document(app))  # type: ignore[method-assign]  # FastAPI's documented way
    return app
