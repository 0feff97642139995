"""Problems as SDMX error messages, in the requested syntax."""

from fastapi import Request, Response

from app.api.representation import NO_STORE
from app.errors import InvalidParameters, Problem
from app.formats.negotiation import accept_members
from app.sdmx.writers import json, xml

PREFIX = "/sdmx/"
BAD_REQUEST = 400
CODES = {404: 100, 413: 130, 501: 501, 503: 503}
"""SDMX error codes (2.1, section 7, part 5.8) by HTTP status: no results, response too large, and two of the same name."""
SYNTAX, SEMANTICS, INTERNAL = 140, 150, 500


def error_message(problem: Problem, request: Request) -> Response:
    """Return the SDMX error message of a problem.

    A query that cannot be understood is a bad request, 400 instead of 422 (SDMX-REST, status).
    """
    status = BAD_REQUEST if isinstance(problem, InvalidParameters) else problem.status
    code = CODES.get(status, INTERNAL if status >= INTERNAL else SYNTAX)
    faults = [(SEMANTICS if fault.code == "unknown_component" else code, fault.sentence) for fault in problem.errors]
    texts = [(faults[0][0] if faults else code, problem.detail), *faults]
    headers = NO_STORE | problem.headers
    preferred = max(accept_members(request.headers.get("accept", "")), key=lambda accepted: accepted.weight)
    if "json" in preferred.name:
        return Response(json.error(problem.title, texts), status, headers, "application/json")
    is_21 = request.url.path.startswith(f"{PREFIX}2.1") or preferred.parameters.get("version") == "2.1"
    return Response(xml.error("v2_1" if is_21 else "v3_0", texts), status, headers, "application/xml")
