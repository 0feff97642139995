"""Running reads: short ones at once, on the event loop; those that turn out long in a few threads, with a time limit."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response
from sqlalchemy import Connection

from app.api.responses import Variant
from app.api.turns import Turns
from app.database import Database
from app.errors import TimeLimitPassed, Unavailable
from app.formats import Format
from app.formats.base import Medium
from app.limits import MAX_WAITING
from app.query.history import Version, version
from app.query.streaming import stream
from app.resource import Lang, ListQuery, Resource

Read = TypeVar("Read")


class Readers:
    """Reads of one database, at most ``threads`` long ones at once, each of at most ``seconds``."""

    def __init__(self, database: Database, threads: int, seconds: float) -> None:
        """``seconds`` is for each statement."""
        self.database, self.seconds = database, seconds
        self._limiter, self._pieces = CapacityLimiter(threads), CapacityLimiter(threads)
        self._long = 0
        self._turns: Turns | None = None

    async def read(self, work: Callable[[Connection, Version], Read], *, long: bool = False) -> Read:
        """What ``work`` makes of a connection and the version that it sees. Raises Unavailable where the time limit is passed.

        ``long`` is for what SQLite cannot be stopped in after some milliseconds.
        """
        if self.database.is_local and not long:
            try:
                return self._own().read(work)
            except TimeLimitPassed:
                pass
        return await self.aside(partial(self._run, work, self.seconds))

    async def aside(self, work: Callable[[], Read]) -> Read:
        """What ``work`` makes in one of the few threads for long reads. Raises Unavailable as ``read`` does."""
        if self._long >= self._limiter.total_tokens + MAX_WAITING:
            raise Unavailable("Too many long reads are waiting.", headers={"Retry-After": "5"})
        self._long += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        except TimeLimitPassed:
            detail = f"The read took longer than {self.seconds:g} seconds and was stopped; ask for less."
            raise Unavailable(detail, headers={"Retry-After": "10"}) from None
        finally:
            self._long -= 1

    async def answer(
        self,
        request: Request,
        format_: Format | Medium[Any],
        lang: Lang,
        make: Callable[[Connection, Variant], Response],
        *,
        long: bool = False,
    ) -> Response:
        """What ``make`` answers, or 304 where the client has it already; ``long`` as of ``read``."""

        def work(connection: Connection, now: Version) -> Response:
            variant = Variant.of(request, now, format_, lang)
            return variant.not_modified() if variant.is_known else make(connection, variant)

        return await self.read(work, long=long)

    async def stream(self, request: Request, resource: Resource, query: ListQuery, format_: Format, lang: Lang) -> Response:
        """The whole list, read while it is sent: each piece in a short transaction of its own."""
        variant = Variant.of(request, await self.read(lambda _, now: now), format_, lang)
        if variant.is_known:
            return variant.not_modified()
        dataset = await to_thread.run_sync(stream, self.opened, resource, query, lang, format_.takes)
        return variant.stream(dataset, self.sent(format_.write(dataset)))

    def opened(self) -> AbstractContextManager[Connection]:
        """A connection to read a piece of a stream from."""
        return self.database.read(self.seconds)

    async def sent(self, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks of a stream, made in a few threads: those of many readers at once would starve the event loop."""
        while (chunk := await to_thread.run_sync(next, chunks, None, limiter=self._pieces)) is not None:
            yield chunk

    def look(self) -> object:
        """A value that changes with every commit; what is read from now on is no older."""
        if self._turns is not None:
            self._turns.end()
        return self.database.version()

    def close(self) -> None:
        """Close every connection."""
        if self._turns is not None:
            self._turns.close()
        self.database.close()

    def _own(self) -> Turns:
        if self._turns is None:
            self._turns = Turns(self.database.engine)
        return self._turns

    def _run(self, work: Callable[[Connection, Version], Read], seconds: float) -> Read:
        with self.database.read(seconds) as connection:
            return work(connection, version(connection))


def readers_of(request: Request) -> Readers:
    """The readers of the application."""
    readers: Readers = request.app.state.readers
    return readers
