"""``/v1/publications``: documents published, revised and retracted over HTTP, by those who may."""

import re
from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, RootModel
from starlette.datastructures import Headers

from app.api.answers import responses
from app.api.query_params import NoParameters, described, read
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
from app.resources.base import Flag

router = APIRouter(prefix=V1, tags=["Publishing"])

MEDIA_TYPES = ("application/yaml", "application/json", "application/x-yaml", "text/yaml", "text/x-yaml")
"""What a document is sent as."""
KEY = re.compile(r"[!-~]{1,200}")

MOST_SHOWN = 200
"""Characters of an id that are kept in the audit."""


class PublicationParameters(NoParameters):
    """The parameters of a publication."""

    dry_run: Annotated[Flag, Field(description="Only answer what would change, fact by fact; nothing is stored.")] = False


class ReceiptData(BaseModel):
    """What a publication or a retraction did."""

    id: int = Field(description="The new revision, or the existing one if nothing is new.")
    source: str = Field(description="The source that was published or retracted.")
    action: Literal["published", "retracted"]
    new: bool = Field(description="Whether a revision was made.")
    published_at: datetime
    document_sha256: str = Field(description="SHA-256 of the document's bytes.")
    added: int = Field(description="Facts that were added.")
    changed: int = Field(description="Facts with a new version.")
    retracted: int = Field(description="Facts that ended.")


class Receipt(BaseModel):
    """The receipt of a publication or a retraction."""

    data: ReceiptData
    links: dict[str, str | None]


class RehearsalMeta(BaseModel):
    """What a publication would do."""

    source: str
    new: bool
    added: int = Field(description="Facts that would be added.")
    changed: int = Field(description="Facts that would get a new version.")
    retracted: int = Field(description="Facts that would end.")


class Rehearsal(BaseModel):
    """What a publication would change, fact by fact."""

    data: list[FactChange]
    meta: RehearsalMeta


class Outcome(RootModel[Receipt | Rehearsal]):
    """The receipt of a publication, or its rehearsal."""


DENIALS = (Unauthorized, Forbidden, TooManyRequests, Unavailable, InsufficientStorage)
"""Problems of every route that changes data."""


def header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    """A header parameter, for OpenAPI."""
    return {"name": name, "in": "header", "description": description, "required": required, "schema": {"type": "string"}}


IF_MATCH = header("If-Match", "The ETag of `/v1/sources/{id}` as it was seen; needed to revise a source that is there.")
PUBLICATION = {
    "parameters": [
        *described(PublicationParameters),
        header("Idempotency-Key", "1 to 200 visible characters, new for each publication; the same key gives the same receipt."),
        IF_MATCH,
    ],
    "requestBody": {
        "required": True,
        "description": "A document of the format `regional-indicators/1`; `/v1/schemas/document` has its JSON Schema.",
        "content": {"application/yaml": {"schema": {"type": "string"}}, "application/json": {"schema": {"type": "object"}}},
    },
    "security": [{"token": []}],
}
RETRACTION = {"parameters": [IF_MATCH], "security": [{"token": []}]}


@router.post(
    "/publications",
    operation_id="publish",
    summary="Publish a document",
    description="One document becomes one revision, or nothing happens. The same content again makes no new revision.",
    status_code=201,
    responses=responses("The receipt: nothing new; or what would change.", model=Outcome)
    | responses(
        "The receipt: a revision was made.",
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
    """Publish, or with ``dry_run`` say what would change."""
    writer = writer_of(request)
    async with writer.attempt(request, "publish") as attempt:
        attempt.actor = await writer.actor(request)
        attempt.actor.require("publish")
        query = read(PublicationParameters, request)
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
    description="Its facts end at a new revision and stay readable with `as_of`; what it declared is retired.",
    responses=responses("The receipt.", BadRequest, NotFound, PreconditionFailed, InvalidParameters, *DENIALS, model=Receipt),
    openapi_extra=RETRACTION,
    response_class=Response,
)
async def retraction(
    request: Request,
    id: Annotated[str, Path(description="Id of the source.")],  # noqa: A002  the contract's name
) -> Response:
    """Retract a source; again, it changes nothing."""
    writer = writer_of(request)
    async with writer.attempt(request, "retract", id[:MOST_SHOWN]) as attempt:
        attempt.actor = await writer.actor(request)
        attempt.actor.require("retract")
        read(NoParameters, request)
        seen = _seen(request.headers)
        return receipt_response(200, await writer.retract(attempt.actor, id, seen if seen.header is not None else None))


def receipt_data(receipt: preparation.Receipt) -> dict[str, Any]:
    """The members of a receipt."""
    members = {"id": receipt.revision, **asdict(receipt), **asdict(receipt.changes)}
    return {name: members[name] for name in members if name not in ("revision", "changes")}


def receipt_response(status: int, receipt: preparation.Receipt) -> Response:
    """The receipt, and where to find what it is of."""
    here = f"{V1}/revisions/{receipt.revision}"
    links = {
        "self": here,
        "document": f"{here}/document" if receipt.action == "published" else None,
        "source": f"{V1}/sources/{receipt.source}",
        "changes": f"{V1}/changes?since={receipt.revision - 1}&until={receipt.revision}",
    }
    answer = plain({"data": receipt_data(receipt), "links": links}, status)
    answer.headers["ETag"] = f'"{receipt.revision}-{receipt.document_sha256[:20]}"'
    answer.headers["Cache-Control"] = "no-store"
    if status == HTTPStatus.CREATED:
        answer.headers["Location"] = here
    return answer


def _media_type(headers: Headers) -> str:
    """Return the media type of the body. Raises UnsupportedMediaType unless it is YAML or JSON as it is."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        fault = Fault("Expected a document as YAML or JSON.", "media_type", parameter="Content-Type", allowed=MEDIA_TYPES)
        said = "The body is neither YAML nor JSON." if media_type else "The body does not say what it is."
        raise UnsupportedMediaType(said, [fault], {"Accept-Post": ", ".join(MEDIA_TYPES[:2])})
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        fault = Fault("Expected no compression.", "encoding", parameter="Content-Encoding", allowed=("identity",))
        raise UnsupportedMediaType("The body is compressed.", [fault])
    return media_type


def _seen(headers: Headers) -> Seen:
    """Return what If-Match says; it is a list, so that several lines are one."""
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
