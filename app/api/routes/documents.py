"""``/v1/revisions/{id}/document``: the published document, as its original bytes or as canonical JSON."""

import base64
import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field

from app.api.answers import OBJECT, responses
from app.api.query_params import NoParameters, openapi_parameters, read_query
from app.api.readers import readers_of
from app.api.representation import V1, Representation, disposition
from app.api.routes.resources import one
from app.errors import BadRequest, InvalidParameters, NotAcceptable, NotFound
from app.formats.base import Medium
from app.formats.negotiation import prefer
from app.publishing.canonical import canonical
from app.publishing.json_reader import not_json
from app.publishing.preparation import document_of
from app.publishing.process import LARGE, in_process
from app.query.repository import Repository
from app.query.snapshot import Snapshot
from app.resources.revisions import REVISIONS

router = APIRouter(prefix=f"{V1}/revisions", tags=[REVISIONS.tag])


class DocumentParameters(NoParameters):
    """Query parameters of a document."""

    format: Annotated[
        Literal["original", "json"] | None,
        Field(description="The published bytes, or canonical JSON (RFC 8785); overrides Accept."),
    ] = None


FORMATS: tuple[Medium[bytes], ...] = (
    Medium("original", "application/yaml", bytes, "application/yaml; charset=utf-8"),
    Medium("json", "application/json", canonical, "application/json"),
)


RESPONSES = responses(
    "The document.",
    BadRequest,
    NotFound,
    NotAcceptable,
    InvalidParameters,
    media={"application/yaml": {}, "application/json": OBJECT},
)
RESPONSES[200]["headers"] = {"Repr-Digest": {"$ref": "#/components/headers/Repr-Digest"}}


@router.get(
    "/{id}/document",
    operation_id="get_document",
    summary="Get the document of a revision",
    description="The published bytes, or the document as canonical JSON; Repr-Digest (RFC 9530) has the SHA-256 of the body.",
    responses=RESPONSES,
    openapi_extra={"parameters": openapi_parameters(DocumentParameters)},
    response_class=Response,
)
async def document(
    request: Request,
    id: Annotated[str, Path(description="Number of the revision.")],  # noqa: A002  the contract's name
) -> Response:
    """Return the document published in a revision."""
    query = read_query(DocumentParameters, request)
    format_ = prefer(query.format, request.headers.get("accept", ""), FORMATS)
    readers = readers_of(request)

    def find(snapshot: Snapshot) -> tuple[Representation, str]:
        representation = Representation.of(request, snapshot.version, format_, "en")
        revision = one(Repository(snapshot, REVISIONS), id).records()[0]
        if revision["action"] != "published":
            raise NotFound("This revision retracted its source, and has no document.")
        return representation, str(revision["source"])

    representation, source = await readers.read(find)
    if representation.is_known:
        return representation.not_modified()

    def load() -> bytes:
        with readers.opened() as connection:
            return document_of(connection, int(id))

    def render() -> Response:
        """Return the response; the writing of JSON and the digest need a thread."""
        response = representation.body(content if ready else format_.write(content))
        is_json = format_ is FORMATS[1] or not_json(content) is None
        if is_json:
            response.headers["Content-Type"] = FORMATS[1].content_type
        response.headers["Content-Disposition"] = disposition(f"{source}.{'json' if is_json else 'yaml'}")
        response.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(response.body).digest()).decode()}:"
        return response

    content, ready = await readers.in_thread(load), False
    if format_ is FORMATS[1] and len(content) > LARGE:
        content, ready = await in_process(canonical, content), True
    return await readers.in_thread(render)
