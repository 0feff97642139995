"""Running reads: short ones at once, on the event loop; those that turn out long in a few threads, with a deadline.

On a server every read is in a thread: one that hangs costs its threads, and nothing else waits for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from tempfile import SpooledTemporaryFile
from threading import get_ident
from typing import IO, Any, TypeVar

from fastapi import Request, Response
from sqlalchemy import Connection

from app.api.executor import Executor
from app.api.file_responses import content
from app.api.representation import Variant
from app.api.turns import Turns
from app.db.database import Database
from app.domain.dataset import Dataset, Meta
from app.errors import TimeLimitPassed, Unavailable
from app.formats import Format
from app.formats.base import Medium
from app.limits import MAX_WAITING
from app.query.snapshot import Version, version
from app.query.stream import stream
from app.resources.base import Lang, ListQuery, Resource

Read = TypeVar("Read")
IN_MEMORY = 2**20
"""Bytes of a list that are kept in memory until it is sent; what is larger goes to a temporary file."""


class Readers:
    """Reads of one database, at most ``threads`` long ones at once, each of at most ``seconds``."""

    def __init__(self, database: Database, threads: int, seconds: float) -> None:
        """``seconds`` is what a read may take, waiting included."""
        self.database, self.seconds = database, seconds
        self._long, self._pieces, self._checks = (Executor(count, seconds) for count in (threads, threads, 1))
        self._versions = Executor(1, seconds / 2)
        self._waiting = 0
        self._snapshots = asyncio.Semaphore(threads)
        self._turns: Turns | None = None
        self._seen: object = None
        self._look: asyncio.Task[object] | None = None
        self._looking = asyncio.Lock()

    async def read(self, work: Callable[[Connection, Version], Read], *, long: bool = False) -> Read:
        """Call ``work(connection, version)`` and return its result. Raises Unavailable at the deadline.

        ``long`` is for what SQLite cannot be stopped in after some milliseconds: it is not tried on the event loop.
        """
        if self.database.is_local and not long:
            try:
                return self._own().read(work)
            except TimeLimitPassed:
                pass
        return await self.aside(partial(self._run, work))

    async def aside(self, work: Callable[[], Read]) -> Read:
        """Return the result of ``work``, run in one of the threads for long reads. Raises Unavailable as ``read`` does."""
        if self._versions.is_stuck:
            raise _unavailable("The database does not answer.")
        if self._waiting >= self._long.threads + MAX_WAITING:
            raise Unavailable("Too many long reads are waiting.", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            return await self._long.run(work)
        except TimeLimitPassed:
            raise self._too_long() from None
        finally:
            self._waiting -= 1

    async def at_length(self, work: Callable[[], Read], executor: Executor | None = None) -> Read:
        """Return the result of ``work``, however long it takes. Raises Unavailable if meanwhile the database answers nobody."""
        return await self.watched(asyncio.wrap_future((executor or self._long).start(work)))

    async def watched(self, result: "asyncio.Future[Read]") -> Read:
        """Return a result that may take long. Raises Unavailable if meanwhile the database answers nobody."""
        try:
            while not (await asyncio.wait([result], timeout=self.seconds))[0]:
                await self.look()
        except BaseException:
            result.cancel()
            raise
        return result.result()

    async def check(self, work: Callable[[], Read]) -> Read:
        """Return the result of a look at the database itself, one at a time. Raises Unavailable at the deadline."""
        try:
            return await self._checks.run(work)
        except TimeLimitPassed:
            raise _unavailable("The database does not answer.") from None

    async def answer(
        self,
        request: Request,
        format_: Format | Medium[Any],
        lang: Lang,
        make: Callable[[Connection, Variant], Response],
        *,
        long: bool = False,
    ) -> Response:
        """Return 304 if the client's copy is current, else the response built by ``make``; for ``long`` see ``read``."""
        loop = get_ident()

        def work(connection: Connection, now: Version) -> Response:
            variant = Variant.of(request, now, format_, lang, hurried=get_ident() == loop)
            return variant.not_modified() if variant.is_known else variant.settled(make(connection, variant))

        return await self.read(work, long=long)

    async def stream(self, request: Request, resource: Resource, query: ListQuery, format_: Format, lang: Lang) -> Response:
        """Return the whole list: of facts each piece in a short transaction of its own, of other rows from one snapshot."""
        if not resource.versioned:
            return await self._whole(request, resource, query, format_, lang)
        variant = Variant.of(request, await self.read(lambda _, now: now), format_, lang)
        if variant.is_known:
            return variant.not_modified()
        dataset = await self.aside(partial(stream, self.opened, resource, query, lang, format_.takes))
        return variant.settled(variant.stream(dataset, self.sent(format_.write(dataset))))

    async def _whole(self, request: Request, resource: Resource, query: ListQuery, format_: Format, lang: Lang) -> Response:
        """Return a list of rows of which no earlier versions are kept, written under one snapshot before it is sent.

        Whoever reads slowly then holds a temporary file, and neither a transaction nor memory.
        """

        def written() -> Iterator[Any]:
            with self.database.snapshot(self.seconds) as opened:
                with opened() as connection:
                    yield version(connection)
                yield from format_.write(stream(opened, resource, query, lang, format_.takes))

        pieces = written()
        async with self._snapshots:
            await self.look()  # whoever has waited for others learns at once that the database does not answer
            try:
                variant = Variant.of(request, await self._piece(partial(next, pieces)), format_, lang)
                if variant.is_known:
                    return variant.not_modified()
                file = await self._spooled(pieces)
            finally:
                self._pieces.start(pieces.close)  # type: ignore[attr-defined]  # of a generator
        size = file.tell()
        dataset = Dataset(resource.name, resource.chosen(query.fields), (), Meta(variant.version.revision, 0))
        return variant.settled(variant.stream(dataset, content(file, [b""], [(0, size)])))

    async def _spooled(self, pieces: Iterator[bytes]) -> IO[bytes]:
        """Return a file with these pieces, which is closed by whoever sends it."""
        file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  it is returned open
        try:
            async for chunk in self.sent(pieces):
                file.write(chunk)
        except BaseException:
            file.close()
            raise
        return file

    def opened(self) -> AbstractContextManager[Connection]:
        """Open a connection to read a piece of a stream from."""
        return self.database.read(self.seconds)

    async def sent(self, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the chunks of a stream, made in a few threads: those of many readers at once would starve the event loop."""
        while (chunk := await self._piece(partial(next, chunks, None))) is not None:
            yield chunk

    async def _piece(self, work: Callable[[], Read]) -> Read:
        try:
            return await self._pieces.run(work)
        except TimeLimitPassed:
            raise self._too_long() from None

    async def look(self) -> object:
        """Return a value that changes with every commit; reads that begin after it see what it saw. Raises Unavailable.

        A file is looked at once per loop iteration. On a server those who ask while one look is under way share the next: no
        look is older than the request for it.
        """
        if self.database.is_local:
            if self._seen is None:
                if self._turns is not None:
                    self._turns.end()
                self._seen = self.database.version()
                asyncio.get_running_loop().call_soon(self._forget)
            return self._seen
        if self._look is None:
            self._look = asyncio.create_task(self._look_up())
        return await asyncio.shield(self._look)

    def _forget(self) -> None:
        self._seen = None

    async def _look_up(self) -> object:
        async with self._looking:
            self._look = None
            if self._versions.is_stuck:
                raise _unavailable("The database does not answer.")
            try:
                return await self._versions.run(self.database.version)
            except TimeLimitPassed:
                raise _unavailable("The database does not answer.") from None

    def close(self) -> None:
        """Close every connection."""
        for executor in (self._long, self._pieces, self._checks, self._versions):
            executor.close()
        if self._turns is not None:
            self._turns.close()
        self.database.close()

    def _too_long(self) -> Unavailable:
        return _unavailable(f"The read took longer than {self.seconds:g} seconds and was stopped; ask for less.")

    def _own(self) -> Turns:
        if self._turns is None:
            self._turns = Turns(self.database.engine)
        return self._turns

    def _run(self, work: Callable[[Connection, Version], Read]) -> Read:
        with self.database.read(self.seconds) as connection:
            return work(connection, version(connection))


def _unavailable(detail: str) -> Unavailable:
    return Unavailable(detail, headers={"Retry-After": "10"})


def readers_of(request: Request) -> Readers:
    """Return the readers of the application."""
    readers: Readers = request.app.state.readers
    return readers
