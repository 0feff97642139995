"""Publishing over HTTP: idempotency, authorisation, If-Match, and an entry in the audit log.

Wraps ``revisions.py``: a submission was prepared before (``preparation.py``); all functions here run under the writer's lock.
"""

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
"""The form of this service's entity tags: revision, digest, and content encoding."""

Issued = Callable[[str, int, str], Collection[str]]
"""A function of source, revision and SHA-256 of its document that returns the entity tags issued at that revision."""
Answer = tuple[int, Receipt]
"""Status and receipt."""


@dataclass(frozen=True, slots=True)
class Seen:
    """If-Match (RFC 9110, section 13.1.1): the versions of a source that the sender has seen.

    Entity tags begin with the revision of the data set that they were issued at; a tag is current while the source was not
    revised since. Weak tags, and tags that ``issued`` does not return, match nothing.
    """

    header: str | None
    issued: Issued

    def require(self, connection: Connection, source: str, last: Last | None) -> None:
        """Raise PreconditionRequired or -Failed unless the sender saw the last version."""
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
        tags = [match for weak, tag in _TAG.findall(self.header) if not weak and (match := _ISSUED.fullmatch(tag))]
        revisions = [int(tag[1]) for tag in tags[:MOST_TAGS] if self._was_issued(connection, source, int(tag[1]), tag[2])]
        if not revisions:
            raise PreconditionFailed(f"If-Match has no strong ETag that /v1/sources/{source}, or a receipt of it, was given.")
        if max(revisions) < last.revision:
            raise PreconditionFailed(f"The source {source} is not as If-Match has it: revision {last.revision} changed it.")

    def _was_issued(self, connection: Connection, source: str, revision: int, digest: str) -> bool:
        sha256 = connection.execute(select(REVISION.c.document_sha256).where(REVISION.c.id == revision)).scalar()
        return sha256 is not None and f"{revision}-{digest}" in self.issued(source, revision, sha256)


MOST_TAGS = 20
"""Tags of If-Match that are checked; more are ignored."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted document, its idempotency key, and the versions that the sender saw.

    Attributes:
        content: The bytes of the document.
        key: The Idempotency-Key.
        seen: If-Match; None where it is not required.
        only_json: True if the sender declared the media type JSON, so that YAML is refused.
    """

    content: bytes
    key: str
    seen: Seen | None
    only_json: bool = False

    @property
    def sha256(self) -> str:
        """The SHA-256 of the body, to detect a key repeated with another body."""
        return hashlib.sha256(self.content).hexdigest()


def earlier_receipt(connection: Connection, actor: Actor, submission: Submission) -> Answer | None:
    """Return the stored answer for the same key, or None if the key is new.

    Raises:
        IdempotencyKeyReused: when the key came with another body.
    """
    query = select(RECEIPT).where(RECEIPT.c.actor == actor.id, RECEIPT.c.key == submission.key)
    row = connection.execute(query).first()
    if row is None:
        return None
    if row.request_sha256 != submission.sha256:
        raise IdempotencyKeyReused("This Idempotency-Key came before, with another body.")
    return row.status, msgspec.json.decode(row.body, type=Receipt)


def submit(connection: Connection, actor: Actor, submission: Submission, prepared: Prepared) -> Answer:
    """Publish a submission, or return the stored answer if its key is a repeat.

    Raises:
        IdempotencyKeyReused: when the key came before with another body.
        DocumentFaulty, PreconditionRequired, PreconditionFailed: then nothing was stored.
    """
    before = earlier_receipt(connection, actor, submission)
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
    """Change the data as ``submit`` does, without key, stored answer and audit entry.

    A dry run calls this and rolls the transaction back.
    """
    source = prepared.source.id
    last = last_revision(connection, source)
    if last is not None and prepared.repeats(connection, last):
        return last.receipt(source)
    if submission.seen is not None:
        submission.seen.require(connection, source, last)
    return revise(connection, prepared)


def retract(connection: Connection, actor: Actor, source: str, seen: Seen | None) -> Receipt:
    """Retract a source: the version that ``seen`` requires, or any if it is None.

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
