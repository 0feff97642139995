"""The HTTP server: uvicorn, with our reading of HTTP, as the settings have it."""

import sys

import uvicorn
from starlette.types import ASGIApp

from app.limits import GRACE_SECONDS, IDLE_SECONDS
from app.protocol import StrictProtocol
from app.settings import Settings

SWITCH_SECONDS = 0.001
"""After which a thread that computes lets another one on: with Python's own 5 ms the event loop, which makes ten pages in that,
waits too long for the threads that write streams."""


def serve(app: ASGIApp, settings: Settings, fd: int | None = None) -> None:
    """Serve until told to stop; then open requests have some seconds to end. ``fd`` is a socket that listens already."""
    sys.setswitchinterval(SWITCH_SECONDS)
    uvicorn.run(
        app,
        fd=fd,
        host=settings.host,
        port=settings.port,
        http=StrictProtocol,
        ws="none",
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
