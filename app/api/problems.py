"""Exception handlers: every error becomes a problem document (RFC 9457)."""

import logging
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.api.middleware.methods import methods_of
from app.api.representation import problem_response
from app.db.engines import is_disk_full, is_unavailable
from app.errors import (
    BadRequest,
    Fault,
    InsufficientStorage,
    InternalError,
    InvalidParameters,
    MethodNotAllowed,
    NotFound,
    Problem,
    Unavailable,
    nearest,
)

log = logging.getLogger("indicators")


Responder = Callable[[Problem, Request], Response]


def add_handlers(app: FastAPI, dialects: Mapping[str, Responder]) -> None:
    """Answer every exception with a problem document.

    ``dialects`` maps path prefixes whose clients expect another error format (SDMX) to the functions that write it.
    """
    app.state.problem_dialects = dialects

    async def problem(request: Request, error: Problem) -> Response:
        return respond(error, request)

    async def http(request: Request, error: HTTPException) -> Response:
        return respond(_of_status(app, request, error), request)

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        faults = [Fault(details["msg"] + ".", details["type"], parameter=str(details["loc"][-1])) for details in error.errors()]
        return respond(InvalidParameters("One or more parameters cannot be used.", faults), request)

    async def unavailable(request: Request, error: DBAPIError | PoolTimeout) -> Response:
        if isinstance(error, DBAPIError) and is_disk_full(error):
            return respond(InsufficientStorage("There is no room left; nothing was stored."), request)
        if isinstance(error, DBAPIError) and not is_unavailable(error):
            log.error("fault of a statement", exc_info=error)
            return await internal(request, error)
        log.error("database unavailable: %s", error)
        outage = Unavailable("The database cannot be reached at the moment.", headers={"Retry-After": "5"})
        return respond(outage, request)

    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=499)  # the client is gone

    async def internal(request: Request, _error: Exception) -> Response:
        # the server logs the traceback
        return respond(InternalError("The service failed; the fault was logged."), request)

    app.exception_handler(Problem)(problem)
    app.exception_handler(HTTPException)(http)
    app.exception_handler(RequestValidationError)(invalid)
    app.exception_handler(DBAPIError)(unavailable)
    app.exception_handler(PoolTimeout)(unavailable)
    app.exception_handler(ClientDisconnect)(gone)
    app.exception_handler(Exception)(internal)


def respond(problem: Problem, request: Request) -> Response:
    """Return the response with a problem, in the error format of the path's prefix."""
    dialects: Mapping[str, Responder] = request.app.state.problem_dialects
    responders = (write for prefix, write in dialects.items() if request.url.path.startswith(prefix))
    write = next(responders, None)
    return write(problem, request) if write else problem_response(problem, request.url.path)


def _of_status(app: FastAPI, request: Request, error: HTTPException) -> Problem:
    path = request.url.path
    if error.status_code == MethodNotAllowed.status:
        allowed = ", ".join(sorted(methods_of(app.router, request.scope)))
        return MethodNotAllowed(f"This address answers {allowed}.", headers={"Allow": allowed})
    if error.status_code == NotFound.status:
        near = nearest(
            path, (route.path for route in app.router.routes if isinstance(route, APIRoute) and route.include_in_schema)
        )
        return NotFound("There is nothing at this address.", [Fault("No such path.", "unknown_path", suggestion=near)])
    return BadRequest("The request could not be read.")
