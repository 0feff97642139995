"""What arrives over HTTP: once per key, only by whom it may, and only over what the sender saw."""

import hashlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, Table, insert, select

from app.auth.audit_log import record
from app.auth.tables import ReceiptRow
from app.auth.tokens import Actor
from app.errors import IdempotencyKeyReused, PreconditionFailed, PreconditionRequired
from app.publishing.preparation import REVISION, Last, Prepared, Receipt, last_revision
from app.publishing.revisions import retract as retract_source
from app.publishing.revisions import revise

RECEIPT: Table = ReceiptRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time
_TAG = re.compile(r'(W/)?"([^"]*)"')
_ISSUED = re.compile(r"([1-9][0-9]{0,8})-([0-9a-f]{20})(-[a-z]+)?")
"""An entity tag that this service may have made: the revision, a digest, and the encoding that it was sent in."""

Issued = Callable[[str, int, str], Collection[str]]
"""Gives the entity tags of a source at a revision with a document of some SHA-256."""
Answer = tuple[int, Receipt]
"""A status and a receipt."""


@dataclass(frozen=True, slots=True)
class Seen:
    """If-Match (RFC 9110, section 13.1.1): the versions of a source that the sender may have seen.

    Entity tags begin with the revision of the data set at which they were made: a source is as it was seen while it was not
    revised since. ``issued`` says which tags were made then: others, and weak ones, match nothing.
    """

    header: str | None
    issued: Issued

    def require(self, connection: Connection, source: str, last: Last | None) -> None:
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
        if self.header.strip() == "*":
            return
        tags = [found for weak, tag in _TAG.findall(self.header) if not weak and (found := _ISSUED.fullmatch(tag))]
        seen = [int(tag[1]) for tag in tags[:MOST_TAGS] if self._was_issued(connection, source, int(tag[1]), tag[2])]
        if not seen:
            raise PreconditionFailed(f"If-Match has no strong ETag that /v1/sources/{source}, or a receipt of it, was given.")
        if max(seen) < last.revision:
            raise PreconditionFailed(f"The source {source} is not as If-Match has it: revision {last.revision} changed it.")

    def _was_issued(self, connection: Connection, source: str, revision: int, digest: str) -> bool:
        found = connection.execute(select(REVISION.c.document_sha256).where(REVISION.c.id == revision)).scalar()
        return found is not None and f"{revision}-{digest}" in self.issued(source, revision, found)


MOST_TAGS = 20
"""Tags of If-Match that are looked at."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A document as it was sent, under which key, and what its sender had seen; None where that does not matter.

    ``only_json`` says that the sender calls it JSON.
    """

    content: bytes
    key: str
    seen: Seen | None
    only_json: bool = False

    @property
    def sha256(self) -> str:
        """What the body is known by."""
        return hashlib.sha256(self.content).hexdigest()


def answered(connection: Connection, actor: Actor, submission: Submission) -> Answer | None:
    """Return the answer that was given under the same key before; None where there was none.

    Raises:
        IdempotencyKeyReused: where the key came with another body.
    """
    this = select(RECEIPT).where(RECEIPT.c.actor == actor.id, RECEIPT.c.key == submission.key)
    before = connection.execute(this).first()
    if before is None:
        return None
    if before.request_sha256 != submission.sha256:
        raise IdempotencyKeyReused("This Idempotency-Key came before, with another body.")
    return before.status, msgspec.json.decode(before.body, type=Receipt)


def submit(connection: Connection, actor: Actor, submission: Submission, prepared: Prepared) -> Answer:
    """Publish a submission; the status and the receipt, which are the same for the same key ever after.

    Raises:
        IdempotencyKeyReused: where the key came before with another body.
        DocumentFaulty, PreconditionRequired, PreconditionFailed: then nothing was stored.
    """
    before = answered(connection, actor, submission)
    if before is not None:
        return before
    receipt = rehearse(connection, submission, prepared)
    status = 201 if receipt.new else 200
    body = msgspec.json.encode(receipt).decode()
    answer = {"actor": actor.id, "key": submission.key, "request_sha256": prepared.sha256, "status": status, "body": body}
    connection.execute(insert(RECEIPT), {**answer, "answered_at": datetime.now(UTC)})
    record(connection, actor, "publish", receipt.source, _result(receipt), receipt.revision)
    return status, receipt


def rehearse(connection: Connection, submission: Submission, prepared: Prepared) -> Receipt:
    """What ``submit`` does to the data, without key, audit and receipt."""
    source = prepared.source.id
    last = last_revision(connection, source)
    if last is not None and prepared.is_said_by(connection, last):
        return last.receipt(source)
    if submission.seen is not None:
        submission.seen.require(connection, source, last)
    return revise(connection, prepared)


def retract(connection: Connection, actor: Actor, source: str, seen: Seen | None) -> Receipt:
    """Retract a source; without ``seen``, whatever version there is.

    Raises:
        Forbidden, NotFound, PreconditionFailed: then nothing was stored.
    """
    actor.require("retract", source)
    if seen is not None:
        seen.require(connection, source, last_revision(connection, source))
    receipt = retract_source(connection, source)
    record(connection, actor, "retract", source, _result(receipt), receipt.revision)
    return receipt


def _result(receipt: Receipt) -> str:
    return "done" if receipt.new else "unchanged"
