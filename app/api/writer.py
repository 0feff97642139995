"""Changing the data over HTTP: changes one after the other, checks beside them, and refused attempts in the audit."""

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
from app.auth.audit_log import Notes
from app.db.database import Database
from app.errors import InFlight, Problem, Unavailable
from app.publishing.preparation import Prepared, Receipt
from app.publishing.process import LARGE, in_process, with_database
from app.publishing.submissions import Seen, Submission, answered, rehearse, retract, submit
from app.query.change_log import changes
from app.query.snapshot import Snapshot
from app.resources import FACTS

PUBLICATIONS, SOURCES = f"{V1}/publications", f"{V1}/sources/"
TURN_SECONDS = 5.0
"""Seconds that a publication waits for those before it."""
CHECKS = 4
"""Documents that are checked at once."""
PAGE = 500
"""Changes that are looked up at once."""

Made = TypeVar("Made")


class Writer:
    """The one place of this process where the data is changed, one change after the other."""

    def __init__(self, database: Database, readers: Readers) -> None:
        """Write to ``database``; ``readers`` know whether it still answers."""
        self.database = database
        self.notes = Notes(database)
        self._readers = readers
        self._turns = Semaphore(1)
        self._checks, self._writes = Executor(CHECKS), Executor(1)
        self._in_flight: set[tuple[str, str]] = set()

    @asynccontextmanager
    async def attempt(self, request: Request, action: str, target: str | None = None) -> AsyncIterator["Attempt"]:
        """An attempt to change something: where it is refused, the audit has it."""
        somebody = tokens.Actor(tokens.ANONYMOUS, (), client_of(request), request.scope["request_id"])
        attempt = Attempt(action, target, somebody)
        try:
            yield attempt
        except Problem as problem:
            self.notes.add(attempt.actor, attempt.action, attempt.target, problem.slug)
            await self._note()
            raise

    async def actor(self, request: Request) -> tokens.Actor:
        """Return who sent the request. Raises Unauthorized."""
        authorization = request.headers.get("authorization")

        def found() -> tokens.Actor:
            with self.database.read() as connection:
                return tokens.holder(connection, authorization, client_of(request), request.scope["request_id"])

        return await self._readers.aside(found)

    async def publish(self, attempt: "Attempt", submission: Submission) -> tuple[int, Receipt]:
        """Return the status and the receipt. Raises InFlight while the same key is worked on."""
        actor = attempt.actor
        key = (actor.id, submission.key)
        if key in self._in_flight:
            raise InFlight("A request with this Idempotency-Key is being worked on.", headers={"Retry-After": "1"})
        self._in_flight.add(key)
        try:
            before = await self._checked(lambda: self._answered(actor, submission))
            if before is not None:
                return before
            prepared = await self._prepared(attempt, submission)
            if len(submission.content) > LARGE:
                return await self._in_turn_apart(published, actor, submission)
            return await self._in_turn(lambda: self._written(lambda to: submit(to, actor, submission, prepared)))
        finally:
            self._in_flight.discard(key)

    async def rehearse(self, attempt: "Attempt", submission: Submission) -> bytes:
        """Return as JSON what a publication would change; nothing is kept."""
        prepared = await self._prepared(attempt, submission)
        if len(submission.content) > LARGE:
            return await self._in_turn_apart(rehearsed, submission)
        return await self._in_turn(lambda: self._written(lambda to: rehearsal(to, submission, prepared), keep=False))

    async def retract(self, actor: tokens.Actor, source: str, seen: Seen | None) -> Receipt:
        """Return the receipt of a retraction."""
        return await self._in_turn(lambda: self._written(lambda to: retract(to, actor, source, seen)))

    def _answered(self, actor: tokens.Actor, submission: Submission) -> tuple[int, Receipt] | None:
        with self.database.read() as connection:
            return answered(connection, actor, submission)

    async def _prepared(self, attempt: "Attempt", submission: Submission) -> Prepared:
        """Check the document while others may publish."""
        prepared = await self._checked(lambda: Prepared(self.database, submission.content, only_json=submission.only_json))
        attempt.target = prepared.source.id
        attempt.actor.require("publish", prepared.source.id)
        return prepared

    async def _checked(self, work: Callable[[], Made]) -> Made:
        return await self._readers.at_length(work, self._checks)

    def _written(self, work: Callable[[Connection], Made], *, keep: bool = True) -> Made:
        with self.database.write(keep=keep) as connection:
            return work(connection)

    async def _note(self) -> None:
        """Write the notes, or leave them to whoever is writing: nobody who is refused waits for others."""
        try:
            self._turns.acquire_nowait()
        except WouldBlock:
            return
        try:
            await self._readers.at_length(self.notes.write, self._writes)
        finally:
            self._turns.release()

    async def _in_turn(self, work: Callable[[], Made]) -> Made:
        """Call ``work`` in a thread, once those before it are done. Raises Unavailable where that takes too long."""
        async with self._turn():
            return await self._readers.at_length(work, self._writes)

    async def _in_turn_apart(self, work: Callable[..., Made], *arguments: object) -> Made:
        """Call ``work`` with a database and the arguments in a process of its own, once those before it are done."""
        migrations = Path(str(self.database.scripts.get_main_option("script_location")))
        async with self._turn():
            apart = in_process(with_database, self.database.url, migrations, work, *arguments)
            return await self._readers.watched(asyncio.ensure_future(apart))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """The one turn to write; at its end what was noted meanwhile is written too."""
        try:
            with fail_after(TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable("Others are publishing at the moment.", headers={"Retry-After": "5"}) from None
        try:
            yield
        finally:
            try:
                if self.notes.are_waiting:
                    await self._readers.at_length(self.notes.write, self._writes)
            finally:
                self._turns.release()

    def refused(self, scope: Scope, problem: Problem) -> None:
        """Note for the audit that a request to change something was refused before it came here."""
        path = scope["path"]
        action = {("POST", PUBLICATIONS): "publish"}.get((scope["method"], path))
        if scope["method"] == "DELETE" and path.startswith(SOURCES):
            action = "retract"
        if action is not None:
            somebody = tokens.Actor(tokens.ANONYMOUS, (), scope["client"][0] if scope["client"] else None, request_id(scope))
            target = path.removeprefix(SOURCES) if action == "retract" else None
            self.notes.add(somebody, action, target, problem.slug)

    def close(self) -> None:
        """Start nothing any more."""
        self._checks.close()
        self._writes.close()


def published(database: Database, actor: tokens.Actor, submission: Submission) -> tuple[int, Receipt]:
    """Publish a submission in a process that knows nothing of it yet."""
    prepared = Prepared(database, submission.content, only_json=submission.only_json)
    with database.write() as connection:
        return submit(connection, actor, submission, prepared)


def rehearsed(database: Database, submission: Submission) -> bytes:
    """Rehearse a submission in a process that knows nothing of it yet."""
    prepared = Prepared(database, submission.content, only_json=submission.only_json)
    with database.write(keep=False) as connection:
        return rehearsal(connection, submission, prepared)


@dataclass(slots=True)
class Attempt:
    """An attempt to change something; what is not known of it yet is filled in on the way."""

    action: str
    target: str | None
    actor: tokens.Actor


def client_of(request: Request) -> str | None:
    """Return the address that a request comes from."""
    return request.client.host if request.client else None


def rehearsal(connection: Connection, submission: Submission, prepared: Prepared) -> bytes:
    """Return as JSON what a publication would change, fact by fact; ``connection`` has changed it, and must not keep it."""
    receipt = rehearse(connection, submission, prepared)
    pieces: list[bytes] = []
    snapshot, place = Snapshot.of(connection), None
    while receipt.new:  # some at a time: they are many times as large as the document
        found = changes(snapshot, FACTS, receipt.revision - 1, receipt.revision, PAGE, place)
        pieces += [msgspec.json.encode(change) for change in found]
        if len(found) < PAGE:
            break
        place = found[-1].place
    meta = msgspec.json.encode({"source": receipt.source, "new": receipt.new, **asdict(receipt.changes)})
    return b'{"data":[' + b",".join(pieces) + b'],"meta":' + meta + b"}"


def writer_of(request: Request) -> Writer:
    """The writer of the application."""
    writer: Writer = request.app.state.writer
    return writer
