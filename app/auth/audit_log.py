"""The audit log: attempts to change data, with actor, client and result. Append-only."""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Table, func, insert, or_, select
from sqlalchemy.exc import DBAPIError

from app.auth.tables import AuditRow
from app.auth.tokens import ANONYMOUS, Actor, mark_used
from app.db.database import Database

log = logging.getLogger(__name__)

AUDIT: Table = AuditRow.__table__  # type: ignore[attr-defined]  # SQLModel adds it at run time


def record(  # noqa: PLR0913  the columns of an entry
    connection: Connection,
    actor: Actor,
    action: str,
    target: str | None,
    result: str,
    revision: int | None = None,
    at: datetime | None = None,
) -> None:
    """Add an entry; ``result`` is ``done``, ``unchanged``, or the slug of a problem."""
    entry = {"actor": actor.id, "action": action, "target": target, "client": actor.client, "request_id": actor.request_id}
    connection.execute(insert(AUDIT), {**entry, "at": at or datetime.now(UTC), "result": result, "revision": revision})
    mark_used(connection, actor)


def entries(
    connection: Connection, limit: int, before: int | None = None, source_prefixes: Sequence[str] = ()
) -> Sequence[Mapping[str, Any]]:
    """Return the latest entries, newest first.

    ``before`` is the id of the entry to continue after; ``source_prefixes`` limits the entries to sources with such ids.
    """
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AUDIT.c.id < before)
    if source_prefixes:
        matches = (func.substr(AUDIT.c.target, 1, len(beginning)) == beginning for beginning in source_prefixes)
        query = query.where(AUDIT.c.action.in_(ABOUT_SOURCES), or_(*matches))
    rows: Sequence[Any] = connection.execute(query).mappings().all()
    return rows


ABOUT_SOURCES = ("publish", "rehearse", "retract")
"""Actions whose target is a source."""

ANONYMOUS_A_MINUTE = 10
"""Entries a minute for attempts without a valid token; more are only counted, so that nobody can fill the disk."""
MOST_WAITING = 1000
"""Entries queued while a publication holds the writer's lock; more are only counted."""


@dataclass(frozen=True, slots=True)
class RefusedAttempt:
    """A refused attempt, queued for the audit log."""

    actor: Actor
    action: str
    target: str | None
    result: str
    at: datetime


class RefusedAttempts:
    """A queue of refused attempts for the audit log. Dropped ones are counted in the next entry's result."""

    def __init__(self, database: Database, clock: Callable[[], float] = monotonic) -> None:
        """Create an empty queue; ``write`` stores it in ``database``."""
        self._database, self._clock = database, clock
        self._waiting: deque[RefusedAttempt] = deque()
        self._dropped = 0
        self._minute, self._anonymous = clock(), 0

    def add(self, actor: Actor, action: str, target: str | None, result: str) -> None:
        """Queue a refused attempt, or count it if there is no room."""
        if not self._has_room(actor):
            self._dropped += 1
            return
        text = f"{result}; {self._dropped} others were left out" if self._dropped else result
        self._dropped = 0
        self._waiting.append(RefusedAttempt(actor, action, target, text, datetime.now(UTC)))

    def _has_room(self, actor: Actor) -> bool:
        if len(self._waiting) >= MOST_WAITING:
            return False
        if actor.id != ANONYMOUS:
            return True
        if self._clock() - self._minute >= 60:  # noqa: PLR2004  a minute
            self._minute, self._anonymous = self._clock(), 0
        self._anonymous += 1
        return self._anonymous <= ANONYMOUS_A_MINUTE

    @property
    def are_waiting(self) -> bool:
        """True if the queue is not empty."""
        return bool(self._waiting)

    def write(self) -> None:
        """Store the queue; keep it if the database fails. One thread at a time."""
        notes = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not notes:
            return
        try:
            with self._database.write() as connection:
                for note in notes:
                    record(connection, note.actor, note.action, note.target, note.result, at=note.at)
        except DBAPIError as error:
            self._waiting.extendleft(reversed(notes))
            log.warning("refused attempts are not in the audit yet: %s", error)
