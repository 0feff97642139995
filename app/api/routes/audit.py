"""``/v1/audit``: the audit log of attempted changes, for tokens with the scope ``admin``."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.api.answers import ListLinks, responses
from app.api.query_params import NoParameters, openapi_parameters, read_query
from app.api.readers import readers_of
from app.api.representation import V1, address, plain
from app.api.writer import writer_of
from app.auth.audit_log import entries
from app.db.types import LARGEST_WHOLE, moment_text
from app.domain.urls import with_parameter
from app.errors import BadRequest, Forbidden, InvalidParameters, Unauthorized
from app.resources.parameter_types import MAX_LIMIT, Integer

router = APIRouter(prefix=V1, tags=["Publishing"])


class AuditParameters(NoParameters):
    """Query parameters of the audit log."""

    limit: Annotated[Integer, Field(ge=1, le=MAX_LIMIT, description="Entries per page.")] = 100
    before: Annotated[Integer | None, Field(ge=1, le=LARGEST_WHOLE, description="Return entries with a smaller id.")] = None


class AuditEntry(BaseModel):
    """An attempted change."""

    id: int
    at: datetime
    actor: str = Field(description="Id of the token; `local` for a command-line call on the server.")
    action: str = Field(description="The attempted action.")
    target: str | None = Field(description="Id of the source or the token.")
    client: str | None = Field(description="The client's address.")
    request_id: str | None
    result: str = Field(description="`done`, `unchanged`, or the last part of the problem's type.")
    revision: int | None = Field(description="The new revision, or the existing one if nothing changed.")


class AuditMeta(BaseModel):
    """Facts about a page of the audit log."""

    count: int


class AuditList(BaseModel):
    """A page of the audit log."""

    data: list[AuditEntry]
    meta: AuditMeta
    links: ListLinks


@router.get(
    "/audit",
    operation_id="list_audit",
    summary="List attempted changes",
    description="Each attempt with its actor, client address and result, newest first. Needs a token with the scope `admin`; "
    "a token limited to certain sources sees only their entries.",
    responses=responses("A page of the audit log.", BadRequest, Unauthorized, Forbidden, InvalidParameters, model=AuditList),
    openapi_extra={"parameters": openapi_parameters(AuditParameters), "security": [{"token": []}]},
    response_class=Response,
)
async def audit(request: Request) -> Response:
    """Return a page of the audit log."""
    writer = writer_of(request)
    async with writer.audit_refusals(request, "read audit") as attempt:
        attempt.actor = actor = await writer.actor(request)
        actor.require("admin")
    query = read_query(AuditParameters, request)
    rows = await readers_of(request).read(
        lambda snapshot: entries(snapshot.connection, query.limit + 1, query.before, actor.source_prefixes)
    )
    page = rows[: query.limit]
    data: list[dict[str, Any]] = [{**row, "at": moment_text(row["at"])} for row in page]
    following = with_parameter(address(request), "before", str(page[-1]["id"])) if len(rows) > len(page) else None
    response = plain({"data": data, "meta": {"count": len(data)}, "links": {"self": address(request), "next": following}})
    response.headers["Cache-Control"] = "no-store"
    return response
