"""Threads for work that blocks: a fixed number of them, and a deadline for whoever waits for their results."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, TypeVar

from app.errors import TimeLimitPassed

Result = TypeVar("Result")
CLOSING_SECONDS = 1.0


class Executor:
    """At most ``threads`` threads. Work that hangs keeps its thread: no other takes its place, and nobody waits for it."""

    def __init__(self, threads: int, seconds: float | None = None) -> None:
        """``seconds`` is what work may take, waiting for a thread included; None for no deadline."""
        self.threads, self.seconds = threads, seconds
        self._pool = ThreadPoolExecutor(threads)
        self._overdue: set[Future[Any]] = set()

    @property
    def is_stuck(self) -> bool:
        """Whether every thread is held by work whose deadline has passed."""
        return len(self._overdue) >= self.threads

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what ``work`` returns. Raises TimeLimitPassed at the deadline; what has begun goes on by itself then."""
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
        """Start nothing any more; give work whose deadline has passed a moment to end, so that it returns its connection."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(self._overdue.copy(), timeout=CLOSING_SECONDS)
