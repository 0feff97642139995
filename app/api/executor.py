"""Thread pool for blocking work, with a deadline for results."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, TypeVar

from app.errors import TimeLimitPassed

Result = TypeVar("Result")
CLOSING_SECONDS = 1.0
"""Seconds that ``close`` waits for overdue work."""


class Executor:
    """Pool of ``threads`` threads. Work that hangs keeps its thread: it is not replaced, and callers stop waiting for it."""

    def __init__(self, threads: int, seconds: float | None = None) -> None:
        """Set the deadline to ``seconds``, counted from the call; None for none."""
        self.threads, self.seconds = threads, seconds
        self._pool = ThreadPoolExecutor(threads)
        self._overdue: set[Future[Any]] = set()

    @property
    def is_stuck(self) -> bool:
        """True if every thread is held by overdue work."""
        return len(self._overdue) >= self.threads

    async def run(self, work: Callable[[], Result]) -> Result:
        """Call ``work`` in a thread and return its result.

        Raises TimeLimitPassed at the deadline; work that has started then runs on unwatched.
        """
        future = self.start(work)
        try:
            async with asyncio.timeout(self.seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if future.done() and not future.cancelled():
                return future.result()
            if future.running():
                self._overdue.add(future)
                future.add_done_callback(self._overdue.discard)
            raise TimeLimitPassed from None

    def start(self, work: Callable[[], Result]) -> "Future[Result]":
        """Start ``work`` once a thread is free, without waiting for it."""
        return self._pool.submit(copy_context().run, work)

    def close(self) -> None:
        """Accept no more work; give overdue work a moment to return its connection."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(self._overdue.copy(), timeout=CLOSING_SECONDS)
