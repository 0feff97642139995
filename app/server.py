"""The HTTP server: uvicorn with our limits and deadlines, configured by the settings."""

import asyncio
import sys
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from app.errors import Refusal
from app.http1 import StrictProtocol
from app.limits import GRACE_SECONDS, IDLE_SECONDS
from app.settings import Settings

TESTED_UVICORN = "0.54."
"""Version of uvicorn with which the limits were tested; other minor versions may lose them silently."""
SWITCH_SECONDS = 0.001
"""Interval after which a computing thread yields to another one.

With Python's default of 5 ms, in which the event loop builds ten pages, it waits too long for the threads that write streams.
"""
LEAVE_SECONDS = 1.0
"""Seconds that new connections have for one request when the server shuts down."""


class Server(uvicorn.Server):
    """A server that lets new connections send one request before it shuts down."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stop accepting, wait for a request of new connections, and shut down."""
        for server in self.servers:
            server.close()
        if any(isinstance(connection, StrictProtocol) and connection.is_new for connection in self.server_state.connections):
            await asyncio.sleep(LEAVE_SECONDS)
        await super().shutdown(sockets)


def serve(app: ASGIApp, settings: Settings, fd: int | None = None) -> None:
    """Serve until stopped; open requests then have ``GRACE_SECONDS`` to finish.

    ``fd`` is the descriptor of a socket that is already listening.

    Raises:
        Refusal: if the installed version of uvicorn is not the tested one.
    """
    if not uvicorn.__version__.startswith(TESTED_UVICORN):
        raise Refusal(f"uvicorn {uvicorn.__version__} is installed; this software was tested with {TESTED_UVICORN}x alone")
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
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
    Server(config).run()
