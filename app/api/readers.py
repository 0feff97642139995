"""Readers: short reads run on the event loop, long reads in a few threads with a deadline.

On PostgreSQL every read runs in a thread: a read that hangs costs its thread and blocks nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

from fastapi import Request
from sqlalchemy import Connection

from app.api.executor import Executor
from app.db.database import Database
from app.db.engines import LARGE_CACHE, time_limit
from app.errors import TimeLimitPassed, Unavailable
from app.limits import MAX_WAITING
from app.query.snapshot import Snapshot
from app.resources.base import Lang

Read = TypeVar("Read")
INLINE_SECONDS = 0.01
"""Seconds that a read may take on the event loop before it is started again in a thread."""


class Readers:
    """Reads of one database, at most ``threads`` long ones at once, each of at most ``seconds``."""

    def __init__(self, database: Database, threads: int, seconds: float, most_waiting: int = MAX_WAITING) -> None:
        """Allow a read ``seconds``, including the wait for a thread."""
        self.database, self.seconds = database, seconds
        self._is_local = database.is_local
        self._long, self._pieces, self._checks = (Executor(count, seconds) for count in (threads, threads, 1))
        self._versions = Executor(1, seconds / 2)
        self._waiting, self._most_waiting = 0, most_waiting
        self.snapshots = asyncio.Semaphore(threads)
        """Slots for reads that hold one snapshot over many pieces."""
        self._own: Connection | None = None
        self._driver: Any = None
        self._seen: object = None
        self._look: asyncio.Task[object] | None = None
        self._looking = asyncio.Lock()

    async def read(self, work: Callable[[Snapshot], Read], lang: Lang = "en", *, long: bool = False) -> Read:
        """Call ``work(snapshot)`` and return its result.

        Raises Unavailable at the deadline. With ``long`` the work is not tried on the event loop: SQLite could not interrupt it
        after some milliseconds.
        """
        if self._is_local and not long:
            try:
                return self._read_inline(work, lang)
            except TimeLimitPassed:
                pass
        return await self.in_thread(partial(self._read_in_thread, work, lang))

    def _read_inline(self, work: Callable[[Snapshot], Read], lang: Lang) -> Read:
        """Call ``work`` on the event loop, over a connection of its own.

        Raises TimeLimitPassed after INLINE_SECONDS.
        """
        if self._own is None:
            self._own = self.database.engine.connect()
            self._driver = self._own.connection.dbapi_connection
            self._driver.execute(LARGE_CACHE)
        with time_limit(self._own, INLINE_SECONDS):
            self._driver.execute("BEGIN")
            try:
                return work(Snapshot.of(self._own, lang, is_hurried=True))
            finally:
                if self._own.in_transaction():
                    self._own.rollback()
                elif self._driver.in_transaction:
                    self._driver.rollback()

    def _read_in_thread(self, work: Callable[[Snapshot], Read], lang: Lang) -> Read:
        with self.database.read(self.seconds) as connection:
            return work(Snapshot.of(connection, lang))

    async def in_thread(self, work: Callable[[], Read]) -> Read:
        """Call ``work`` in a thread for long reads and return its result.

        Raises Unavailable at the deadline, or if too many are waiting.
        """
        if self._versions.is_stuck:
            raise _unavailable("The database does not answer.")
        if self._waiting >= self._long.threads + self._most_waiting:
            raise Unavailable("Too many long reads are waiting.", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            return await self._long.run(work)
        except TimeLimitPassed:
            raise self._too_long() from None
        finally:
            self._waiting -= 1

    async def without_deadline(self, work: Callable[[], Read], executor: Executor | None = None) -> Read:
        """Call ``work`` in a thread without a deadline and return its result.

        Raises Unavailable if the database stops answering meanwhile.
        """
        return await self.watched(asyncio.wrap_future((executor or self._long).start(work)))

    async def watched(self, result: "asyncio.Future[Read]") -> Read:
        """Await a result without a deadline.

        Raises Unavailable if the database stops answering meanwhile.
        """
        try:
            while not (await asyncio.wait([result], timeout=self.seconds))[0]:
                await self.look()
        except BaseException:
            result.cancel()
            raise
        return result.result()

    async def check(self, work: Callable[[], Read]) -> Read:
        """Call ``work``, a check of the database, in the thread for checks.

        Raises Unavailable at the deadline.
        """
        try:
            return await self._checks.run(work)
        except TimeLimitPassed:
            raise _unavailable("The database does not answer.") from None

    def opened(self) -> AbstractContextManager[Connection]:
        """Open a connection for one piece of a stream."""
        return self.database.read(self.seconds)

    async def sent(self, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the chunks of a stream, each made in a thread for pieces.

        Making the chunks of many readers at once would starve the event loop.
        """
        while (chunk := await self.piece(partial(next, chunks, None))) is not None:
            yield chunk

    async def piece(self, work: Callable[[], Read]) -> Read:
        """Call ``work``, one piece of a stream, in a thread and return its result.

        Raises Unavailable at the deadline.
        """
        try:
            return await self._pieces.run(work)
        except TimeLimitPassed:
            raise self._too_long() from None

    def start_piece(self, work: Callable[[], object]) -> None:
        """Start ``work`` in a thread for pieces, without waiting for it."""
        self._pieces.start(work)

    async def look(self) -> object:
        """Return a value that changes with every commit. Raises Unavailable.

        Reads that begin afterwards see at least that state. A database file is checked once per loop iteration. On a server,
        calls during one check share the next, so that no value is older than its call.
        """
        if self._is_local:
            if self._seen is None:
                self._seen = self.database.data_version()
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
                return await self._versions.run(self.database.data_version)
            except TimeLimitPassed:
                raise _unavailable("The database does not answer.") from None

    def close(self) -> None:
        """Close every connection."""
        for executor in (self._long, self._pieces, self._checks, self._versions):
            executor.close()
        if self._own is not None:
            self._own.close()
        self.database.close()

    def _too_long(self) -> Unavailable:
        return _unavailable(f"The read took longer than {self.seconds:g} seconds and was stopped; ask for less.")


def _unavailable(detail: str) -> Unavailable:
    return Unavailable(detail, headers={"Retry-After": "10"})


def readers_of(request: Request) -> Readers:
    """Return the readers of the application."""
    readers: Readers = request.app.state.readers
    return readers
