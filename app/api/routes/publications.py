"""``/v1/publications``: publishing, revising and retracting documents over HTTP, with a token."""

import re
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, RootModel
from starlette.datastructures import Headers

from app.api.answers import responses
from app.api.query_params import NoParameters, openapi_parameters, read_query
from app.api.representation import V1, plain, tags_of_source
from app.api.routes.changes import FactChange
from app.api.writer import writer_of
from app.errors import (
    BadRequest,
    DocumentFaulty,
    DocumentMalformed,
    Fault,
    Forbidden,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    InFlight,
    InsufficientStorage,
    InvalidParameters,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from app.publishing import preparation
from app.publishing.submissions import Seen, Submission
from app.resources.parameter_types import Flag

router = APIRouter(prefix=V1, tags=["Publishing"])

MEDIA_TYPES = ("application/yaml", "application/json", "application/x-yaml", "text/yaml", "text/x-yaml")
"""Media types of a document."""
KEY = re.compile(r"[!-~]{1,200}")

MOST_SHOWN = 200
"""Characters of an id recorded in the audit log."""


class PublicationParameters(NoParameters):
    """Query parameters of a publication."""

    dry_run: Annotated[
        Flag, Field(description="Return the changes that the publication would make, fact by fact; store nothing.")
    ] = False


class ReceiptData(BaseModel):
    """The result of a publication or a retraction."""

    id: int = Field(description="The new revision, or the existing one if nothing changed.")
    source: str = Field(description="Id of the published or retracted source.")
    action: Literal["published", "retracted"]
    new: bool = Field(description="True if a new revision was created.")
    published_at: datetime
    document_sha256: str = Field(description="SHA-256 of the document's bytes.")
    added: int = Field(description="Number of added facts.")
    changed: int = Field(description="Number of facts with a new version.")
    retracted: int = Field(description="Number of retracted facts.")


class Receipt(BaseModel):
    """The receipt of a publication or a retraction."""

    data: ReceiptData
    links: dict[str, str | None]


class RehearsalMeta(BaseModel):
    """Summary of a rehearsed publication."""

    source: str
    new: bool
    added: int = Field(description="Number of facts that would be added.")
    changed: int = Field(description="Number of facts that would get a new version.")
    retracted: int = Field(description="Number of facts that would be retracted.")


class Rehearsal(BaseModel):
    """The changes that a publication would make, fact by fact."""

    data: list[FactChange]
    meta: RehearsalMeta


class Outcome(RootModel[Receipt | Rehearsal]):
    """The receipt of a publication, or its rehearsal."""


DENIALS = (Unauthorized, Forbidden, TooManyRequests, Unavailable, InsufficientStorage)
"""Problems of every route that changes data."""


def header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    """Return the OpenAPI object of a header parameter."""
    return {"name": name, "in": "header", "description": description, "required": required, "schema": {"type": "string"}}


IF_MATCH = header("If-Match", "The ETag of `/v1/sources/{id}` as last read; required to revise an existing source.")
PUBLICATION = {
    "parameters": [
        *openapi_parameters(PublicationParameters),
        header(
            "Idempotency-Key",
            "1 to 200 visible ASCII characters, new for each publication; a repeated key returns the same receipt.",
        ),
        IF_MATCH,
    ],
    "requestBody": {
        "required": True,
        "description": "A document in the format `regional-indicators/1`; its JSON Schema is at `/v1/schemas/document`.",
        "content": {"application/yaml": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}},
    },
    "security": [{"token": []}],
}
RETRACTION = {"parameters": [IF_MATCH], "security": [{"token": []}]}


@router.post(
    "/publications",
    operation_id="publish",
    summary="Publish a document",
    description="One document becomes one revision, or nothing is stored. Unchanged content creates no revision.",
    status_code=201,
    responses=responses("The receipt if nothing changed, or with `dry_run` the rehearsal.", model=Outcome)
    | responses(
        "The receipt of the new revision.",
        BadRequest,
        DocumentMalformed,
        IdempotencyKeyMissing,
        InFlight,
        PreconditionFailed,
        PayloadTooLarge,
        UnsupportedMediaType,
        DocumentFaulty,
        IdempotencyKeyReused,
        InvalidParameters,
        PreconditionRequired,
        *DENIALS,
        model=Receipt,
        status=201,
    ),
    openapi_extra=PUBLICATION,
    response_class=Response,
)
async def publish(request: Request) -> Response:
    """Publish a document, or with ``dry_run`` return the changes it would make."""
    writer = writer_of(request)
    async with writer.audit_refusals(request, "publish") as attempt:
        attempt.actor = await writer.actor(request)
        attempt.actor.require("publish")
        query = read_query(PublicationParameters, request)
        attempt.action = "rehearse" if query.dry_run else "publish"
        media_type = _media_type(request.headers)
        key = "" if query.dry_run else _key(request.headers)
        seen = _seen(request.headers)
        content = await request.body()
        submission = Submission(content, key, seen, only_json=media_type == "application/json")
        if query.dry_run:
            return Response(await writer.rehearse(attempt, submission), media_type="application/json")
        status, receipt = await writer.publish(attempt, submission)
    return receipt_response(status, receipt)


