"""The HTTP server: uvicorn, as the settings have it."""

import uvicorn
from starlette.types import ASGIApp

from app.settings import Settings


def serve(app: ASGIApp, settings: Settings) -> None:
    """Serve until told to stop."""
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
    )
