"""Lists, answered before FastAPI's layers: these have nothing to do for them, and take more than a tenth of the time."""

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

FAILURE = "indicators.failure"
"""In the scope: the exception that a request has met already."""


class Direct(APIRoute):
    """A route whose endpoint takes the request and nothing else: FastAPI documents it, and has nothing to solve for it."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if FAILURE in scope:
            raise scope[FAILURE]
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        response = await self.endpoint(Request(scope, receive))
        await response(scope, receive, send)


class Shortcut:
    """GET of a direct route, by its endpoint alone. What fails there fails again in ``app``, where errors are answered."""

    def __init__(self, app: FastAPI) -> None:
        """``app`` has its direct routes already; it answers everything else."""
        self.app = app
        self._routes = {route.path: route for route in app.router.routes if isinstance(route, Direct)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        route = self._routes.get(scope.get("path", ""))
        if route is None or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        scope["app"], scope["route"] = self.app, route
        try:
            response = await route.endpoint(Request(scope, receive))
        except Exception as error:  # noqa: BLE001  whatever it is, it is raised again
            await self.app({**scope, FAILURE: error}, receive, send)
            return
        await response(scope, receive, send)
