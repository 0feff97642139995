"""Writes over HTTP: one at a time, with concurrent checks of documents, and refused attempts in the audit log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from anyio import Semaphore, WouldBlock, fail_after
from fastapi import Request
from sqlalchemy import Connection
from starlette.types import Scope

from app.api.executor import Executor
from app.api.middleware.request_log import request_id
from app.api.readers import Readers
from app.api.representation import V1
from app.auth import tokens
from app.auth.audit_log import RefusedAttempts
from app.db.database import Database
from app.errors import InFlight, Problem, Unavailable
from app.publishing.preparation import Prepared, Receipt
from app.publishing.process import LARGE, in_process, with_database
from app.publishing.submissions import Seen, Submission, earlier_receipt, rehearse, retract, submit
from app.query.change_log import changes
from app.query.snapshot import Snapshot
from app.resources import FACTS

PUBLICATIONS, SOURCES = f"{V1}/publications", f"{V1}/sources/"
LOCK_SECONDS = 5.0
"""Seconds that a publication may wait for the writer lock."""
CHECKS = 4
"""Documents checked at once."""
PAGE = 500
"""Changes read per query."""

Result = TypeVar("Result")


class Writer:
    """The only writer of the data in this process; it writes under a lock."""

    def __init__(self, database: Database, readers: Readers) -> None:
        """Write to ``database``; ``readers`` notice when it stops answering."""
        self.database = database
        self.notes = RefusedAttempts(database)
        self._readers = readers
        self._lock = Semaphore(1)
        self._checks, self._writes = Executor(CHECKS), Executor(1)
        self._in_flight: set[tuple[str, str]] = set()

    @asynccontextmanager
    async def audit_refusals(self, request: Request, action: str, target: str | None = None) -> AsyncIterator["Attempt"]:
        """Yield the attempt; a problem raised in the context is recorded in the audit log."""
        anonymous = tokens.Actor(tokens.ANONYMOUS, (), client_of(request), request.scope["request_id"])
        attempt = Attempt(action, target, anonymous)
        try:
            yield attempt
        except Problem as problem:
            self.notes.add(attempt.actor, attempt.action, attempt.target, problem.slug)
            await self._write_notes()
            raise

    async def actor(self, request: Request) -> tokens.Actor:
        """Return the holder of the request's token. Raises Unauthorized."""
        authorization = request.headers.get("authorization")

        def holder() -> tokens.Actor:
            with self.database.read() as connection:
                return tokens.holder(connection, authorization, client_of(request), request.scope["request_id"])

        return await self._readers.in_thread(holder)

    async def publish(self, attempt: "Attempt", submission: Submission) -> tuple[int, Receipt]:
        """Publish; return the status and the receipt. Raises InFlight for a key in use."""
        actor = attempt.actor
        key = (actor.id, submission.key)
        if key in self._in_flight:
            raise InFlight("A request with this Idempotency-Key is being worked on.", headers={"Retry-After": "1"})
        self._in_flight.add(key)
        try:
            earlier = await self._check(lambda: self._earlier_receipt(actor, submission))
            if earlier is not None:
                return earlier
            prepared = await self._prepare(attempt, submission)
            if len(submission.content) > LARGE:
                return await self._run_in_process(publish_large, actor, submission)
            return await self._run(lambda: self._write(lambda connection: submit(connection, actor, submission, prepared)))
        finally:
            self._in_flight.discard(key)

    async def rehearse(self, attempt: "Attempt", submission: Submission) -> bytes:
        """Return the changes that a publication would make, as JSON; store nothing."""
        prepared = await self._prepare(attempt, submission)
        if len(submission.content) > LARGE:
            return await self._run_in_process(rehearse_large, submission)
        return await self._run(lambda: self._write(lambda connection: rehearsal(connection, submission, prepared), keep=False))

    async def retract(self, actor: tokens.Actor, source: str, seen: Seen | None) -> Receipt:
        """Retract a source; return the receipt."""
        return await self._run(lambda: self._write(lambda connection: retract(connection, actor, source, seen)))

    def _earlier_receipt(self, actor: tokens.Actor, submission: Submission) -> tuple[int, Receipt] | None:
        with self.database.read() as connection:
            return earlier_receipt(connection, actor, submission)

    async def _prepare(self, attempt: "Attempt", submission: Submission) -> Prepared:
        """Check the document, without the writer lock."""
        prepared = await self._check(lambda: Prepared(self.database, submission.content, only_json=submission.only_json))
        attempt.target = prepared.source.id
        attempt.actor.require("publish", prepared.source.id)
        return prepared

    async def _check(self, work: Callable[[], Result]) -> Result:
        return await self._readers.without_deadline(work, self._checks)

    def _write(self, work: Callable[[Connection], Result], *, keep: bool = True) -> Result:
        with self.database.write(keep=keep) as connection:
            return work(connection)

    async def _write_notes(self) -> None:
        """Write the notes, or leave them to the lock's holder: a refusal does not wait."""
        try:
            self._lock.acquire_nowait()
        except WouldBlock:
            return
        try:
            await self._readers.without_deadline(self.notes.write, self._writes)
        finally:
            self._lock.release()

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Call ``work`` in a thread, under the writer lock. Raises Unavailable."""
        async with self._locked():
            return await self._readers.without_deadline(work, self._writes)

    async def _run_in_process(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Call ``work(database, *arguments)`` in a new process, under the writer lock."""
        migrations = Path(str(self.database.scripts.get_main_option("script_location")))
        async with self._locked():
            result = in_process(with_database, self.database.url, migrations, work, *arguments)
            return await self._readers.watched(asyncio.ensure_future(result))

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """Hold the writer lock; before its release, write the notes added meanwhile.

        Raises Unavailable after ``LOCK_SECONDS``.
        """
        try:
            with fail_after(LOCK_SECONDS):
                await self._lock.acquire()
        except TimeoutError:
            raise Unavailable("Others are publishing at the moment.", headers={"Retry-After": "5"}) from None
        try:
            yield
        finally:
            try:
                if self.notes.are_waiting:
                    await self._readers.without_deadline(self.notes.write, self._writes)
            finally:
                self._lock.release()

    def refused(self, scope: Scope, problem: Problem) -> None:
        """Note for the audit log that middleware refused a request to change something."""
        path = scope["path"]
        action = {("POST", PUBLICATIONS): "publish"}.get((scope["method"], path))
        if scope["method"] == "DELETE" and path.startswith(SOURCES):
            action = "retract"
        if action is not None:
            anonymous = tokens.Actor(tokens.ANONYMOUS, (), scope["client"][0] if scope["client"] else None, request_id(scope))
            target = path.removeprefix(SOURCES) if action == "retract" else None
            self.notes.add(anonymous, action, target, problem.slug)

    def close(self) -> None:
        """Accept no more work."""
        self._checks.close()
        self._writes.close()


