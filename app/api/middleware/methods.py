"""HEAD and OPTIONS for every route, as pure ASGI; the latter also for browsers, whose scripts ask before they read (CORS)."""

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
"""The target of OPTIONS that asks about the server as a whole."""
OFFERED = {"/mcp": (("POST",), ASK_HEADERS)}
"""By address what scripts of other origins may send besides reading, and with which headers. Publishing is not offered."""


class Methods:
    """Answers HEAD as GET without a body, and OPTIONS with the methods that the address has (RFC 9110, section 9.3)."""

    def __init__(self, app: ASGIApp, router: Router) -> None:
        """``app`` answers the rest; ``router`` knows the routes."""
        self.app, self.router = app, router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        method = scope["method"] if scope["type"] == "http" else None
        if method == "HEAD":
            await self.app({**scope, "method": "GET", IS_HEAD: True}, receive, _without_body(send))
        elif method == "OPTIONS" and (allowed := methods_of(self.router, scope)):
            headers = [(b"allow", ", ".join(sorted(allowed)).encode()), *_permission(scope)]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self.app(scope, receive, send)


def methods_of(router: Router, scope: Scope) -> set[str]:
    """The methods that the address of ``scope`` answers; empty where there is no such address."""
    found: set[str] = set()
    for route in router.routes:
        if scope["path"] == SERVER or route.matches(scope)[0] is not Match.NONE:
            found |= set(route.methods or ()) if isinstance(route, Route) else {"GET"}
    if "GET" in found:
        found.add("HEAD")
    return found | {"OPTIONS"} if found else found


def _permission(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the answer to a browser whose script wants to go on (a preflight, in the Fetch standard).

    It is empty for what is not offered, and the browser stops the script.
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
