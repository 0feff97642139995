"""What arrives over HTTP: once per key, only by whom it may, and only over what the sender saw."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, Table, insert, select

from app.errors import IdempotencyKeyReused, PreconditionFailed, PreconditionRequired
from app.publishing.audit import record
from app.publishing.ingest import Last, Receipt, known, last_revision, revise
from app.publishing.ingest import retract as retract_source
from app.publishing.parse import parse
from app.publishing.tokens import Actor
from app.resources.access import ReceiptRow

RECEIPT: Table = ReceiptRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time
_TAG = re.compile(r'"([0-9]{1,9})-[^"]*"')


@dataclass(frozen=True, slots=True)
class Seen:
    """If-Match (RFC 9110, section 13.1.1): the versions of a source that the sender may have seen.

    Entity tags begin with the revision of the data set at which they were made: a source is as it was seen while it was not
    revised since.
    """

    header: str | None

    def require(self, source: str, last: Last | None) -> None:
        """Raise PreconditionRequired or PreconditionFailed unless the source was seen as it is."""
        if self.header is None:
            if last is not None:
                detail = (
                    f"The source {source} is there already; revising it needs If-Match with the ETag of /v1/sources/{source}."
                )
                raise PreconditionRequired(detail)
            return
        if last is None:
            raise PreconditionFailed(f"There is no source {source} that could match If-Match.")
        seen = max((int(revision) for revision in _TAG.findall(self.header.replace('W/"', ""))), default=0)
        if self.header.strip() != "*" and seen < last.revision:
            raise PreconditionFailed(f"The source {source} is not as If-Match has it: revision {last.revision} changed it.")


@dataclass(frozen=True, slots=True)
class Submission:
    """A document as it was sent, under which key, and what its sender had seen; None where that does not matter."""

    content: bytes
    key: str
    seen: Seen | None


def submit(connection: Connection, actor: Actor, submission: Submission) -> tuple[int, Receipt]:
    """Publish a submission; the status and the receipt, which are the same for the same key ever after.

    Raises:
        IdempotencyKeyReused: where the key came before with another body.
        DocumentFaulty, Forbidden, PreconditionRequired, PreconditionFailed: then nothing was stored.
    """
    sha256 = hashlib.sha256(submission.content).hexdigest()
    this = select(RECEIPT).where(RECEIPT.c.actor == actor.id, RECEIPT.c.key == submission.key)
    before = connection.execute(this).first()
    if before is not None:
        if before.request_sha256 != sha256:
            raise IdempotencyKeyReused("This Idempotency-Key came before, with another body.")
        return before.status, msgspec.json.decode(before.body, type=Receipt)
    receipt = rehearse(connection, actor, submission)
    status = 201 if receipt.new else 200
    body = msgspec.json.encode(receipt).decode()
    answer = {"actor": actor.id, "key": submission.key, "request_sha256": sha256, "status": status, "body": body}
    connection.execute(insert(RECEIPT), {**answer, "answered_at": datetime.now(UTC)})
    record(connection, actor, "publish", receipt.source, _result(receipt), receipt.revision)
    return status, receipt


def rehearse(connection: Connection, actor: Actor, submission: Submission) -> Receipt:
    """What ``submit`` does to the data, without key, audit and receipt."""
    document = parse(submission.content, known(connection))
    source = document.source.id
    actor.require("publish", source)
    last = last_revision(connection, source)
    if last is not None and last.says(submission.content):
        return last.receipt(source)
    if submission.seen is not None:
        submission.seen.require(source, last)
    return revise(connection, document, submission.content)


def retract(connection: Connection, actor: Actor, source: str, seen: Seen | None) -> Receipt:
    """Retract a source; without ``seen``, whatever version there is.

    Raises:
        Forbidden, NotFound, PreconditionFailed: then nothing was stored.
    """
    actor.require("retract", source)
    if seen is not None:
        seen.require(source, last_revision(connection, source))
    receipt = retract_source(connection, source)
    record(connection, actor, "retract", source, _result(receipt), receipt.revision)
    return receipt


def _result(receipt: Receipt) -> str:
    return "done" if receipt.new else "unchanged"