def publish_large(database: Database, actor: tokens.Actor, submission: Submission) -> tuple[int, Receipt]:
    """Prepare and publish a submission, in a process of its own."""
    prepared = Prepared(database, submission.content, only_json=submission.only_json)
    with database.write() as connection:
        return submit(connection, actor, submission, prepared)


def rehearse_large(database: Database, submission: Submission) -> bytes:
    """Prepare and rehearse a submission, in a process of its own."""
    prepared = Prepared(database, submission.content, only_json=submission.only_json)
    with database.write(keep=False) as connection:
        return rehearsal(connection, submission, prepared)


@dataclass(slots=True)
class Attempt:
    """An attempt to change something, for the audit log; target and actor are filled in once known."""

    action: str
    target: str | None
    actor: tokens.Actor


def client_of(request: Request) -> str | None:
    """Return the client address of a request."""
    return request.client.host if request.client else None


def rehearsal(connection: Connection, submission: Submission, prepared: Prepared) -> bytes:
    """Publish on ``connection`` and return the changes as JSON; the caller rolls back."""
    receipt = rehearse(connection, submission, prepared)
    pieces: list[bytes] = []
    snapshot, place = Snapshot.of(connection), None
    while receipt.new:  # in batches: the changes are many times as large as the document
        batch = changes(snapshot, FACTS, receipt.revision - 1, receipt.revision, PAGE, place)
        pieces += [msgspec.json.encode(change) for change in batch]
        if len(batch) < PAGE:
            break
        place = batch[-1].place
    meta = msgspec.json.encode({"source": receipt.source, "new": receipt.new, **asdict(receipt.changes)})
    return b'{"data":[' + b",".join(pieces) + b'],"meta":' + meta + b"}"


def writer_of(request: Request) -> Writer:
    """Return the writer of the application."""
    writer: Writer = request.app.state.writer
    return writer
