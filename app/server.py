"""The HTTP server: uvicorn, with our limits and deadlines, as the settings have it."""

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
"""The version of uvicorn whose protocol the limits were tested on; another minor version may lose them silently."""
SWITCH_SECONDS = 0.001
"""After which a thread that computes lets another one on: with Python's own 5 ms the event loop, which makes ten pages in that,
waits too long for the threads that write streams."""
LEAVE_SECONDS = 1.0
"""That a new connection is given to ask once when the server ends."""


class Server(uvicorn.Server):
    """The server, which leaves new connections the time to ask when it ends."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Accept no more, let those that have just connected ask once, and end."""
        for server in self.servers:
            server.close()
        if any(isinstance(connection, StrictProtocol) and connection.is_new for connection in self.server_state.connections):
            await asyncio.sleep(LEAVE_SECONDS)
        await super().shutdown(sockets)


def serve(app: ASGIApp, settings: Settings, fd: int | None = None) -> None:
    """Serve until told to stop; then open requests have some seconds to end. ``fd`` is a socket that listens already.

    Raises:
        Refusal: with another version of uvicorn than the one tested.
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
