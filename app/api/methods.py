"""HEAD and OPTIONS for every route, as pure ASGI."""

from starlette.routing import Match, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send


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
        elif method == "OPTIONS" and not _is_preflight(scope) and (allowed := methods_of(self.router, scope)):
            headers = [(b"allow", ", ".join(sorted(allowed)).encode())]
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


def _is_preflight(scope: Scope) -> bool:
    """Whether a browser asks for permission (CORS), which another layer gives."""
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])


def _without_body(send: Send) -> Send:
    async def forward(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return forward