@router.delete(
    "/sources/{id}",
    operation_id="retract_source",
    summary="Retract a source",
    description="Its facts are retracted at a new revision and stay readable with `as_of`; its declarations are retired.",
    responses=responses("The receipt.", BadRequest, NotFound, PreconditionFailed, InvalidParameters, *DENIALS, model=Receipt),
    openapi_extra=RETRACTION,
    response_class=Response,
)
async def retraction(
    request: Request,
    id: Annotated[str, Path(description="Id of the source.")],  # noqa: A002  the contract's name
) -> Response:
    """Retract a source; a repeated retraction changes nothing."""
    writer = writer_of(request)
    async with writer.audit_refusals(request, "retract", id[:MOST_SHOWN]) as attempt:
        attempt.actor = await writer.actor(request)
        attempt.actor.require("retract")
        read_query(NoParameters, request)
        seen = _seen(request.headers)
        return receipt_response(200, await writer.retract(attempt.actor, id, seen if seen.header is not None else None))


def receipt_data(receipt: preparation.Receipt) -> dict[str, Any]:
    """Return the members of a receipt."""
    members = {"id": receipt.revision, **asdict(receipt), **asdict(receipt.changes)}
    return {name: members[name] for name in members if name not in ("revision", "changes")}


def receipt_response(status: int, receipt: preparation.Receipt) -> Response:
    """Return the response with a receipt and its links."""
    revision = f"{V1}/revisions/{receipt.revision}"
    links = {
        "self": revision,
        "document": f"{revision}/document" if receipt.action == "published" else None,
        "source": f"{V1}/sources/{receipt.source}",
        "changes": f"{V1}/changes?since={receipt.revision - 1}&until={receipt.revision}",
    }
    response = plain({"data": receipt_data(receipt), "links": links}, status)
    response.headers["ETag"] = f'"{receipt.revision}-{receipt.document_sha256[:20]}"'
    response.headers["Cache-Control"] = "no-store"
    if status == HTTPStatus.CREATED:
        response.headers["Location"] = revision
    return response


def _media_type(headers: Headers) -> str:
    """Return the media type of the body.

    Raises UnsupportedMediaType unless the body is uncompressed YAML or JSON.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        fault = Fault("Expected a document as YAML or JSON.", "media_type", parameter="Content-Type", allowed=MEDIA_TYPES)
        detail = "The body is neither YAML nor JSON." if media_type else "The body does not say what it is."
        raise UnsupportedMediaType(detail, [fault], {"Accept-Post": ", ".join(MEDIA_TYPES[:2])})
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        fault = Fault("Expected no compression.", "encoding", parameter="Content-Encoding", allowed=("identity",))
        raise UnsupportedMediaType("The body is compressed.", [fault])
    return media_type


def _seen(headers: Headers) -> Seen:
    """Return the If-Match condition; several lines are joined, as it is a list."""
    lines = headers.getlist("if-match")
    return Seen(", ".join(lines) if lines else None, tags_of_source)


def _key(headers: Headers) -> str:
    """Return the Idempotency-Key (draft-ietf-httpapi-idempotency-key-header)."""
    keys = headers.getlist("idempotency-key")
    if len(keys) > 1:
        raise BadRequest("There are several headers Idempotency-Key; expected one.")
    if not keys:
        raise IdempotencyKeyMissing("A publication needs the header Idempotency-Key: any text that is new, such as a UUID.")
    (key,) = keys
    if not KEY.fullmatch(key):
        fault = Fault("Expected 1 to 200 visible characters.", "idempotency_key", parameter="Idempotency-Key")
        raise InvalidParameters("The Idempotency-Key cannot be used.", [fault])
    return key
