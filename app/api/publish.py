"""``/v1/publications``: documents published, revised and retracted over HTTP, by those who may."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from anyio import Semaphore, fail_after, to_thread
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from sqlalchemy import Connection

from app.api.changes import FACTS
from app.api.openapi import publication_answers, retraction_answers
from app.api.parameters import NoParameters, described, read
from app.api.responses import V1, plain
from app.database import Database
from app.errors import (
    Fault,
    Forbidden,
    IdempotencyKeyMissing,
    InFlight,
    InvalidParameters,
    Problem,
    Unavailable,
    UnsupportedMediaType,
)
from app.publishing.audit import record
from app.publishing.document import MOST_FACTS
from app.publishing.ingest import Receipt
from app.publishing.submissions import Seen, Submission, rehearse, retract, submit
from app.publishing.tokens import Action, Actor, holder
from app.query.changes import changes
from app.resource import Flag

router = APIRouter(prefix=V1, tags=["Publishing"])

MEDIA_TYPES = ("application/yaml", "application/json", "application/x-yaml", "text/yaml", "text/x-yaml")
"""What a document is sent as."""
TURN_SECONDS = 5.0
"""That a publication waits for those before it."""
KEY = re.compile(r"[!-~]{1,200}")

Made = TypeVar("Made")


class PublicationParameters(NoParameters):
    """The parameters of a publication."""

    dry_run: Annotated[Flag, Field(description="Only answer what would change, fact by fact; nothing is stored.")] = False


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


class Writer:
    """The one place of this process where the data is changed, one after the other."""

    def __init__(self, database: Database) -> None:
        """Writes to ``database``."""
        self.database = database
        self._turns = Semaphore(1)
        self._in_flight: set[tuple[str, str]] = set()

    async def actor(self, request: Request, action: Action) -> Actor:
        """Who sent the request. Raises Unauthorized or Forbidden for who may not do this with any source."""
        authorization, client = request.headers.get("authorization"), request.client.host if request.client else None

        def found() -> Actor:
            with self.database.read() as connection:
                return holder(connection, authorization, client, request.scope["request_id"])

        actor = await to_thread.run_sync(found)
        try:
            actor.require(action)
        except Forbidden as problem:
            slug = problem.slug
            await self._in_turn(lambda: self._note(actor, action, None, slug))
            raise
        return actor

    async def publish(self, actor: Actor, submission: Submission) -> tuple[int, Receipt]:
        """The status and the receipt. Raises InFlight while the same key is worked on."""
        key = (actor.id, submission.key)
        if key in self._in_flight:
            raise InFlight("A request with this Idempotency-Key is being worked on.", headers={"Retry-After": "1"})
        self._in_flight.add(key)
        try:
            return await self._audited(actor, "publish", None, lambda: self._written(lambda to: submit(to, actor, submission)))
        finally:
            self._in_flight.discard(key)

    async def rehearse(self, actor: Actor, submission: Submission) -> dict[str, Any]:
        """What a publication would change; nothing is kept."""

        def rehearsed() -> dict[str, Any]:
            return self._written(lambda connection: rehearsal(connection, actor, submission), keep=False)

        return await self._audited(actor, "rehearse", None, rehearsed)

    async def retract(self, actor: Actor, source: str, seen: Seen | None) -> Receipt:
        """The receipt of a retraction."""
        return await self._audited(actor, "retract", source, lambda: self._written(lambda to: retract(to, actor, source, seen)))

    def _written(self, work: Callable[[Connection], Made], *, keep: bool = True) -> Made:
        with self.database.write(keep=keep) as connection:
            return work(connection)

    async def _audited(self, actor: Actor, action: str, target: str | None, work: Callable[[], Made]) -> Made:
        """What ``work`` does, in its turn; where that is a problem, the audit has it."""

        def done() -> Made:
            try:
                return work()
            except Problem as problem:
                self._note(actor, action, target, problem.slug)
                raise

        return await self._in_turn(done)

    def _note(self, actor: Actor, action: str, target: str | None, result: str) -> None:
        self._written(lambda connection: record(connection, actor, action, target, result))

    async def _in_turn(self, work: Callable[[], Made]) -> Made:
        """What ``work`` does in a thread, once those before it are done. Raises Unavailable where that takes too long."""
        try:
            with fail_after(TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable("Others are publishing at the moment.", headers={"Retry-After": "5"}) from None
        try:
            return await to_thread.run_sync(work)
        finally:
            self._turns.release()


def rehearsal(connection: Connection, actor: Actor, submission: Submission) -> dict[str, Any]:
    """What a publication would change, fact by fact; ``connection`` has changed it, and must not keep it."""
    receipt = rehearse(connection, actor, submission)
    found = changes(connection, FACTS, receipt.revision - 1, receipt.revision, "en", 2 * MOST_FACTS, None)
    return {
        "data": [asdict(change) for change in found] if receipt.new else [],
        "meta": {"source": receipt.source, "new": receipt.new, **asdict(receipt.changes)},
    }


def writer_of(request: Request) -> Writer:
    """The writer of the application."""
    writer: Writer = request.app.state.writer
    return writer


@router.post(
    "/publications",
    operation_id="publish",
    summary="Publish a document",
    description="One document becomes one revision, or nothing happens. The same content again makes no new revision.",
    status_code=201,
    responses=publication_answers(),
    openapi_extra=PUBLICATION,
    response_class=Response,
)
async def publish(request: Request) -> Response:
    """Publish, or with ``dry_run`` say what would change."""
    query = read(PublicationParameters, request)
    writer = writer_of(request)
    actor = await writer.actor(request, "publish")
    _require_readable(request.headers)
    key = "" if query.dry_run else _key(request.headers)
    submission = Submission(await request.body(), key, Seen(request.headers.get("if-match")))
    if query.dry_run:
        return plain(await writer.rehearse(actor, submission))
    status, receipt = await writer.publish(actor, submission)
    return receipt_response(status, receipt)


@router.delete(
    "/sources/{id}",
    operation_id="retract_source",
    summary="Retract a source",
    description="Its facts end at a new revision and stay readable with `as_of`; what it declared is retired.",
    responses=retraction_answers(),
    openapi_extra=RETRACTION,
    response_class=Response,
)
async def retraction(
    request: Request,
    id: Annotated[str, Path(description="Id of the source.")],  # noqa: A002  the contract's name
) -> Response:
    """Retract a source; again, it changes nothing."""
    read(NoParameters, request)
    writer = writer_of(request)
    actor = await writer.actor(request, "retract")
    tag = request.headers.get("if-match")
    return receipt_response(200, await writer.retract(actor, id, None if tag is None else Seen(tag)))


def receipt_data(receipt: Receipt) -> dict[str, Any]:
    """The members of a receipt."""
    members = {"id": receipt.revision, **asdict(receipt), **asdict(receipt.changes)}
    return {name: members[name] for name in members if name not in ("revision", "changes")}


def receipt_response(status: int, receipt: Receipt) -> Response:
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


def _require_readable(headers: Mapping[str, str]) -> None:
    """Raise UnsupportedMediaType unless the body is YAML or JSON as it is."""
    media_type = headers.get("content-type", MEDIA_TYPES[0]).partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        fault = Fault("Expected a document as YAML or JSON.", "media_type", parameter="Content-Type", allowed=MEDIA_TYPES)
        raise UnsupportedMediaType("The body is neither YAML nor JSON.", [fault], {"Accept-Post": ", ".join(MEDIA_TYPES[:2])})
    if headers.get("content-encoding", "identity").lower() != "identity":
        fault = Fault("Expected no compression.", "encoding", parameter="Content-Encoding", allowed=("identity",))
        raise UnsupportedMediaType("The body is compressed.", [fault])


def _key(headers: Mapping[str, str]) -> str:
    """The Idempotency-Key (draft-ietf-httpapi-idempotency-key-header)."""
    key = headers.get("idempotency-key")
    if key is None:
        raise IdempotencyKeyMissing("A publication needs the header Idempotency-Key: any text that is new, such as a UUID.")
    if not KEY.fullmatch(key):
        fault = Fault("Expected 1 to 200 visible characters.", "idempotency_key", parameter="Idempotency-Key")
        raise InvalidParameters("The Idempotency-Key cannot be used.", [fault])
    return key
