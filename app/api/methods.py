"""HEAD and OPTIONS for every route, as pure ASGI; the latter also for browsers, whose scripts ask before they read (CORS)."""

from starlette.routing import Match, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAY_READ = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-max-age", b"600"),
)
"""The answer to a script of another origin that may go on; to others nothing is said of this, and their browser stops them."""


class Methods:
    """Answers HEAD as GET without a body, and OPTIONS with the methods that the address has (RFC 9110, section 9.3)."""

    def __init__(self, app: ASGIApp, router: Router) -> None:
        """``app`` answers the rest; ``router`` knows the routes."""
        self.app, self.router = app, router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        method = scope["method"] if scope["type"] == "http" else None
        if method == "HEAD":
            await self.app({**scope, "method": "GET"}, receive, _without_body(send))
        elif method == "OPTIONS" and (allowed := methods_of(self.router, scope)):
            headers = [(b"allow", ", ".join(sorted(allowed)).encode()), *(MAY_READ if _asks_to_read(scope) else ())]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self.app(scope, receive, send)


def methods_of(router: Router, scope: Scope) -> set[str]:
    """The methods that the address of ``scope`` answers; empty where there is no such address."""
    found: set[str] = set()
    for route in router.routes:
        if route.matches(scope)[0] is not Match.NONE:
            found |= set(route.methods or ()) if isinstance(route, Route) else {"GET"}
    if "GET" in found:
        found.add("HEAD")
    return found | {"OPTIONS"} if found else found


def _asks_to_read(scope: Scope) -> bool:
    """Whether a browser asks for permission to read (a preflight, in the Fetch standard)."""
    return dict(scope["headers"]).get(b"access-control-request-method") in (b"GET", b"HEAD")


def _without_body(send: Send) -> Send:
    async def forward(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return forward
