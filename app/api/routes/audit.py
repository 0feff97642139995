"""``/v1/audit``: who tried to change what, and how it ended; for tokens with the scope ``admin``."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.api.answers import ListLinks, responses
from app.api.query_params import NoParameters, described, read
from app.api.readers import readers_of
from app.api.representation import V1, address, plain
from app.api.writer import writer_of
from app.auth.audit_log import entries
from app.db.types import LARGEST_WHOLE
from app.domain.urls import replaced
from app.errors import BadRequest, Forbidden, InvalidParameters, Unauthorized
from app.resources.base import MAX_LIMIT, Integer

router = APIRouter(prefix=V1, tags=["Publishing"])


class AuditParameters(NoParameters):
    """The parameters of the audit."""

    limit: Annotated[Integer, Field(ge=1, le=MAX_LIMIT, description="Entries per page.")] = 100
    before: Annotated[Integer | None, Field(ge=1, le=LARGEST_WHOLE, description="Entries before the one of this id.")] = None


class AuditEntry(BaseModel):
    """One attempt to change something."""

    id: int
    at: datetime
    actor: str = Field(description="Id of the token; `local` for a command beside the database.")
    action: str = Field(description="What was tried.")
    target: str | None = Field(description="Id of the source or the token.")
    client: str | None = Field(description="The address that it came from.")
    request_id: str | None
    result: str = Field(description="`done`, `unchanged`, or the last part of the problem's type.")
    revision: int | None = Field(description="The revision that was made or had been.")


class AuditMeta(BaseModel):
    """Facts about a page of the audit."""

    count: int


class AuditList(BaseModel):
    """A page of the audit."""

    data: list[AuditEntry]
    meta: AuditMeta
    links: ListLinks


@router.get(
    "/audit",
    operation_id="list_audit",
    summary="List attempts to change something",
    description="Who tried what, from where, and how it ended; the newest first. Needs a token with the scope `admin`; "
    "one that is narrowed to some sources reads of these alone.",
    responses=responses("A page of the audit.", BadRequest, Unauthorized, Forbidden, InvalidParameters, model=AuditList),
    openapi_extra={"parameters": described(AuditParameters), "security": [{"token": []}]},
    response_class=Response,
)
async def audit(request: Request) -> Response:
    """Return a page of the audit."""
    writer = writer_of(request)
    async with writer.attempt(request, "read audit") as attempt:
        attempt.actor = actor = await writer.actor(request)
        actor.require("admin")
    query = read(AuditParameters, request)
    found = await readers_of(request).read(
        lambda snapshot: entries(snapshot.connection, query.limit + 1, query.before, actor.beginnings)
    )
    shown = found[: query.limit]
    rows: list[dict[str, Any]] = [{**row, "at": row["at"].isoformat().replace("+00:00", "Z")} for row in shown]
    following = replaced(address(request), "before", str(shown[-1]["id"])) if len(found) > len(shown) else None
    answer = plain({"data": rows, "meta": {"count": len(rows)}, "links": {"self": address(request), "next": following}})
    answer.headers["Cache-Control"] = "no-store"
    return answer
