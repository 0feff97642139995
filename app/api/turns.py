"""Short reads on the event loop: those of one turn of it share a connection, a transaction, and the version that they see.

What arrives later is looked at in a later turn: no read sees less than was committed when it was asked for.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from app.db.engines import LARGE_CACHE, time_limit
from app.query.snapshot import Version, version

INLINE_SECONDS = 0.01
"""What a read may take on the event loop, where it holds up everybody else, before it is started again in a thread."""

Read = TypeVar("Read")


class Turns:
    """The event loop's own connection to a local database."""

    def __init__(self, engine: Engine) -> None:
        """Connects."""
        self._connection = engine.connect()
        driver: Any = self._connection.connection.dbapi_connection
        driver.execute(LARGE_CACHE)
        self._driver = driver
        self._version: Version | None = None

    def read(self, work: Callable[[Connection, Version], Read]) -> Read:
        """What ``work`` makes of the connection. Raises TimeLimitPassed when it takes too long."""
        try:
            with time_limit(self._connection, INLINE_SECONDS):
                if self._version is None:
                    self._driver.execute("BEGIN")  # by the driver itself: every read begins with it
                    self._version = version(self._connection)
                    asyncio.get_running_loop().call_soon(self.end)
                return work(self._connection, self._version)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """The reads that follow see what has been committed by then."""
        self._version = None
        if self._connection.in_transaction():
            self._connection.rollback()
        elif self._driver.in_transaction:
            self._driver.rollback()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
