"""Problems as the error messages of SDMX, in the syntax that was asked for."""

from fastapi import Request, Response

from app.api.representation import NO_STORE
from app.errors import InvalidParameters, Problem
from app.sdmx.media_types import ranges
from app.sdmx.writers import json, xml

PREFIX = "/sdmx/"
BAD_REQUEST = 400
CODES = {404: 100, 413: 130, 501: 501, 503: 503}
"""The code (SDMX 2.1, section 7, part 5.8) of a status: no results, response too large, and those called alike."""
SYNTAX, SEMANTICS, INTERNAL = 140, 150, 500


def error_message(problem: Problem, request: Request) -> Response:
    """The error message that says a problem; a query that cannot be understood is a bad request (SDMX-REST, status)."""
    status = BAD_REQUEST if isinstance(problem, InvalidParameters) else problem.status
    server = status >= INTERNAL
    code = CODES.get(status, INTERNAL if server else SYNTAX)
    said = [(SEMANTICS if fault.code == "unknown_component" else code, fault.sentence) for fault in problem.errors]
    texts = [(said[0][0] if said else code, problem.detail), *said]
    headers = NO_STORE | problem.headers
    asked = max(ranges(request.headers.get("accept", "")), key=lambda each: each.weight)
    if "json" in asked.kind:
        return Response(json.error(problem.title, texts), status, headers, "application/json")
    is_21 = request.url.path.startswith(f"{PREFIX}2.1") or asked.parameters.get("version") == "2.1"
    return Response(xml.error("v2_1" if is_21 else "v3_0", texts), status, headers, "application/xml")
