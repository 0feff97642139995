"""HEAD and OPTIONS for every route, including CORS preflights. Pure ASGI."""

from starlette.routing import Match, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.middleware.header_fields import fields_of
from app.api.representation import IS_HEAD

READ_METHODS = ("GET", "HEAD")
READ_HEADERS = (
    "Accept", "Accept-Language", "Content-Type", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "Range",
    "X-Request-Id",
)  # fmt: skip
ASK_HEADERS = (
    "Accept", "Content-Type", "Last-Event-Id", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Mcp-Session-Id",
    "X-Request-Id",
)  # fmt: skip
SERVER = "*"
"""Target of an OPTIONS request about the server as a whole (RFC 9110, section 9.3.7)."""
OFFERED = {"/mcp": (("POST",), ASK_HEADERS)}
"""Methods and headers allowed to scripts of other origins, by path; other paths are read-only. Publishing is not offered."""


class Methods:
    """Middleware that serves HEAD as GET without a body, and OPTIONS with the methods of the path (RFC 9110, section 9.3)."""

    def __init__(self, app: ASGIApp, router: Router) -> None:
        """Wrap ``app``; methods are looked up in ``router``."""
        self.app, self.router = app, router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI connection."""
        method = scope["method"] if scope["type"] == "http" else None
        if method == "HEAD":
            await self.app({**scope, "method": "GET", IS_HEAD: True}, receive, _without_body(send))
        elif method == "OPTIONS" and (allowed := methods_of(self.router, scope)):
            headers = [(b"allow", ", ".join(sorted(allowed)).encode()), *_preflight_headers(scope)]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self.app(scope, receive, send)


def methods_of(router: Router, scope: Scope) -> set[str]:
    """Return the methods of the path of ``scope``; empty if there is no such path."""
    methods: set[str] = set()
    for route in router.routes:
        if scope["path"] == SERVER or route.matches(scope)[0] is not Match.NONE:
            methods |= set(route.methods or ()) if isinstance(route, Route) else {"GET"}
    if "GET" in methods:
        methods.add("HEAD")
    return methods | {"OPTIONS"} if methods else methods


def _preflight_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers of the response to a CORS preflight (Fetch standard).

    They are empty for a method that is not offered; the browser then blocks the script's request.
    """
    methods, headers = OFFERED.get(scope["path"], (READ_METHODS, READ_HEADERS))
    if fields_of(scope).get(b"access-control-request-method", b"").decode("latin-1") not in methods:
        return []
    return [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", ", ".join(methods).encode()),
        (b"access-control-allow-headers", ", ".join(headers).encode()),
        (b"access-control-max-age", b"600"),
    ]


def _without_body(send: Send) -> Send:
    async def forward(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return forward
